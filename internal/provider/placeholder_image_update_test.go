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

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/seedimage"
)

// updatesSeedAlone are the checks of a plan that changes the seed in place and
// leaves the function out.
func updatesSeedAlone() []plancheck.PlanCheck {
	return []plancheck.PlanCheck{
		plancheck.ExpectResourceAction(seedAddress, plancheck.ResourceActionUpdate),
		plancheck.ExpectResourceAction(functionAddress, plancheck.ResourceActionNoop),
		plancheck.ExpectKnownValue(seedAddress, pathTo("image_uri"), knownvalue.StringExact(testURI)),
	}
}

// repositoryGone is a check that the repository could be destroyed with all
// that the seed had put there.
func (w *world) repositoryGone(*terraformState) error {
	if contents := w.contents("app"); contents != nil {
		return fmt.Errorf("the repository is still there, with %v", contents)
	}
	return nil
}

// Still our placeholder on a mutable tag: the new one takes the tag, the older
// manifests stay without one, and all of them go at the end.
func TestPlaceholderImage_updateOwnSeed(t *testing.T) {
	t.Parallel()
	for name, form := range functionForms {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			x86 := digestOf(t, placeholder(t, "x86_64", seedimage.Response{}))
			arm := digestOf(t, placeholder(t, "arm64", seedimage.Response{}))
			teapot := digestOf(t, placeholder(t, "arm64", seedimage.Response{StatusCode: 418}))
			w.testWith(resource.TestCase{
				Steps: []resource.TestStep{
					{Config: firstApply("", form)},
					{
						Config:           firstApply(`architectures = ["arm64"]`, form),
						ConfigPlanChecks: planned(append(updatesSeedAlone(), plancheck.ExpectUnknownValue(seedAddress, pathTo("image_digest")))...),
						Check:            w.contains("app", map[string]string{defaultImageTag: arm, "<untagged 1>": x86}),
					},
					{
						Config: firstApply(`architectures = ["arm64"]
  http_response = { status_code = 418 }`, form),
						ConfigPlanChecks: planned(updatesSeedAlone()...),
						Check: func(*terraformState) error {
							contents := w.contents("app")
							if len(contents) != 3 || contents[defaultImageTag] != teapot {
								return fmt.Errorf("the repository holds %v", contents)
							}
							return nil
						},
					},
					{
						// Back to the first: a digest that was superseded is at the tag again.
						Config:           firstApply("", form),
						ConfigPlanChecks: planned(updatesSeedAlone()...),
						ConfigStateChecks: []statecheck.StateCheck{
							seedValue("image_digest", knownvalue.StringExact(x86)),
						},
					},
				},
				CheckDestroy: w.repositoryGone,
			})
		})
	}
}

// A real image, or somebody else's seed, is at the tag: only the state changes.
func TestPlaceholderImage_updateAfterHandOver(t *testing.T) {
	t.Parallel()
	for taker, theirs := range map[string]bool{"real image": true, "another stack's seed": false} {
		for name, form := range functionForms {
			t.Run(taker+", "+name, func(t *testing.T) {
				w := newWorld(t)
				var digest string
				changed := firstApply(`architectures = ["arm64"]
  http_response = { body = "soon" }`, form)
				w.test([]resource.TestStep{
					{Config: firstApply("", form), ConfigPlanChecks: planned()},
					{
						PreConfig: func() {
							img := realImage(t, "real")
							if !theirs {
								img = placeholder(t, "x86_64", seedimage.Response{StatusCode: 500})
							}
							digest = w.push("app", defaultImageTag, img)
							w.ResetRequests()
						},
						Config: changed,
						ConfigPlanChecks: planned(append(updatesSeedAlone(),
							plancheck.ExpectKnownValue(seedAddress, pathTo("image_digest"), knownvalue.StringFunc(func(got string) error {
								if got != digest {
									return fmt.Errorf("planned digest %s, want %s", got, digest)
								}
								return nil
							})))...),
						Check: resource.ComposeTestCheckFunc(w.wroteNothing, func(*terraformState) error {
							if got := w.at("app", defaultImageTag); got != digest {
								return fmt.Errorf("the tag holds %s, want %s", got, digest)
							}
							return nil
						}),
					},
					{PreConfig: func() { w.deleteTag("app", defaultImageTag) }, Config: changed},
				})
			})
		}
	}
}

