// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

// Command terraform-provider-aws serves the stand-in under the address of the
// original, so that a filesystem mirror can hand it to Terraform.
package main

import (
	"context"
	"flag"
	"log"

	"github.com/hashicorp/terraform-plugin-framework/providerserver"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/standinaws"
)

// version is overwritten by the linker.
var version = "0.0.0-standin"

func main() {
	debug := flag.Bool("debug", false, "serve for a debugger and print the TF_REATTACH_PROVIDERS line")
	flag.Parse()

	err := providerserver.Serve(context.Background(), standinaws.New(version), providerserver.ServeOpts{
		Address: "registry.terraform.io/hashicorp/aws",
		Debug:   *debug,
	})
	if err != nil {
		log.Fatal(err)
	}
}
