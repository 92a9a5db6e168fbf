// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"os"
	"syscall"
)

// peakMemory is the largest resident set of a process that has ended, in bytes.
func peakMemory(state *os.ProcessState) int64 {
	usage, ok := state.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	return usage.Maxrss * 1024 // getrusage(2): kilobytes on Linux
}
