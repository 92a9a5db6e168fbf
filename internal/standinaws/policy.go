// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package standinaws

import (
	"encoding/json"
	"reflect"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/types"
)

// samePolicy keeps the text that the user wrote when AWS reports an equal JSON
// document in another notation.
func samePolicy(reported string, prior types.String) types.String {
	var a, b any
	if json.Unmarshal([]byte(reported), &a) == nil && json.Unmarshal([]byte(prior.ValueString()), &b) == nil && reflect.DeepEqual(a, b) {
		return prior
	}
	return types.StringValue(reported)
}

// isPrincipalError tells the error of a policy that names a principal IAM has
// not spread yet.
func isPrincipalError(err error) bool {
	return strings.Contains(err.Error(), "Principal not found")
}
