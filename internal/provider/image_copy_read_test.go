// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/seedimage"
)

// What a refresh makes of a tag that is gone depends on what else the
// repository holds: nothing of anybody's, and it is copied again; a real image,
// and the hand-over is done.
func TestImageCopy_readTagGone(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		others  func(w copyWorld)
		planned plancheck.ResourceActionType
	}{
		"nothing else": {func(copyWorld) {}, plancheck.ResourceActionCreate},
		"a placeholder": {
			func(w copyWorld) { w.push("app", "p", placeholder(w.t, "x86_64", seedimage.Response{})) }, plancheck.ResourceActionCreate,
		},
		"our own image under another tag": {
			func(w copyWorld) {
				_, x86, _ := multiPlatform(w.t, "one")
				w.push("app", "ours", x86)
			},
			// In leaving the state it would forget that the image is its own.
			plancheck.ResourceActionUpdate,
		},
		"a real image": {func(w copyWorld) { w.push("app", "v1", realImage(w.t, "real")) }, plancheck.ResourceActionNoop},
	} {
		t.Run(name, func(t *testing.T) {
			w := newCopyWorld(t, "ghcr.io")
			w.createRepository("app", types.ImageTagMutabilityMutable)
			index, _, _ := multiPlatform(t, "one")
			w.source.Push(t, "team/app:1", index)
			config := copyOnly("ghcr.io/team/app:1", "")
			lose := func() {
				test.others(w)
				w.deleteTag("app", defaultCopyTag)
				w.asked()
				w.ResetRequests()
			}
			steps := []resource.TestStep{{Config: config}}
			if test.planned != plancheck.ResourceActionNoop {
				steps = append(steps,
					resource.TestStep{PreConfig: lose, RefreshState: true, ExpectNonEmptyPlan: true, Check: w.sourceLeftAlone},
					resource.TestStep{Config: config, ConfigPlanChecks: copyPlanned(test.planned)},
				)
			} else {
				steps = append(steps, resource.TestStep{
					PreConfig: lose, Config: config, ConfigPlanChecks: emptyPlan(),
					ConfigStateChecks: []statecheck.StateCheck{copyValue("image_digest", knownvalue.Null()), copyValue("source_digest", knownvalue.NotNull())},
					Check: func(s *terraformState) error {
						if err := w.wroteNothing(s); err != nil {
							return err
						}
						return w.sourceLeftAlone(s)
					},
				})
			}
			w.test(steps)
		})
	}
}

// A refresh is one request to ECR, and none to the source.
func TestImageCopy_refresh(t *testing.T) {
	w := newCopyWorld(t, "ghcr.io")
	w.createRepository("app", types.ImageTagMutabilityMutable)
	index, _, _ := multiPlatform(t, "one")
	w.source.Push(t, "team/app:1", index)
	w.test([]resource.TestStep{
		{Config: copyOnly("ghcr.io/team/app:1", "")},
		{
			PreConfig: func() {
				w.asked()
				w.ResetRequests()
			},
			RefreshState: true,
			Check: func(s *terraformState) error {
				if asked := w.providerRequests(); !slices.Equal(asked, []string{"BatchGetImage"}) {
					return fmt.Errorf("a refresh asked for %v", asked)
				}
				return w.sourceLeftAlone(s)
			},
		},
	})
}

// A real image took the tag, and is left alone by plans and by destroy, while
// what it took the tag from goes.
func TestImageCopy_handedOver(t *testing.T) {
	w := newCopyWorld(t, "ghcr.io")
	w.createRepository("app", types.ImageTagMutabilityMutable)
	index, _, _ := multiPlatform(t, "one")
	w.source.Push(t, "team/app:1", index)
	config := copyOnly("ghcr.io/team/app:1", "")
	var theirs string
	w.testWith(resource.TestCase{
		Steps: []resource.TestStep{
			{Config: config},
			{
				PreConfig:        func() { theirs = w.push("app", defaultCopyTag, realImage(t, "real")) },
				Config:           config,
				ConfigPlanChecks: emptyPlan(),
			},
		},
		CheckDestroy: func(s *terraformState) error {
			return w.contains("app", map[string]string{defaultCopyTag: theirs})(s)
		},
	})
}

// An import knows what the tag holds, but not where it is from: the next plan
// writes that into the state, and nothing is copied or asked for.
func TestImageCopy_import(t *testing.T) {
	w := newCopyWorld(t, "ghcr.io")
	w.createRepository("app", types.ImageTagMutabilityMutable)
	_, _, arm := multiPlatform(t, "one")
	digest := w.push("app", defaultCopyTag, arm)
	w.ResetRequests()
	w.testWith(resource.TestCase{
		Steps: []resource.TestStep{{
			Config: copyOnly("ghcr.io/team/app:1", `architectures = ["arm64"]`) + fmt.Sprintf(`
import {
  to = %s
  id = %q
}
`, copyAddress, copyURI),
			ConfigPlanChecks: resource.ConfigPlanChecks{
				PreApply: []plancheck.PlanCheck{
					plancheck.ExpectResourceAction(copyAddress, plancheck.ResourceActionUpdate),
					plancheck.ExpectKnownValue(copyAddress, pathTo("image_digest"), exactly(digest)),
				},
				PostApplyPostRefresh: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()},
			},
			ConfigStateChecks: []statecheck.StateCheck{
				copyValue("image_digest", exactly(digest)),
				copyValue("source_digest", knownvalue.Null()),
			},
			Check: func(s *terraformState) error {
				if err := w.wroteNothing(s); err != nil {
					return err
				}
				return w.sourceLeftAlone(s)
			},
		}},
		// Nobody knows that it is this resource's.
		CheckDestroy: w.contains("app", map[string]string{defaultCopyTag: digest}),
	})
}

// What is no ID is told with an example of this resource's own.
func TestImageCopy_importError(t *testing.T) {
	m := newWorld(t).managed(copyType, nil)
	want := "ERROR: Invalid import ID Expected REPOSITORY_URL:TAG, such as 123456789012.dkr.ecr.eu-west-1.amazonaws.com/app:" + defaultCopyTag + `, got "app".`
	if got := said(m.importID("app")); !strings.HasPrefix(got, want) {
		t.Errorf("said %q, want %q", got, want)
	}
}
