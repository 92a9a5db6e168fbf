// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bytes"
	"strings"
	"testing"
)

// The demo is also the proof that the built provider works through terraform
// init from a mirror, in a process that has the AWS variables and nothing else:
// no PATH, no HOME (see newTerraform).
func TestDemo(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := run(t.Context(), &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	for _, line := range []string{
		"app:lambdaseed-placeholder: its own repository, from the first apply on.",
		"No changes.",
		"All 8 steps were as promised",
	} {
		if !strings.Contains(out.String(), line) {
			t.Errorf("the demo did not print %q:\n%s", line, out.String())
		}
	}
}
