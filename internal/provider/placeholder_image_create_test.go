// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/seedimage"
)

const (
	seedAddress     = "lambdaseed_placeholder_image.app"
	functionAddress = "aws_lambda_function.app"
	testRepository  = testHost + "/app"
	testURI         = testRepository + ":" + defaultImageTag
)

// firstApply is the configuration that the provider exists for. seedArguments
// and functionArguments go into the blocks of seed and function.
func firstApply(seedArguments, functionArguments string) string {
	return fmt.Sprintf(`
resource "aws_ecr_repository" "app" {
  name = "app"
}

resource "lambdaseed_placeholder_image" "app" {
  repository_url = aws_ecr_repository.app.repository_url
  %s
}

resource "aws_lambda_function" "app" {
  function_name = "app"
  role          = aws_iam_role.app.arn
  package_type  = "Image"
  image_uri     = lambdaseed_placeholder_image.app.image_uri
  %s
}

resource "aws_iam_role" "app" {
  name = "app"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "lambda.amazonaws.com" } }]
  })
}
`, seedArguments, functionArguments)
}

// seedOnly seeds a repository that is there already.
func seedOnly(arguments string) string {
	return fmt.Sprintf(`
resource "lambdaseed_placeholder_image" "app" {
  repository_url = %q
  %s
}
`, testRepository, arguments)
}

func seedValue(attribute string, want knownvalue.Check) statecheck.StateCheck {
	return statecheck.ExpectKnownValue(seedAddress, tfjsonpath.New(attribute), want)
}

// planned are the checks of a plan, and that nothing is left to do after it,
// before a refresh as after it.
func planned(checks ...plancheck.PlanCheck) resource.ConfigPlanChecks {
	return resource.ConfigPlanChecks{
		PreApply:             checks,
		PostApplyPreRefresh:  []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()},
		PostApplyPostRefresh: []plancheck.PlanCheck{plancheck.ExpectEmptyPlan()},
	}
}

func emptyPlan() resource.ConfigPlanChecks { return planned(plancheck.ExpectEmptyPlan()) }

// The first promise: repository, seed and function in one apply, and the
// repository gone again without force_delete.
func TestPlaceholderImage_firstApply(t *testing.T) {
	w := newWorld(t)
	digest := digestOf(t, placeholder(t, "x86_64", seedimage.Response{}))
	w.testWith(resource.TestCase{
		Steps: []resource.TestStep{
			{
				Config: firstApply("", ""),
				ConfigPlanChecks: planned(
					plancheck.ExpectResourceAction(seedAddress, plancheck.ResourceActionCreate),
					plancheck.ExpectUnknownValue(seedAddress, tfjsonpath.New("image_uri")),
				),
				ConfigStateChecks: []statecheck.StateCheck{
					seedValue("image_uri", knownvalue.StringExact(testURI)),
					seedValue("image_digest", knownvalue.StringExact(digest)),
					seedValue("resolved_image_uri", knownvalue.StringExact(testRepository+"@"+digest)),
					seedValue("is_placeholder", knownvalue.Bool(true)),
					seedValue("registry_id", knownvalue.StringExact(testAccount)),
					seedValue("region", knownvalue.StringExact(testRegion)),
					seedValue("repository_name", knownvalue.StringExact("app")),
					seedValue("architectures", knownvalue.ListExact([]knownvalue.Check{knownvalue.StringExact("x86_64")})),
					seedValue("image_size_in_bytes", knownvalue.NotNull()),
					statecheck.ExpectKnownValue(functionAddress, tfjsonpath.New("image_uri"), knownvalue.StringExact(testURI)),
				},
				Check: func(s *terraformState) error {
					if err := validate.Image(w.pull(testURI)); err != nil {
						return err
					}
					return w.contains("app", map[string]string{defaultImageTag: digest})(s)
				},
			},
			{Config: firstApply("", ""), ConfigPlanChecks: emptyPlan()},
		},
		CheckDestroy: func(*terraformState) error {
			if contents := w.contents("app"); contents != nil {
				return fmt.Errorf("the repository is still there, with %v", contents)
			}
			return nil
		},
	})
}

func TestPlaceholderImage_createOnPlaceholder(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ older bool }{
		"of this version":    {false},
		"of another version": {true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.createRepository("app", types.ImageTagMutabilityMutable)
			img := placeholder(t, "arm64", seedimage.Response{})
			if test.older {
				img = olderPlaceholder(t, "arm64")
			}
			digest := w.push("app", defaultImageTag, img)
			w.testWith(resource.TestCase{
				Steps: []resource.TestStep{{
					PreConfig: func() { w.ResetRequests() },
					Config:    seedOnly(`architectures = ["arm64"]`),
					ConfigStateChecks: []statecheck.StateCheck{
						seedValue("image_digest", knownvalue.StringExact(digest)),
						seedValue("is_placeholder", knownvalue.Bool(true)),
					},
					ConfigPlanChecks: planned(),
					Check:            w.wroteNothing,
				}},
				// Used, not owned: it outlives this resource.
				CheckDestroy: w.contains("app", map[string]string{defaultImageTag: digest}),
			})
		})
	}
}

func TestPlaceholderImage_createOnOtherArchitecture(t *testing.T) {
	w := newWorld(t)
	w.createRepository("app", types.ImageTagMutabilityMutable)
	digest := w.push("app", defaultImageTag, placeholder(t, "arm64", seedimage.Response{}))
	w.testWith(resource.TestCase{
		Steps: []resource.TestStep{{
			Config: seedOnly(""),
			ExpectError: says(testURI + " holds a placeholder for the architecture arm64, and this one is for x86_64. " +
				"It is not overwritten; choose another image_tag."),
		}},
		CheckDestroy: w.contains("app", map[string]string{defaultImageTag: digest}),
	})
}

func TestPlaceholderImage_createOnRealImage(t *testing.T) {
	t.Parallel()
	t.Run("adopt", func(t *testing.T) {
		w := newWorld(t)
		w.createRepository("app", types.ImageTagMutabilityMutable)
		digest := w.push("app", "stable", realImage(t, "real"))
		w.testWith(resource.TestCase{
			Steps: []resource.TestStep{{
				Config: seedOnly(`image_tag = "stable"`),
				ConfigStateChecks: []statecheck.StateCheck{
					seedValue("image_digest", knownvalue.StringExact(digest)),
					seedValue("is_placeholder", knownvalue.Bool(false)),
					seedValue("image_uri", knownvalue.StringExact(testRepository+":stable")),
				},
				ConfigPlanChecks: planned(),
			}},
			CheckDestroy: w.contains("app", map[string]string{"stable": digest}),
		})
	})
	t.Run("error", func(t *testing.T) {
		w := newWorld(t)
		w.createRepository("app", types.ImageTagMutabilityMutable)
		digest := w.push("app", "stable", realImage(t, "real"))
		w.testWith(resource.TestCase{
			Steps: []resource.TestStep{{
				Config:      seedOnly("image_tag = \"stable\"\n  if_exists = \"error\""),
				ExpectError: says(testRepository + ":stable already holds an image (" + digest + ") that is not a placeholder image of this resource, and if_exists is \"error\"."),
			}},
			CheckDestroy: w.contains("app", map[string]string{"stable": digest}),
		})
	})
}

// A repository that is not there, and one that is not there yet.
func TestPlaceholderImage_createWithoutRepository(t *testing.T) {
	w := newWorld(t)
	w.test([]resource.TestStep{{
		Config:      seedOnly(""),
		ExpectError: says("Creating the placeholder image: ECR repository not found"),
	}})
}
