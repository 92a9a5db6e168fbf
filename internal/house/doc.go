// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

// Package house holds the rules of this house as tests: which package may know
// which other one, that the provider starts no program, what every file says at
// its head, and what no file says. It has no code of its own.
//
// The rules read source, not the build of one machine: a file for Windows is
// held to them on Linux too.
package house
