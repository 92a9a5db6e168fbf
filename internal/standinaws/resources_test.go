// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package standinaws_test

import (
	"fmt"
	"regexp"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/fakeaws"
)

// applied is the usual life of a resource: apply, empty plan, import, destroy.
func applied(config, address string, importIgnored ...string) []resource.TestStep {
	return []resource.TestStep{
		{Config: config},
		{Config: config, PlanOnly: true},
		{ResourceName: address, ImportState: true, ImportStateVerify: true, ImportStateVerifyIgnore: importIgnored},
	}
}

func TestRepositoryWithEverythingUsersWrite(t *testing.T) {
	w := newWorld(t)
	config := func(mutability string, filters string) string {
		return fmt.Sprintf(`
resource "aws_ecr_repository" "app" {
  name                 = "team/app"
  image_tag_mutability = %q
  force_delete         = true
  %s
  image_scanning_configuration { scan_on_push = true }
  encryption_configuration { encryption_type = "AES256" }
  tags = { team = "a" }
  timeouts { delete = "5m" }
}
resource "aws_ecr_lifecycle_policy" "app" {
  repository = aws_ecr_repository.app.name
  policy = jsonencode({ rules = [{
    rulePriority = 1
    selection    = { tagStatus = "untagged", countType = "imageCountMoreThan", countNumber = 10 }
    action       = { type = "expire" }
  }] })
}
resource "aws_ecr_repository_policy" "app" {
  repository = aws_ecr_repository.app.name
  policy = jsonencode({ Version = "2012-10-17", Statement = [{
    Sid = "Pull", Effect = "Allow", Principal = { Service = "lambda.amazonaws.com" }, Action = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
  }] })
}
data "aws_ecr_repository" "app" {
  name = aws_ecr_repository.app.name
}
`, mutability, filters)
	}
	first := config("IMMUTABLE_WITH_EXCLUSION", `
  image_tag_mutability_exclusion_filter {
    filter      = "dev-*"
    filter_type = "WILDCARD"
  }`)
	steps := applied(first, "aws_ecr_repository.app", "force_delete", "image_scanning_configuration", "encryption_configuration", "timeouts")
	steps[0].ConfigStateChecks = []statecheck.StateCheck{
		statecheck.ExpectKnownValue("aws_ecr_repository.app", path("repository_url"), knownvalue.StringExact(host+"/team/app")),
		statecheck.ExpectKnownValue("aws_ecr_repository.app", path("registry_id"), knownvalue.StringExact(fakeaws.DefaultAccount)),
		statecheck.ExpectKnownValue("data.aws_ecr_repository.app", path("repository_url"), knownvalue.StringExact(host+"/team/app")),
	}
	second := config("MUTABLE", "")
	w.test(append(steps,
		resource.TestStep{ResourceName: "aws_ecr_lifecycle_policy.app", ImportState: true, ImportStateVerify: true},
		resource.TestStep{ResourceName: "aws_ecr_repository_policy.app", ImportState: true, ImportStateVerify: true},
		resource.TestStep{Config: second, ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
			plancheck.ExpectResourceAction("aws_ecr_repository.app", plancheck.ResourceActionUpdate),
		}}},
		resource.TestStep{Config: second, PlanOnly: true})...)
}

