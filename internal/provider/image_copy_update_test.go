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

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/sourceimage/sourcetest"
)

// Another source, or another architecture, while the tag holds our copy: the
// new one takes the tag, the older stay without one, the function is left out
// of the plan, and all of them go at the end.
func TestImageCopy_updateOwnCopy(t *testing.T) {
	t.Parallel()
	for name, form := range functionForms {
		t.Run(name, func(t *testing.T) {
			w := newCopyWorld(t, dockerHub)
			first, firstX86, _ := multiPlatform(t, "one")
			second, secondX86, secondARM := multiPlatform(t, "two")
			w.source.Push(t, "library/alpine:1", first)
			secondDigest := w.source.Push(t, "library/alpine:2", second)
			updatesCopyAlone := resource.ConfigPlanChecks{
				PreApply: []plancheck.PlanCheck{
					plancheck.ExpectResourceAction(copyAddress, plancheck.ResourceActionUpdate),
					plancheck.ExpectResourceAction(functionAddress, plancheck.ResourceActionNoop),
					plancheck.ExpectKnownValue(copyAddress, pathTo("image_uri"), exactly(copyURI)),
					plancheck.ExpectUnknownValue(copyAddress, pathTo("image_digest")),
					plancheck.ExpectUnknownValue(copyAddress, pathTo("source_digest")),
				},
				PostApplyPostRefresh: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()},
			}
			w.testWith(resource.TestCase{
				Steps: []resource.TestStep{
					{Config: copyFirstApply("alpine:1", "", form)},
					{
						Config:            copyFirstApply("alpine:2", "", form),
						ConfigPlanChecks:  updatesCopyAlone,
						ConfigStateChecks: []statecheck.StateCheck{copyValue("source_digest", exactly(secondDigest))},
						Check:             w.holds("app", map[string]string{defaultCopyTag: digestOf(t, secondX86)}, digestOf(t, firstX86)),
					},
					{
						Config:           copyFirstApply("alpine:2", `architectures = ["arm64"]`, form),
						ConfigPlanChecks: updatesCopyAlone,
						Check:            w.holds("app", map[string]string{defaultCopyTag: digestOf(t, secondARM)}, digestOf(t, firstX86), digestOf(t, secondX86)),
					},
				},
				CheckDestroy: func(*terraformState) error {
					if contents := w.contents("app"); contents != nil {
						return fmt.Errorf("the repository is still there, with %v", contents)
					}
					return nil
				},
			})
		})
	}
}

// Another name of the same image changes the state alone: in another form,
// pinned to what it was copied from, or another tag of the same digest. On an
// immutable tag as well, as far as that can be told at plan.
func TestImageCopy_updateToSameImage(t *testing.T) {
	t.Parallel()
	index, x86, _ := multiPlatform(t, "one")
	for name, test := range map[string]struct {
		mode types.ImageTagMutability
		to   func(digest string) string
		asks bool
	}{
		"another form": {mode: types.ImageTagMutabilityImmutable, to: func(string) string { return "docker.io/library/alpine:1" }},
		"pinned":       {mode: types.ImageTagMutabilityImmutable, to: func(digest string) string { return "alpine:1@" + digest }},
		"another tag":  {mode: types.ImageTagMutabilityMutable, to: func(string) string { return "alpine:1.0" }, asks: true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newCopyWorld(t, dockerHub)
			w.createRepository("app", test.mode)
			digest := w.source.Push(t, "library/alpine:1", index)
			w.source.Push(t, "library/alpine:1.0", index)
			w.testWith(resource.TestCase{
				Steps: []resource.TestStep{
					{Config: copyOnly("alpine:1", "")},
					{
						PreConfig: func() {
							w.asked()
							w.ResetRequests()
						},
						Config:            copyOnly(test.to(digest), ""),
						ConfigPlanChecks:  copyPlanned(plancheck.ResourceActionUpdate),
						ConfigStateChecks: []statecheck.StateCheck{copyValue("source_digest", exactly(digest))},
						Check: func(s *terraformState) error {
							if asked := w.asked() > 0; asked != test.asks {
								return fmt.Errorf("the source was asked: %t", asked)
							}
							if err := w.wroteNothing(s); err != nil {
								return err
							}
							return w.contains("app", map[string]string{defaultCopyTag: digestOf(t, x86)})(s)
						},
					},
				},
				CheckDestroy: w.contains("app", map[string]string{}),
			})
		})
	}
}

