// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package exampletest

import (
	"cmp"
	"context"
	"os"
	"testing"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/go-plugin"
	"github.com/hashicorp/terraform-exec/tfexec"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6/tf6server"
)

// address is the full name of a provider. TF_ACC_PROVIDER_HOST names another
// registry, as in plugin-testing: OpenTofu's is registry.opentofu.org.
func address(source string) string {
	return cmp.Or(os.Getenv("TF_ACC_PROVIDER_HOST"), "registry.terraform.io") + "/" + source
}

// serve runs a provider in this process until the test ends, and says where.
func serve(t *testing.T, source string, server tfprotov6.ProviderServer) tfexec.ReattachConfig {
	t.Helper()
	// Not t.Context(): that one ends before the clean-up, which may still
	// destroy what the test made.
	ctx, cancel := context.WithCancel(context.Background())
	attach := make(chan *plugin.ReattachConfig)
	closed := make(chan struct{})
	failed := make(chan error, 1)
	go func() {
		failed <- tf6server.Serve(address(source), func() tfprotov6.ProviderServer { return server },
			tf6server.WithDebug(ctx, attach, closed),
			tf6server.WithGoPluginLogger(hclog.NewNullLogger()),
			tf6server.WithLoggingSink(t))
	}()
	t.Cleanup(func() {
		cancel()
		<-closed
	})
	select {
	case config := <-attach:
		if config == nil {
			t.Fatalf("%s does not listen", source)
		}
		return tfexec.ReattachConfig{
			Protocol:        string(config.Protocol),
			ProtocolVersion: config.ProtocolVersion,
			Pid:             config.Pid,
			Test:            config.Test,
			Addr:            tfexec.ReattachConfigAddr{Network: config.Addr.Network(), String: config.Addr.String()},
		}
	case err := <-failed:
		t.Fatalf("%s: %v", source, err)
	}
	panic("not reached")
}