func TestRolePolicies(t *testing.T) {
	w := newWorld(t)
	config := role + `
data "aws_caller_identity" "me" {}
data "aws_region" "here" {}
data "aws_partition" "this" {}
data "aws_iam_policy_document" "logs" {
  statement {
    actions   = ["logs:PutLogEvents", "logs:CreateLogStream"]
    resources = ["arn:${data.aws_partition.this.partition}:logs:${data.aws_region.here.region}:${data.aws_caller_identity.me.account_id}:*"]
  }
}
resource "aws_iam_role_policy" "logs" {
  role   = aws_iam_role.app.id
  policy = data.aws_iam_policy_document.logs.json
}
resource "aws_iam_role_policy_attachment" "basic" {
  role       = aws_iam_role.app.name
  policy_arn = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
}
`
	steps := applied(config, "aws_iam_role.app")
	steps[0].ConfigStateChecks = []statecheck.StateCheck{
		statecheck.ExpectKnownValue("aws_iam_role.app", path("arn"), knownvalue.StringExact("arn:aws:iam::"+fakeaws.DefaultAccount+":role/app")),
		statecheck.ExpectKnownValue("data.aws_iam_policy_document.logs", path("minified_json"), knownvalue.StringExact(
			`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["logs:CreateLogStream","logs:PutLogEvents"],"Resource":"arn:aws:logs:ap-northeast-1:123456789012:*"}]}`)),
	}
	w.test(append(steps,
		resource.TestStep{ResourceName: "aws_iam_role_policy.logs", ImportState: true, ImportStateVerify: true},
		resource.TestStep{
			ResourceName: "aws_iam_role_policy_attachment.basic", ImportState: true, ImportStateVerify: true,
			ImportStateId: "app/arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole",
		},
	)...)
}

func TestParameterThatAPipelineWrites(t *testing.T) {
	w := newWorld(t)
	config := func(value string) string {
		return fmt.Sprintf(`
resource "aws_ssm_parameter" "tag" {
  name  = "/app/image-tag"
  type  = "String"
  value = %q
  tags  = { team = "a" }
  lifecycle { ignore_changes = [value] }
}
data "aws_ssm_parameter" "tag" {
  name = aws_ssm_parameter.tag.name
}
`, value)
	}
	put := func() {
		_, err := ssm.NewFromConfig(w.AWSConfig(region)).PutParameter(t.Context(), &ssm.PutParameterInput{
			Name: aws.String("/app/image-tag"), Value: aws.String("v7"), Overwrite: aws.Bool(true),
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	steps := applied(config("provisional"), "aws_ssm_parameter.tag")
	w.test(append(steps,
		resource.TestStep{PreConfig: put, Config: config("other"), ConfigStateChecks: []statecheck.StateCheck{
			statecheck.ExpectKnownValue("aws_ssm_parameter.tag", path("value"), knownvalue.StringExact("v7")),
			statecheck.ExpectKnownValue("aws_ssm_parameter.tag", path("version"), knownvalue.Int64Exact(2)),
			statecheck.ExpectKnownValue("data.aws_ssm_parameter.tag", path("insecure_value"), knownvalue.StringExact("v7")),
		}},
		resource.TestStep{
			Config:      "data \"aws_ssm_parameter\" \"none\" {\n  name = \"/none\"\n}\n",
			ExpectError: regexp.MustCompile(`reading SSM Parameter \(/none\): couldn't find resource`),
		})...)
}

func TestParameterUpdate(t *testing.T) {
	w := newWorld(t)
	config := func(value string) string {
		return fmt.Sprintf("resource \"aws_ssm_parameter\" \"s\" {\n  name = \"s\"\n  type = \"SecureString\"\n  value = %q\n}\n", value)
	}
	w.test(
		resource.TestStep{Config: config("a")},
		resource.TestStep{Config: config("b"), ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
			plancheck.ExpectUnknownValue("aws_ssm_parameter.s", path("version")),
		}}},
		resource.TestStep{Config: config("b"), PlanOnly: true},
	)
}

func TestEventSourceMappingSwitchesOn(t *testing.T) {
	w := newWorld(t)
	repository := "\nresource \"aws_ecr_repository\" \"app\" {\n  name = \"app\"\n force_delete = true\n}\n"
	config := func(enabled bool) string {
		return repository + function(`image_uri = "`+host+`/app:v1"`) + fmt.Sprintf(`
resource "aws_sqs_queue" "jobs" {
  name                       = "jobs"
  visibility_timeout_seconds = 60
  tags                       = { team = "a" }
}
resource "aws_lambda_event_source_mapping" "jobs" {
  event_source_arn        = aws_sqs_queue.jobs.arn
  function_name           = aws_lambda_function.app.function_name
  enabled                 = %t
  function_response_types = ["ReportBatchItemFailures"]
}
resource "aws_lambda_permission" "http" {
  function_name = aws_lambda_function.app.function_name
  statement_id  = "http"
  action        = "lambda:InvokeFunction"
  principal     = "apigateway.amazonaws.com"
}
resource "aws_lambda_function_url" "app" {
  function_name      = aws_lambda_function.app.function_name
  authorization_type = "AWS_IAM"
}
resource "aws_lambda_alias" "live" {
  name             = "live"
  function_name    = aws_lambda_function.app.function_name
  function_version = aws_lambda_function.app.version
}
`, enabled)
	}
	state := func(want string) statecheck.StateCheck {
		return statecheck.ExpectKnownValue("aws_lambda_event_source_mapping.jobs", path("state"), knownvalue.StringExact(want))
	}
	w.test(
		resource.TestStep{Config: repository},
		resource.TestStep{PreConfig: func() { w.push(host + "/app:v1") }, Config: config(false), ConfigStateChecks: []statecheck.StateCheck{state("Disabled")}},
		resource.TestStep{Config: config(false), PlanOnly: true},
		resource.TestStep{ResourceName: "aws_lambda_event_source_mapping.jobs", ImportState: true, ImportStateVerify: true, ImportStateVerifyIgnore: []string{"function_name"}},
		resource.TestStep{ResourceName: "aws_lambda_function_url.app", ImportState: true, ImportStateVerify: true},
		resource.TestStep{ResourceName: "aws_sqs_queue.jobs", ImportState: true, ImportStateVerify: true, ImportStateVerifyIgnore: []string{"name"}},
		resource.TestStep{
			Config: config(true), ConfigStateChecks: []statecheck.StateCheck{state("Enabled")},
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectResourceAction(functionAddress, plancheck.ResourceActionNoop),
				plancheck.ExpectResourceAction("aws_lambda_event_source_mapping.jobs", plancheck.ResourceActionUpdate),
			}},
		},
		resource.TestStep{Config: config(true), PlanOnly: true},
	)
	if left := w.EventSourceMappings(region); len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
}

