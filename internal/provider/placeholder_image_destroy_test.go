// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/seedimage"
)

func TestPlaceholderImage_destroy(t *testing.T) {
	t.Parallel()
	ours := func(t *testing.T) string { return digestOf(t, placeholder(t, "x86_64", seedimage.Response{})) }
	for name, test := range map[string]struct {
		arguments string
		// before is what happens between the apply and the end; it returns what
		// the repository must hold then.
		before func(t *testing.T, w *world) map[string]string
	}{
		"its own": {"", func(*testing.T, *world) map[string]string { return map[string]string{} }},
		"beside a real image": {"", func(t *testing.T, w *world) map[string]string {
			return map[string]string{"v1": w.push("app", "v1", realImage(t, "real"))}
		}},
		"tag taken by a real image": {"", func(t *testing.T, w *world) map[string]string {
			// Ours has lost its tag, and goes with its resource.
			return map[string]string{defaultImageTag: w.push("app", defaultImageTag, realImage(t, "real"))}
		}},
		"tag taken by another seed": {"", func(t *testing.T, w *world) map[string]string {
			return map[string]string{defaultImageTag: w.push("app", defaultImageTag, olderPlaceholder(t, "x86_64"))}
		}},
		"another tag on the same digest": {"", func(t *testing.T, w *world) map[string]string {
			w.tag(testURI, "kept")
			return map[string]string{"kept": ours(t)}
		}},
		"tag taken, ours under another tag": {"", func(t *testing.T, w *world) map[string]string {
			w.tag(testURI, "kept")
			return map[string]string{"kept": ours(t), defaultImageTag: w.push("app", defaultImageTag, realImage(t, "real"))}
		}},
		"tag gone": {"", func(_ *testing.T, w *world) map[string]string {
			w.deleteTag("app", defaultImageTag)
			return map[string]string{}
		}},
		"skip_destroy": {"skip_destroy = true", func(t *testing.T, _ *world) map[string]string {
			return map[string]string{defaultImageTag: ours(t)}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.createRepository("app", types.ImageTagMutabilityMutable)
			var want map[string]string
			w.testWith(resource.TestCase{
				Steps: []resource.TestStep{
					{Config: seedOnly(test.arguments)},
					{
						PreConfig: func() { want = test.before(t, w) },
						Config:    seedOnly(test.arguments),
						Destroy:   true,
					},
				},
				CheckDestroy: func(s *terraformState) error { return w.contains("app", want)(s) },
			})
		})
	}
}

func TestPlaceholderImage_destroyAfterRepository(t *testing.T) {
	w := newWorld(t)
	w.createRepository("app", types.ImageTagMutabilityMutable)
	w.test([]resource.TestStep{
		{Config: seedOnly("")},
		{PreConfig: func() { w.deleteRepository("app") }, Config: seedOnly(""), Destroy: true},
	})
}

// Two stacks seed one repository at one tag: one owns the image, and whichever
// goes first, the other finds its way.
func TestPlaceholderImage_twoStacks(t *testing.T) {
	t.Parallel()
	const second = `
resource "lambdaseed_placeholder_image" "second" {
  repository_url = %q
}
`
	for name, test := range map[string]struct{ ownerFirst bool }{"the owner goes first": {true}, "the owner goes last": {false}} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.createRepository("app", types.ImageTagMutabilityMutable)
			other := fmt.Sprintf(second, testRepository)
			steps := []resource.TestStep{
				{Config: seedOnly("")},
				{Config: seedOnly("") + other, ConfigPlanChecks: planned()},
			}
			if test.ownerFirst {
				steps = append(steps, resource.TestStep{
					// The second stack's next plan pushes, and owns.
					Config: other, ExpectNonEmptyPlan: true, Check: w.contains("app", map[string]string{}),
				}, resource.TestStep{
					Config: other, Check: w.contains("app", map[string]string{defaultImageTag: "*"}),
				})
			} else {
				steps = append(steps, resource.TestStep{
					Config: seedOnly(""), Check: w.contains("app", map[string]string{defaultImageTag: "*"}),
					ConfigPlanChecks: planned(),
				})
			}
			w.testWith(resource.TestCase{Steps: steps, CheckDestroy: w.contains("app", map[string]string{})})
		})
	}
}

// A renamed resource keeps what it owns.
func TestPlaceholderImage_moved(t *testing.T) {
	w := newWorld(t)
	w.createRepository("app", types.ImageTagMutabilityMutable)
	renamed := fmt.Sprintf(`
resource "lambdaseed_placeholder_image" "renamed" {
  repository_url = %q
}

moved {
  from = lambdaseed_placeholder_image.app
  to   = lambdaseed_placeholder_image.renamed
}
`, testRepository)
	w.testWith(resource.TestCase{
		Steps: []resource.TestStep{
			{Config: seedOnly("")},
			{Config: renamed, ConfigPlanChecks: resource.ConfigPlanChecks{
				PreApply: []plancheck.PlanCheck{plancheck.ExpectResourceAction("lambdaseed_placeholder_image.renamed", plancheck.ResourceActionNoop)},
			}},
		},
		CheckDestroy: w.contains("app", map[string]string{}),
	})
}

// tag gives an image another tag.
func (w *world) tag(reference, tag string) {
	w.t.Helper()
	ref, err := name.ParseReference(reference)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := remote.Tag(ref.Context().Tag(tag), w.pull(reference), w.RemoteOptions(w.ctx())...); err != nil {
		w.t.Fatal(err)
	}
}
