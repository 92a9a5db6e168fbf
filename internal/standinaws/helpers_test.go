// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package standinaws_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/fakeaws"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/standinaws"
)

const (
	region = fakeaws.DefaultRegion
	host   = fakeaws.DefaultAccount + ".dkr.ecr." + region + ".amazonaws.com"
)

// world is a server and the provider block that leads to it.
type world struct {
	*fakeaws.Server
	t        *testing.T
	provider string
}

func newWorld(t *testing.T, opts ...fakeaws.Option) *world {
	t.Helper()
	t.Parallel()
	srv, err := fakeaws.Start(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(srv.Close)
	t.Cleanup(func() {
		if hosts := srv.RefusedHosts(); len(hosts) > 0 {
			t.Errorf("hosts beyond AWS were asked: %v", hosts)
		}
	})
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, srv.CABundlePEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	return &world{Server: srv, t: t, provider: fmt.Sprintf(`
provider "aws" {
  region           = %q
  access_key       = "AKIASTANDINAWS000001"
  secret_key       = "test"
  https_proxy      = %q
  custom_ca_bundle = %q
  max_retries      = 1
}
`, region, srv.URL(), ca)}
}

// test runs steps; a configuration without a provider block gets the world's.
func (w *world) test(steps ...resource.TestStep) {
	w.t.Helper()
	for i := range steps {
		if steps[i].Config != "" && !strings.Contains(steps[i].Config, `provider "aws"`) {
			steps[i].Config = w.provider + steps[i].Config
		}
	}
	resource.UnitTest(w.t, resource.TestCase{
		ProtoV6ProviderFactories: map[string]func() (tfprotov6.ProviderServer, error){
			"aws": providerserver.NewProtocol6WithError(standinaws.New("test")()),
		},
		Steps: steps,
	})
}

// push writes a small image, as a pipeline does, and returns it.
func (w *world) push(reference string) v1.Image {
	w.t.Helper()
	ref, err := name.ParseReference(reference)
	if err != nil {
		w.t.Fatal(err)
	}
	img, err := random.Image(256, 1)
	if err != nil {
		w.t.Fatal(err)
	}
	w.write(ref, img)
	return img
}

// pushEmpty pushes an image without layers.
func (w *world) pushEmpty(reference string) {
	w.t.Helper()
	ref, err := name.ParseReference(reference)
	if err != nil {
		w.t.Fatal(err)
	}
	w.write(ref, empty.Image)
}

func (w *world) write(ref name.Reference, img v1.Image) {
	w.t.Helper()
	if err := remote.Write(ref, img, w.RemoteOptions(w.t.Context())...); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) lambda() *lambda.Client { return lambda.NewFromConfig(w.AWSConfig(region)) }

// requests counts the calls of one operation.
func (w *world) requests(service, operation string) int { return len(w.RequestsTo(service, operation)) }

const role = `
resource "aws_iam_role" "app" {
  name = "app"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "lambda.amazonaws.com" } }]
  })
}
`
