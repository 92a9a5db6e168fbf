// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

//go:build !linux

package main

import "os"

// peakMemory is not measured here: the unit, or the figure, is another one on
// every system.
func peakMemory(*os.ProcessState) int64 { return 0 }
