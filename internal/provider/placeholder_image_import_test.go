// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfversion"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/seedimage"
)

// importedSeed is a seed that is not the default one in anything that an
// import has to find out.
const importedSeed = `architectures = ["arm64"]
  http_response = {
    status_code  = 500
    content_type = "text/plain"
    body         = "soon"
  }`

func TestPlaceholderImage_importByID(t *testing.T) {
	t.Parallel()
	for name, arguments := range map[string]string{"defaults": "", "others": importedSeed} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.createRepository("app", types.ImageTagMutabilityMutable)
			w.testWith(resource.TestCase{
				Steps: []resource.TestStep{
					{Config: seedOnly(arguments)},
					{
						ResourceName:                         seedAddress,
						ImportState:                          true,
						ImportStateId:                        testURI,
						ImportStateVerify:                    true,
						ImportStateVerifyIdentifierAttribute: "image_uri",
					},
				},
			})
		})
	}
}

// Into an empty state, with terraform import: the next plan is empty.
func TestPlaceholderImage_importPersists(t *testing.T) {
	t.Parallel()
	for name, arguments := range map[string]string{"defaults": "", "others": importedSeed} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.createRepository("app", types.ImageTagMutabilityMutable)
			img := placeholder(t, "x86_64", seedimage.Response{})
			if arguments != "" {
				body := "soon"
				img = placeholder(t, "arm64", seedimage.Response{StatusCode: 500, ContentType: "text/plain", Body: &body})
			}
			digest := w.push("app", defaultImageTag, img)
			w.testWith(resource.TestCase{
				Steps: []resource.TestStep{
					{
						Config:             seedOnly(arguments),
						ResourceName:       seedAddress,
						ImportState:        true,
						ImportStateId:      testURI,
						ImportStatePersist: true,
					},
					{
						Config:            seedOnly(arguments),
						ConfigPlanChecks:  emptyPlan(),
						ConfigStateChecks: []statecheck.StateCheck{seedValue("image_digest", knownvalue.StringExact(digest))},
					},
				},
				CheckDestroy: w.contains("app", map[string]string{defaultImageTag: digest}),
			})
		})
	}
}

// By import block, into an empty state: the next plan is empty, and at the end
// the image stays, because nobody knows that it is this resource's.
func TestPlaceholderImage_importByBlock(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		arguments string
		digest    func(*testing.T, *world) string
	}{
		"placeholder": {"", func(t *testing.T, w *world) string {
			return w.push("app", defaultImageTag, placeholder(t, "x86_64", seedimage.Response{}))
		}},
		"other placeholder": {importedSeed, func(t *testing.T, w *world) string {
			body := "soon"
			return w.push("app", defaultImageTag, placeholder(t, "arm64", seedimage.Response{StatusCode: 500, ContentType: "text/plain", Body: &body}))
		}},
		"real image": {"", func(t *testing.T, w *world) string {
			return w.push("app", defaultImageTag, realImage(t, "real"))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.createRepository("app", types.ImageTagMutabilityMutable)
			digest := test.digest(t, w)
			w.testWith(resource.TestCase{
				Steps: []resource.TestStep{{
					Config: seedOnly(test.arguments) + fmt.Sprintf(`
import {
  to = %s
  id = %q
}
`, seedAddress, testURI),
					ConfigPlanChecks:  planned(plancheck.ExpectResourceAction(seedAddress, plancheck.ResourceActionNoop)),
					ConfigStateChecks: []statecheck.StateCheck{seedValue("image_digest", knownvalue.StringExact(digest))},
				}},
				CheckDestroy: w.contains("app", map[string]string{defaultImageTag: digest}),
			})
		})
	}
}

func TestPlaceholderImage_identity(t *testing.T) {
	w := newWorld(t)
	w.createRepository("app", types.ImageTagMutabilityMutable)
	w.testWith(resource.TestCase{
		TerraformVersionChecks: []tfversion.TerraformVersionCheck{
			skipBelow{tfversion.Version1_12_0, "identity and import by identity"},
		},
		Steps: []resource.TestStep{
			{
				Config: seedOnly(""),
				ConfigStateChecks: []statecheck.StateCheck{
					statecheck.ExpectIdentity(seedAddress, map[string]knownvalue.Check{
						"repository_url": knownvalue.StringExact(testRepository),
						"image_tag":      knownvalue.StringExact(defaultImageTag),
					}),
				},
			},
			{
				ResourceName:    seedAddress,
				ImportState:     true,
				ImportStateKind: resource.ImportBlockWithResourceIdentity,
			},
		},
	})
}

func TestPlaceholderImage_importRefuses(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ id, want string }{
		"no tag":     {testRepository, "Expected REPOSITORY_URL:TAG, such as 123456789012.dkr.ecr.eu-west-1.amazonaws.com/app:lambdaseed-placeholder, got \"" + testRepository + "\"."},
		"digest":     {testURI + "@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "Expected REPOSITORY_URL:TAG"},
		"name alone": {"app:v1", "names no registry host"},
		"nothing":    {testRepository + ":absent", "Cannot import non-existent remote object"},
		"FIPS":       {testAccount + ".dkr.ecr-fips.us-east-1.amazonaws.com/app:v1", "which Lambda refuses in an image URI"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.createRepository("app", types.ImageTagMutabilityMutable)
			w.test([]resource.TestStep{{
				Config:        seedOnly(""),
				ResourceName:  seedAddress,
				ImportState:   true,
				ImportStateId: test.id,
				ExpectError:   says(test.want),
			}})
		})
	}
}
