// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

//go:build !linux

package bootstrap_test

import "testing"

func TestRun(t *testing.T) {
	t.Parallel()
	t.Skip("the program is for Linux")
}
