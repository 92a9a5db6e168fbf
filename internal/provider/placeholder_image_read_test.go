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

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/fakeaws"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/seedimage"
)

// ignoringImage is the classic form of a function that the pipeline deploys.
const ignoringImage = `lifecycle { ignore_changes = [image_uri] }`

// functionForms are the two forms in which a function names its seed.
var functionForms = map[string]string{"with ignore_changes": ignoringImage, "without ignore_changes": ""}

func TestPlaceholderImage_pipelineTookTheTag(t *testing.T) {
	t.Parallel()
	for name, form := range functionForms {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			config := firstApply("", form)
			var digest string
			w.testWith(resource.TestCase{
				Steps: []resource.TestStep{
					{Config: config},
					{
						PreConfig:        func() { digest = w.push("app", defaultImageTag, realImage(t, "real")) },
						Config:           config,
						ConfigPlanChecks: emptyPlan(),
					},
					{
						RefreshState: true,
						Check: func(s *terraformState) error {
							got := s.RootModule().Resources[seedAddress].Primary.Attributes
							if got["image_digest"] != digest || got["is_placeholder"] != "false" {
								return fmt.Errorf("refreshed to %v, want digest %s", got, digest)
							}
							return nil
						},
					},
					{
						// The pipeline's image is in the way of the repository, which
						// is nobody's fault but to be told.
						PreConfig: func() { w.deleteTag("app", defaultImageTag) },
						Config:    config,
					},
				},
			})
		})
	}
}

// A lifecycle policy has expired the seed after the hand-over: nothing is
// pushed again, since that would take a place from the pipeline's images.
func TestPlaceholderImage_seedExpiredBesideRealImage(t *testing.T) {
	t.Parallel()
	for name, form := range functionForms {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			config := firstApply("", form)
			var digest string
			w.test([]resource.TestStep{
				{Config: config},
				{
					PreConfig: func() {
						digest = w.push("app", "v1", realImage(t, "real"))
						w.deleteTag("app", defaultImageTag)
						w.ResetRequests()
					},
					Config:           config,
					ConfigPlanChecks: emptyPlan(),
					ConfigStateChecks: []statecheck.StateCheck{
						seedValue("image_digest", knownvalue.Null()),
						seedValue("resolved_image_uri", knownvalue.Null()),
						seedValue("image_size_in_bytes", knownvalue.Null()),
						seedValue("is_placeholder", knownvalue.Bool(false)),
						seedValue("image_uri", knownvalue.StringExact(testURI)),
					},
					Check: func(s *terraformState) error {
						if wrote := w.wrote(); len(wrote) > 0 {
							return fmt.Errorf("the provider sent %v", wrote)
						}
						return w.contains("app", map[string]string{"v1": digest})(s)
					},
				},
				{
					// -replace brings it back, for a function that is created anew.
					Config:           config,
					Taint:            []string{seedAddress},
					ConfigPlanChecks: planned(replacesSeedAlone()...),
					Check:            w.contains("app", map[string]string{"v1": "*", defaultImageTag: "*"}),
				},
				{PreConfig: func() { w.deleteTag("app", "v1") }, Config: config},
			})
		})
	}
}

// The seed is gone and the repository was never used: it is planned again, and
// the function stays out of the plan, since image_uri is the same.
func TestPlaceholderImage_seedGoneFromUnusedRepository(t *testing.T) {
	t.Parallel()
	for name, form := range functionForms {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			config := firstApply("", form)
			w.test([]resource.TestStep{
				{Config: config},
				{
					// Another stack's placeholder is no real image.
					PreConfig: func() {
						w.push("app", "other-stack", placeholder(t, "arm64", seedimage.Response{}))
						w.deleteTag("app", defaultImageTag)
					},
					Config: config,
					ConfigPlanChecks: planned(
						plancheck.ExpectResourceAction(seedAddress, plancheck.ResourceActionCreate),
						plancheck.ExpectResourceAction(functionAddress, plancheck.ResourceActionNoop),
						plancheck.ExpectKnownValue(seedAddress, pathTo("image_uri"), knownvalue.StringExact(testURI)),
					),
					Check: w.contains("app", map[string]string{defaultImageTag: "*", "other-stack": "*"}),
				},
				{PreConfig: func() { w.deleteTag("app", "other-stack") }, Config: config},
			})
		})
	}
}

