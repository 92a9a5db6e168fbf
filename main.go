// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

// Command terraform-provider-lambdaseed serves the lambdaseed provider to
// Terraform and OpenTofu.
package main

import (
	"flag"
	"log"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/provider"
)

// version is set by the release build: -ldflags "-X main.version=1.2.3".
var version = "dev"

func main() {
	debug := flag.Bool("debug", false, "wait for a debugger: print the TF_REATTACH_PROVIDERS value to start Terraform with")
	flag.Parse()

	var opts []tf6server.ServeOpt
	if *debug {
		opts = append(opts, tf6server.WithManagedDebug())
	}
	err := tf6server.Serve("registry.terraform.io/lambdaseed/lambdaseed", provider.NewServer(version), opts...)
	if err != nil {
		log.Fatal(err)
	}
}
