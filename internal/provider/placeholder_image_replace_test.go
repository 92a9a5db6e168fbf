// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/seedimage"
)

// replacesSeedAlone are the checks of a plan that replaces the seed and leaves
// the function out.
func replacesSeedAlone() []plancheck.PlanCheck {
	return []plancheck.PlanCheck{
		plancheck.ExpectResourceAction(seedAddress, plancheck.ResourceActionReplace),
		plancheck.ExpectResourceAction(functionAddress, plancheck.ResourceActionNoop),
		plancheck.ExpectKnownValue(seedAddress, pathTo("image_uri"), knownvalue.StringExact(testURI)),
	}
}

// -replace deletes all that the seed has put and pushes it anew.
func testReplace(t *testing.T, m *machine) {
	m.createRepository("app", "MUTABLE")
	m.main("", seedAt(testHost, "app"))
	m.mustApply(nil)
	m.main("", strings.Replace(seedAt(testHost, "app"), "\n}", "\n  architectures = [\"arm64\"]\n}", 1))
	m.mustApply(nil)
	if n := len(m.contents("app")); n != 2 {
		t.Fatalf("the repository holds %d images before, want the seed and an older one", n)
	}
	m.ResetRequests()
	m.mustApply(nil, "-replace="+seedAddress)
	if wrote := m.wrote(); !slices.Contains(wrote, "PutImage") {
		t.Errorf("the provider sent %v", wrote)
	}
	arm := digestOf(t, placeholder(t, "arm64", seedimage.Response{}))
	if err := m.contains("app", map[string]string{defaultImageTag: arm})(nil); err != nil {
		t.Error(err)
	}
	m.mustApply(nil, "-destroy")
	if err := m.emptyRepository("app"); err != nil {
		t.Error(err)
	}
}

// To replace what is tainted, Terraform hands over no private state: nobody
// knows then whose the image is, so that it stays and is used.
func TestPlaceholderImage_tainted(t *testing.T) {
	t.Parallel()
	for name, form := range functionForms {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			x86 := digestOf(t, placeholder(t, "x86_64", seedimage.Response{}))
			config := firstApply("", form)
			w.testWith(resource.TestCase{
				Steps: []resource.TestStep{
					{Config: config, ConfigPlanChecks: planned()},
					{
						PreConfig:        w.ResetRequests,
						Config:           config,
						Taint:            []string{seedAddress},
						ConfigPlanChecks: planned(replacesSeedAlone()...),
						Check:            resource.ComposeTestCheckFunc(w.wroteNothing, w.contains("app", map[string]string{defaultImageTag: x86})),
					},
					{PreConfig: func() { w.deleteTag("app", defaultImageTag) }, Config: config},
				},
				CheckDestroy: w.repositoryGone,
			})
		})
	}
}

// Another image_tag is another image: a function that follows the seed takes
// it, one that is the pipeline's stays as it is.
func TestPlaceholderImage_changeOfTag(t *testing.T) {
	t.Parallel()
	for name, form := range functionForms {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			function, uri := plancheck.ResourceActionUpdate, testRepository+":other"
			if form == ignoringImage {
				function, uri = plancheck.ResourceActionNoop, testURI
			}
			w.testWith(resource.TestCase{
				Steps: []resource.TestStep{
					{Config: firstApply("", form), ConfigPlanChecks: planned()},
					{
						Config: firstApply(`image_tag = "other"`, form),
						ConfigPlanChecks: planned(
							plancheck.ExpectResourceAction(seedAddress, plancheck.ResourceActionReplace),
							plancheck.ExpectResourceAction(functionAddress, function),
							plancheck.ExpectKnownValue(seedAddress, pathTo("image_uri"), knownvalue.StringExact(testRepository+":other")),
						),
						ConfigStateChecks: []statecheck.StateCheck{
							statecheck.ExpectKnownValue(functionAddress, pathTo("image_uri"), knownvalue.StringExact(uri)),
						},
						Check: w.contains("app", map[string]string{"other": "*"}),
					},
				},
				CheckDestroy: w.repositoryGone,
			})
		})
	}
}