// The URL of a repository that is created anew is not known in the plan, so that
// a function that follows the seed is in it, and is given what it has.
func TestPlaceholderImage_repositoryRecreated(t *testing.T) {
	t.Parallel()
	for name, form := range functionForms {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			function := plancheck.ResourceActionUpdate
			if form == ignoringImage {
				function = plancheck.ResourceActionNoop
			}
			config := firstApply("", form)
			w.test([]resource.TestStep{
				{Config: config, ConfigPlanChecks: planned()},
				{
					PreConfig: func() { w.deleteRepository("app") },
					Config:    config,
					ConfigPlanChecks: planned(
						plancheck.ExpectResourceAction(seedAddress, plancheck.ResourceActionCreate),
						plancheck.ExpectResourceAction(functionAddress, function),
					),
					ConfigStateChecks: []statecheck.StateCheck{
						statecheck.ExpectKnownValue(functionAddress, pathTo("image_uri"), knownvalue.StringExact(testURI)),
					},
					Check: w.contains("app", map[string]string{defaultImageTag: "*"}),
				},
			})
		})
	}
}

// Whatever keeps ECR from answering is an error and never taken for "gone".
func TestPlaceholderImage_readFails(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		fault fakeaws.Fault
		want  string
	}{
		"denied":     {fakeaws.Fault{Operation: "BatchGetImage", Kind: fakeaws.FaultDenied, Count: -1}, "Reading the placeholder image: access to ECR denied"},
		"throttled":  {fakeaws.Fault{Operation: "BatchGetImage", Kind: fakeaws.FaultThrottle, Count: -1}, "Reading the placeholder image: ECR request quota used up"},
		"dropped":    {fakeaws.Fault{Operation: "BatchGetImage", Kind: fakeaws.FaultDropBefore, Count: -1}, "Reading the placeholder image: no answer from ECR"},
		"not JSON":   {fakeaws.Fault{Operation: "BatchGetImage", Kind: fakeaws.FaultNotJSON, Count: -1}, "Reading the placeholder image: unexpected answer"},
		"tags hid":   {fakeaws.Fault{Operation: "ListImages", Kind: fakeaws.FaultDenied, Count: -1}, "ecr:ListImages"},
		"fault, 500": {fakeaws.Fault{Operation: "BatchGetImage", Kind: fakeaws.FaultInternalError, Count: -1}, "Reading the placeholder image failed"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.createRepository("app", types.ImageTagMutabilityMutable)
			w.test([]resource.TestStep{
				{Config: seedOnly("")},
				{
					PreConfig: func() {
						if test.fault.Operation == "ListImages" {
							w.deleteTag("app", defaultImageTag)
						}
						// Only the provider is struck, not the test's own requests.
						test.fault.Match = func(r fakeaws.Request) bool { return r.AccessKey == providerKey }
						w.Inject(test.fault)
					},
					RefreshState: true,
					ExpectError:  says(test.want),
				},
				{PreConfig: w.ClearFaults, Config: seedOnly("")},
			})
		})
	}
}

func TestPlaceholderImage_unknownURLAtPlan(t *testing.T) {
	w := newWorld(t)
	w.test([]resource.TestStep{{
		Config: `
resource "aws_ecr_repository" "app" {
  name = "app"
}

resource "terraform_data" "url" {
  input = "${aws_ecr_repository.app.repository_url}/x"
}

resource "lambdaseed_placeholder_image" "app" {
  repository_url = replace(terraform_data.url.output, "/app/x", "/App")
}
`,
		ExpectError: says("Invalid repository URL"),
	}})
}

// The tag is gone, but a manifest that this resource had superseded is still in
// the repository. The seed is pushed again in place, so that the older one is
// not forgotten and the repository can be destroyed in the end.
func TestPlaceholderImage_seedGoneOlderOneLeft(t *testing.T) {
	t.Parallel()
	for name, form := range functionForms {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			x86 := digestOf(t, placeholder(t, "x86_64", seedimage.Response{}))
			arm := digestOf(t, placeholder(t, "arm64", seedimage.Response{}))
			config := firstApply(`architectures = ["arm64"]`, form)
			w.testWith(resource.TestCase{
				Steps: []resource.TestStep{
					{Config: firstApply("", form), ConfigPlanChecks: planned()},
					{Config: config, ConfigPlanChecks: planned(updatesSeedAlone()...)},
					{
						PreConfig:        func() { w.deleteTag("app", defaultImageTag) },
						Config:           config,
						ConfigPlanChecks: planned(updatesSeedAlone()...),
						Check:            w.contains("app", map[string]string{defaultImageTag: arm, "<untagged 1>": x86}),
					},
				},
				CheckDestroy: w.repositoryGone,
			})
		})
	}
}
