// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

import (
	"encoding/base64"
	"strings"
)

const pageMark = "fakeaws-page:"

// sealToken hides the last key of a page in a token that no client can guess
// the meaning of, openToken finds it again.
func sealToken(last string) string {
	return base64.StdEncoding.EncodeToString([]byte(pageMark + last))
}

func openToken(token string) (last string, ok bool) {
	plain, err := base64.StdEncoding.DecodeString(token)
	if err != nil {
		return "", false
	}
	return strings.CutPrefix(string(plain), pageMark)
}
