// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

// Command terraform-provider-lambdaseed serves the lambdaseed provider to
// Terraform and OpenTofu.
package main

import (
	"context"
	"flag"
	"log"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/provider"
)

// version is set by the release build: -ldflags "-X main.version=1.2.3".
var version = "dev"

func main() {
	debug := flag.Bool("debug", false, "wait for a debugger: print the TF_REATTACH_PROVIDERS value to start Terraform with")
	flag.Parse()

	err := providerserver.Serve(context.Background(), provider.New(version), providerserver.ServeOpts{
		Address: "registry.terraform.io/lambdaseed/lambdaseed",
		Debug:   *debug,
	})
	if err != nil {
		log.Fatal(err)
	}
}