// A real image has taken the tag: only the state changes, and nobody is asked.
func TestImageCopy_updateAfterHandOver(t *testing.T) {
	w := newCopyWorld(t, dockerHub)
	w.createRepository("app", types.ImageTagMutabilityMutable)
	first, _, _ := multiPlatform(t, "one")
	firstDigest := w.source.Push(t, "library/alpine:1", first)
	second, _, _ := multiPlatform(t, "two")
	w.source.Push(t, "library/alpine:2", second)
	var theirs string
	w.testWith(resource.TestCase{
		Steps: []resource.TestStep{
			{Config: copyOnly("alpine:1", "")},
			{
				PreConfig: func() {
					theirs = w.push("app", defaultCopyTag, realImage(t, "real"))
					w.ResetRequests()
					w.asked()
				},
				Config:           copyOnly("alpine:2", `architectures = ["arm64"]`),
				ConfigPlanChecks: copyPlanned(plancheck.ResourceActionUpdate),
				ConfigStateChecks: []statecheck.StateCheck{
					copyValue("image_digest", knownvalue.StringFunc(func(got string) error {
						if got != theirs {
							return fmt.Errorf("got %s, want %s", got, theirs)
						}
						return nil
					})),
					// Of what was copied, which nothing has changed.
					copyValue("source_digest", exactly(firstDigest)),
				},
				Check: func(s *terraformState) error {
					if err := w.wroteNothing(s); err != nil {
						return err
					}
					return w.sourceLeftAlone(s)
				},
			},
		},
		CheckDestroy: func(s *terraformState) error {
			return w.contains("app", map[string]string{defaultCopyTag: theirs})(s)
		},
	})
}

func TestImageCopy_updateImmutable(t *testing.T) {
	w := newCopyWorld(t, dockerHub)
	w.createRepository("app", types.ImageTagMutabilityImmutable)
	first, x86, _ := multiPlatform(t, "one")
	second, secondX86, _ := multiPlatform(t, "two")
	w.source.Push(t, "library/alpine:1", first)
	w.source.Push(t, "library/alpine:2", second)
	refused := says("Tags of the repository " + testRepository + " are immutable, so that " + copyURI + " cannot take another copied image. Choose another image_tag")
	w.testWith(resource.TestCase{
		Steps: []resource.TestStep{
			{Config: copyOnly("alpine:1", "")},
			{Config: copyOnly("alpine:2", ""), PlanOnly: true, ExpectError: refused},
			{
				PreConfig:   func() { w.denyProvider("ecr:DescribeRepositories") },
				Config:      copyOnly("alpine:2", ""),
				ExpectError: refused,
			},
			{
				PreConfig: func() {
					w.denyProvider()
					if got := w.at("app", defaultCopyTag); got != digestOf(t, x86) {
						t.Errorf("the tag holds %s", got)
					}
				},
				Config:           copyOnly("alpine:2", `image_tag = "second"`),
				ConfigPlanChecks: copyPlanned(plancheck.ResourceActionReplace),
				Check: func(*terraformState) error {
					if w.at("app", "second") != digestOf(t, secondX86) || w.at("app", defaultCopyTag) != "" {
						return fmt.Errorf("the repository holds %v", w.contents("app"))
					}
					return nil
				},
			},
		},
		CheckDestroy: w.contains("app", map[string]string{}),
	})
}

// A source that is known only at apply, and turns out to be the old one.
func TestImageCopy_updateUnknownAtPlan(t *testing.T) {
	w := newCopyWorld(t, dockerHub)
	w.createRepository("app", types.ImageTagMutabilityMutable)
	index, _, _ := multiPlatform(t, "one")
	digest := w.source.Push(t, "library/alpine:1", index)
	config := func(input string) string {
		return fmt.Sprintf(`
resource "lambdaseed_image_copy" "app" {
  repository_url = %q
  source_image   = terraform_data.source.output.image
}

resource "terraform_data" "source" {
  input = { image = "alpine:1", version = %q }
}
`, testRepository, input)
	}
	w.test([]resource.TestStep{
		{Config: config("1")},
		{
			PreConfig: func() {
				w.asked()
				w.ResetRequests()
			},
			Config: config("2"),
			ConfigPlanChecks: resource.ConfigPlanChecks{
				PreApply:             []plancheck.PlanCheck{plancheck.ExpectUnknownValue(copyAddress, pathTo("source_digest"))},
				PostApplyPostRefresh: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()},
			},
			ConfigStateChecks: []statecheck.StateCheck{copyValue("source_digest", exactly(digest))},
			Check: func(s *terraformState) error {
				if err := w.wroteNothing(s); err != nil {
					return err
				}
				return w.sourceLeftAlone(s)
			},
		},
	})
}

// A change that fails leaves everything as it was, and the next apply makes it.
func TestImageCopy_updateFails(t *testing.T) {
	w := newCopyWorld(t, dockerHub)
	w.createRepository("app", types.ImageTagMutabilityMutable)
	first, firstX86, _ := multiPlatform(t, "one")
	w.source.Push(t, "library/alpine:1", first)
	w.testWith(resource.TestCase{
		Steps: []resource.TestStep{
			{Config: copyOnly("alpine:1", "")},
			{
				Config:      copyOnly("alpine:2", ""),
				ExpectError: says("Reading the source image: image not found"),
			},
			{
				PreConfig: func() {
					if got := w.at("app", defaultCopyTag); got != digestOf(t, firstX86) {
						t.Errorf("the tag holds %s", got)
					}
					w.source.Push(t, "library/alpine:2", sourcetest.OCI(t, sourcetest.Platform("amd64", ""), "two"))
				},
				Config:           copyOnly("alpine:2", ""),
				ConfigPlanChecks: copyPlanned(plancheck.ResourceActionUpdate),
			},
		},
		CheckDestroy: w.contains("app", map[string]string{}),
	})
}
