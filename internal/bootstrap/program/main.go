// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package main

import "os"

func main() { os.Exit(1) }