// The emulator way: no proxy, all services on one plain URL.
func TestEndpointsOfAnEmulator(t *testing.T) {
	w := newWorld(t, fakeaws.WithEmulatorHosts())
	provider := fmt.Sprintf(`
provider "aws" {
  region                      = %q
  access_key                  = "AKIASTANDINAWS000001"
  secret_key                  = "test"
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true
  endpoints {
    ecr    = %[2]q
    iam    = %[2]q
    lambda = %[2]q
    s3     = %[2]q
    sqs    = %[2]q
    ssm    = %[2]q
    sts    = %[2]q
  }
  default_tags { tags = { owner = "all" } }
}
`, region, w.URL())
	repository := provider + "\nresource \"aws_ecr_repository\" \"app\" {\n  name = \"app\"\n force_delete = true\n}\n"
	all := repository + function(`image_uri = "${aws_ecr_repository.app.repository_url}:v1"`) + `
resource "aws_s3_bucket" "b" {
  bucket = "emulated-bucket"
  region = "us-east-1"
}
resource "aws_s3_object" "o" {
  bucket  = aws_s3_bucket.b.bucket
  region  = aws_s3_bucket.b.region
  key     = "k"
  content = "hello"
  tags    = { team = "a" }
}
resource "aws_sqs_queue" "q" { name = "q" }
resource "aws_ssm_parameter" "p" {
  name  = "p"
  type  = "String"
  insecure_value = "v"
}
`
	w.test(
		resource.TestStep{Config: repository},
		resource.TestStep{PreConfig: func() { w.push(w.Address() + "/app:v1") }, Config: all, ConfigStateChecks: []statecheck.StateCheck{
			statecheck.ExpectKnownValue(functionAddress, path("image_uri"), knownvalue.StringExact(w.Address()+"/app:v1")),
			statecheck.ExpectKnownValue(functionAddress, path("tags_all"), knownvalue.MapExact(map[string]knownvalue.Check{"owner": knownvalue.StringExact("all")})),
			statecheck.ExpectKnownValue("aws_s3_object.o", path("tags_all"), knownvalue.MapSizeExact(2)),
		}},
		resource.TestStep{Config: all, PlanOnly: true},
	)
}
