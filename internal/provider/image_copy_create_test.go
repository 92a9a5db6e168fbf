// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/sourceimage/sourcetest"
)

// copyFirstApply is firstApply with a copy in the placeholder's place.
func copyFirstApply(source, copyArguments, functionArguments string) string {
	return strings.NewReplacer(
		"lambdaseed_placeholder_image", "lambdaseed_image_copy",
		"repository_url = aws_ecr_repository.app.repository_url", fmt.Sprintf("repository_url = aws_ecr_repository.app.repository_url\n  source_image   = %q", source),
	).Replace(firstApply(copyArguments, functionArguments))
}

// Repository, copy and function in one apply, from an image of many platforms
// in Docker Hub, byte for byte; the repository is gone again at the end.
func TestImageCopy_firstApply(t *testing.T) {
	t.Parallel()
	for architecture, platform := range map[string]string{"x86_64": "amd64", "arm64": "arm64"} {
		t.Run(architecture, func(t *testing.T) {
			w := newCopyWorld(t, dockerHub)
			index, x86, arm := multiPlatform(t, "one")
			sourceDigest := w.source.Push(t, "library/alpine:3", index)
			img := map[string]v1.Image{"amd64": x86, "arm64": arm}[platform]
			digest := digestOf(t, img)
			config := copyFirstApply("alpine:3", fmt.Sprintf("architectures = [%q]", architecture), fmt.Sprintf("architectures = [%q]", architecture))
			w.testWith(resource.TestCase{
				Steps: []resource.TestStep{
					{
						Config: config,
						ConfigPlanChecks: resource.ConfigPlanChecks{
							PreApply: []plancheck.PlanCheck{
								plancheck.ExpectResourceAction(copyAddress, plancheck.ResourceActionCreate),
								plancheck.ExpectUnknownValue(copyAddress, pathTo("source_digest")),
							},
							PostApplyPreRefresh:  []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()},
							PostApplyPostRefresh: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()},
						},
						ConfigStateChecks: []statecheck.StateCheck{
							copyValue("image_uri", exactly(copyURI)),
							copyValue("image_digest", exactly(digest)),
							copyValue("resolved_image_uri", exactly(testRepository+"@"+digest)),
							copyValue("source_digest", exactly(sourceDigest)),
							copyValue("is_placeholder", knownvalue.Bool(false)),
							copyValue("registry_id", exactly(testAccount)),
							copyValue("region", exactly(testRegion)),
							copyValue("repository_name", exactly("app")),
							copyValue("image_size_in_bytes", knownvalue.NotNull()),
							statecheck.ExpectKnownValue(functionAddress, pathTo("image_uri"), exactly(copyURI)),
						},
						Check: func(s *terraformState) error {
							if err := w.contains("app", map[string]string{defaultCopyTag: digest})(s); err != nil {
								return err
							}
							return sameBytes(w.pull(copyURI), img)
						},
					},
					{
						// A source tag that has moved makes no difference.
						PreConfig: func() {
							moved, _, _ := multiPlatform(t, "two")
							w.source.Push(t, "library/alpine:3", moved)
							w.asked()
						},
						Config:           config,
						ConfigPlanChecks: emptyPlan(),
						Check:            w.sourceLeftAlone,
					},
				},
				CheckDestroy: func(*terraformState) error {
					if contents := w.contents("app"); contents != nil {
						return fmt.Errorf("the repository is still there, with %v", contents)
					}
					return w.sourceLeftAlone(nil)
				},
			})
		})
	}
}

func sameBytes(got, want v1.Image) error {
	if err := validate.Image(got, validate.Fast); err != nil {
		return err
	}
	gotManifest, err := got.RawManifest()
	if err != nil {
		return err
	}
	wantManifest, err := want.RawManifest()
	if err != nil {
		return err
	}
	if !bytes.Equal(gotManifest, wantManifest) {
		return fmt.Errorf("the manifest is %s, want %s", gotManifest, wantManifest)
	}
	return nil
}

// A single image of Docker's types stays one.
func TestImageCopy_dockerTypes(t *testing.T) {
	w := newCopyWorld(t, "ghcr.io")
	w.createRepository("app", types.ImageTagMutabilityImmutable)
	img := sourcetest.Docker(t, sourcetest.Platform("amd64", ""), "one", "two", "one")
	digest := w.source.Push(t, "team/app:1", img)
	w.testWith(resource.TestCase{
		Steps: []resource.TestStep{{
			Config: copyOnly("ghcr.io/team/app@"+digest, `image_tag = "base"`),
			ConfigStateChecks: []statecheck.StateCheck{
				copyValue("image_digest", exactly(digest)),
				copyValue("source_digest", exactly(digest)),
			},
			Check: func(*terraformState) error { return sameBytes(w.pull(testRepository+":base"), img) },
		}},
		CheckDestroy: w.contains("app", map[string]string{}),
	})
}

// A manifest that does not name its own type is stored as it is.
func TestImageCopy_manifestWithoutMediaType(t *testing.T) {
	w := newCopyWorld(t, "ghcr.io")
	w.createRepository("app", types.ImageTagMutabilityMutable)
	img := sourcetest.OCI(t, sourcetest.Platform("amd64", ""), "one")
	w.source.Push(t, "team/app:1", img)
	raw, err := img.RawManifest()
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(raw), `"mediaType":"application/vnd.oci.image.manifest.v1+json",`, "", 1)
	digest := w.source.Push(t, "team/app:2", sourcetest.Raw{Text: text, Type: "application/vnd.oci.image.manifest.v1+json"})
	w.test([]resource.TestStep{{
		Config:            copyOnly("ghcr.io/team/app:2", ""),
		ConfigStateChecks: []statecheck.StateCheck{copyValue("image_digest", exactly(digest))},
	}})
}

// A placeholder can be exchanged for a copy in one apply.
func TestImageCopy_inPlaceOfPlaceholder(t *testing.T) {
	w := newCopyWorld(t, "ghcr.io")
	w.createRepository("app", types.ImageTagMutabilityImmutable)
	index, x86, _ := multiPlatform(t, "one")
	w.source.Push(t, "team/app:1", index)
	w.test([]resource.TestStep{
		{Config: seedOnly("")},
		{
			Config: copyOnly("ghcr.io/team/app:1", ""),
			Check:  w.contains("app", map[string]string{defaultCopyTag: digestOf(t, x86)}),
		},
	})
}