// An immutable tag cannot take another placeholder: told at plan, and at apply
// where the plan was not allowed to ask.
func TestPlaceholderImage_updateImmutable(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		mode       types.ImageTagMutability
		exclusions []string
	}{
		"IMMUTABLE":                {types.ImageTagMutabilityImmutable, nil},
		"IMMUTABLE_WITH_EXCLUSION": {types.ImageTagMutabilityImmutableWithExclusion, []string{"latest"}},
		"MUTABLE_WITH_EXCLUSION":   {types.ImageTagMutabilityMutableWithExclusion, []string{"lambdaseed-*"}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.createRepository("app", test.mode, test.exclusions...)
			x86 := digestOf(t, placeholder(t, "x86_64", seedimage.Response{}))
			w.testWith(resource.TestCase{
				Steps: []resource.TestStep{
					{Config: seedOnly("")},
					{
						Config:      seedOnly(`architectures = ["arm64"]`),
						PlanOnly:    true,
						ExpectError: says("Tags of the repository " + testRepository + " are immutable, so that " + testURI + " cannot take another placeholder image. Choose another image_tag"),
					},
					{
						PreConfig:   func() { w.denyProvider("ecr:DescribeRepositories") },
						Config:      seedOnly(`architectures = ["arm64"]`),
						ExpectError: says("Tags of the repository " + testRepository + " are immutable, so that " + testURI + " cannot take another placeholder image. Choose another image_tag"),
					},
					{
						PreConfig:        func() { w.denyProvider() },
						Config:           seedOnly("architectures = [\"arm64\"]\n  image_tag = \"lambdaseed-placeholder-arm64\""),
						ConfigPlanChecks: planned(plancheck.ExpectResourceAction(seedAddress, plancheck.ResourceActionReplace)),
						Check: func(*terraformState) error {
							if w.at("app", defaultImageTag) == x86 {
								return fmt.Errorf("the replaced seed is still there")
							}
							return nil
						},
					},
				},
				CheckDestroy: w.contains("app", map[string]string{}),
			})
		})
	}
}

// Tags that are excluded from immutability can be moved.
func TestPlaceholderImage_updateExcludedFromImmutability(t *testing.T) {
	w := newWorld(t)
	w.createRepository("app", types.ImageTagMutabilityImmutableWithExclusion, "lambdaseed-*")
	arm := digestOf(t, placeholder(t, "arm64", seedimage.Response{}))
	w.test([]resource.TestStep{
		{Config: seedOnly("")},
		{
			Config:            seedOnly(`architectures = ["arm64"]`),
			ConfigStateChecks: []statecheck.StateCheck{seedValue("image_digest", knownvalue.StringExact(arm))},
		},
	})
}

// Arguments that make no image change the state alone: of an immutable tag,
// too, and after the hand-over.
func TestPlaceholderImage_updateOfStateAlone(t *testing.T) {
	t.Parallel()
	for name, form := range functionForms {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			change := func(arguments string) resource.TestStep {
				return resource.TestStep{
					PreConfig: w.ResetRequests,
					Config:    firstApply(arguments, form),
					ConfigPlanChecks: planned(append(updatesSeedAlone(),
						plancheck.ExpectKnownValue(seedAddress, pathTo("image_digest"), knownvalue.NotNull()))...),
					Check: w.wroteNothing,
				}
			}
			handedOver := change(`if_exists = "error"`)
			handedOver.PreConfig = func() {
				w.push("app", defaultImageTag, realImage(t, "real"))
				w.ResetRequests()
			}
			w.testWith(resource.TestCase{
				Steps: []resource.TestStep{
					{Config: firstApply("", form), ConfigPlanChecks: planned()},
					change(`if_exists = "error"`),
					change(`skip_destroy = true`),
					change("timeouts {\n    read = \"1m\"\n  }"),
					handedOver,
					{PreConfig: func() { w.deleteTag("app", defaultImageTag) }, Config: firstApply("", form)},
				},
				CheckDestroy: w.repositoryGone,
			})
		})
	}
}

// An answer that is known only at apply, and then turns out to be the old one.
func TestPlaceholderImage_updateUnknownAtPlan(t *testing.T) {
	w := newWorld(t)
	w.createRepository("app", types.ImageTagMutabilityMutable)
	config := func(input string) string {
		return seedOnly("http_response = { body = terraform_data.body.output.text }") + fmt.Sprintf(`
resource "terraform_data" "body" {
  input = { text = "soon", version = %q }
}
`, input)
	}
	w.test([]resource.TestStep{
		{Config: config("1")},
		{
			PreConfig:        func() { w.ResetRequests() },
			Config:           config("2"),
			ConfigPlanChecks: planned(plancheck.ExpectUnknownValue(seedAddress, pathTo("image_digest"))),
			Check:            w.wroteNothing,
		},
	})
}
