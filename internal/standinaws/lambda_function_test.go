// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package standinaws_test

import (
	"regexp"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/fakeaws"
)

const repository = `
resource "aws_ecr_repository" "app" {
  name = "app"
}
`

func function(extra string) string {
	return role + `
resource "aws_lambda_function" "app" {
  function_name = "app"
  role          = aws_iam_role.app.arn
  package_type  = "Image"
` + extra + `
}
`
}

const functionAddress = "aws_lambda_function.app"

func path(name string) tfjsonpath.Path { return tfjsonpath.New(name) }

func TestFunctionOfAnEmptyRepositoryFailsInLambdasWords(t *testing.T) {
	w := newWorld(t)
	w.test(resource.TestStep{
		Config: repository + function(`image_uri = "${aws_ecr_repository.app.repository_url}:latest"`),
		ExpectError: regexp.MustCompile(`(?s)creating Lambda Function \(app\):.*InvalidParameterValueException:.*Source\s+image\s+` +
			regexp.QuoteMeta(host) + `/app:latest\s+does\s+not\s+exist\.\s+Provide\s+a\s+valid\s+source\s+image`),
	})
	if n := w.requests("lambda", "CreateFunction"); n != 1 {
		t.Errorf("CreateFunction was called %d times: a missing image must not be retried", n)
	}
}

func TestFunctionFromAnImage(t *testing.T) {
	w := newWorld(t)
	config := repository + function(`image_uri = "${aws_ecr_repository.app.repository_url}:v1"
  timeout = 30
  environment { variables = { A = "1" } }
  tags = { team = "a" }`)
	var id string
	w.test(
		resource.TestStep{Config: repository},
		resource.TestStep{
			PreConfig: func() { digest, _ := w.push(host + "/app:v1").Digest(); id = digest.Hex },
			Config:    config,
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownValue(functionAddress, path("image_uri"), knownvalue.StringExact(host+"/app:v1")),
				statecheck.ExpectKnownValue(functionAddress, path("version"), knownvalue.StringExact("$LATEST")),
				statecheck.ExpectKnownValue(functionAddress, path("code_sha256"), knownvalue.StringFunc(func(v string) error {
					if v != id {
						t.Errorf("code_sha256 = %s, want %s", v, id)
					}
					return nil
				})),
				statecheck.ExpectKnownValue(functionAddress, path("architectures"), knownvalue.ListExact([]knownvalue.Check{knownvalue.StringExact("x86_64")})),
				statecheck.ExpectKnownValue(functionAddress, path("tags_all"), knownvalue.MapExact(map[string]knownvalue.Check{"team": knownvalue.StringExact("a")})),
			},
		},
		resource.TestStep{Config: config, PlanOnly: true},
		resource.TestStep{
			ResourceName: functionAddress, ImportState: true, ImportStateVerify: true,
			ImportStateVerifyIgnore: []string{"last_modified", "timeouts"},
		},
		// The image is left over: that is what force_delete is for.
		resource.TestStep{Config: repository, ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
			plancheck.ExpectResourceAction(functionAddress, plancheck.ResourceActionDestroy),
		}}},
		resource.TestStep{Config: w.provider + "locals {}\n", ExpectError: regexp.MustCompile(
			`(?s)ECR Repository \(app\) not empty, consider using force_delete:.*RepositoryNotEmptyException`)},
		resource.TestStep{Config: "\nresource \"aws_ecr_repository\" \"app\" {\n  name = \"app\"\n  force_delete = true\n}\n"},
	)
	if repositories := w.Repositories(region); len(repositories) != 0 {
		t.Errorf("left behind: %v", repositories)
	}
}

func TestCodeChangeCallsUpdateFunctionCodeOnce(t *testing.T) {
	w := newWorld(t)
	repository := `
resource "aws_ecr_repository" "app" {
  name         = "app"
  force_delete = true
}
`
	with := func(tag, extra string) string {
		return repository + function(`image_uri = "`+host+`/app:`+tag+`"`+"\n depends_on = [aws_ecr_repository.app]\n"+extra)
	}
	unknown := func(names ...string) (checks []plancheck.PlanCheck) {
		for _, name := range names {
			checks = append(checks, plancheck.ExpectUnknownValue(functionAddress, path(name)))
		}
		return checks
	}
	known := func(name, value string) plancheck.PlanCheck {
		return plancheck.ExpectKnownValue(functionAddress, path(name), knownvalue.StringExact(value))
	}
	reset := func() { w.ResetRequests() }
	w.test(
		resource.TestStep{Config: repository},
		resource.TestStep{PreConfig: func() { w.push(host + "/app:v1"); w.push(host + "/app:v2") }, Config: with("v1", "")},
		resource.TestStep{
			PreConfig: reset, Config: with("v2", ""),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: append(unknown("last_modified", "code_sha256"),
				plancheck.ExpectResourceAction(functionAddress, plancheck.ResourceActionUpdate), known("version", "$LATEST"))},
		},
		resource.TestStep{
			PreConfig: func() {
				if code, config := w.requests("lambda", "UpdateFunctionCode"), w.requests("lambda", "UpdateFunctionConfiguration"); code != 1 || config != 0 {
					t.Errorf("a new image: %d UpdateFunctionCode, %d UpdateFunctionConfiguration, want 1 and 0", code, config)
				}
				reset()
			},
			Config: with("v2", "timeout = 60\n publish = true"),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: append(unknown("version", "qualified_arn", "qualified_invoke_arn"),
				plancheck.ExpectKnownValue(functionAddress, path("code_sha256"), knownvalue.NotNull()))},
			ConfigStateChecks: []statecheck.StateCheck{statecheck.ExpectKnownValue(functionAddress, path("version"), knownvalue.StringExact("1"))},
		},
		// The pipeline deploys; image_uri is compared verbatim.
		resource.TestStep{
			PreConfig: func() {
				if code, config := w.requests("lambda", "UpdateFunctionCode"), w.requests("lambda", "UpdateFunctionConfiguration"); code != 0 || config != 1 {
					t.Errorf("a new timeout: %d UpdateFunctionCode, %d UpdateFunctionConfiguration, want 0 and 1", code, config)
				}
				w.deploy(host + "/app:v1")
			},
			Config: with("v2", "timeout = 60\n publish = true"), PlanOnly: true, ExpectNonEmptyPlan: true,
		},
		resource.TestStep{
			Config: with("v2", "timeout = 60\n publish = true\n lifecycle { ignore_changes = [image_uri] }"), PlanOnly: true,
		},
		resource.TestStep{
			Config: with("v2", "timeout = 30\n publish = true\n lifecycle { ignore_changes = [image_uri] }"),
			ConfigStateChecks: []statecheck.StateCheck{
				statecheck.ExpectKnownValue(functionAddress, path("image_uri"), knownvalue.StringExact(host+"/app:v1")),
				statecheck.ExpectKnownValue(functionAddress, path("version"), knownvalue.StringExact("2")),
			},
		},
		resource.TestStep{
			Config: with("missing", "publish = true"),
			ExpectError: regexp.MustCompile(`(?s)updating Lambda Function \(app\) code:.*Source\s+image\s+` +
				regexp.QuoteMeta(host) + `/app:missing\s+does\s+not\s+exist`),
		},
	)
}

// deploy is the pipeline's update-function-code.
func (w *world) deploy(uri string) {
	w.t.Helper()
	if _, err := w.lambda().UpdateFunctionCode(w.t.Context(), &lambda.UpdateFunctionCodeInput{FunctionName: aws.String("app"), ImageUri: &uri}); err != nil {
		w.t.Fatal(err)
	}
	w.SettleFunctions()
}

func TestCreateIsRetriedWhileTheRoleSettles(t *testing.T) {
	w := newWorld(t)
	w.SetLambdaBehaviour(fakeaws.LambdaBehaviour{RoleLag: 3})
	config := `
resource "aws_ecr_repository" "app" {
  name         = "app"
  force_delete = true
}
` + function(`image_uri = "`+host+`/app:v1"`)
	w.test(
		resource.TestStep{Config: "\nresource \"aws_ecr_repository\" \"app\" {\n  name = \"app\"\n force_delete = true\n}\n"},
		resource.TestStep{PreConfig: func() { w.push(host + "/app:v1") }, Config: config},
	)
	if n := w.requests("lambda", "CreateFunction"); n != 4 {
		t.Errorf("CreateFunction was called %d times, want 4", n)
	}
}

func TestFunctionThatBecomesFailedIsTainted(t *testing.T) {
	w := newWorld(t)
	w.SetLambdaBehaviour(fakeaws.LambdaBehaviour{EmptyImageFails: true})
	repository := "\nresource \"aws_ecr_repository\" \"app\" {\n  name = \"app\"\n force_delete = true\n}\n"
	w.test(
		resource.TestStep{Config: repository},
		resource.TestStep{
			PreConfig: func() { w.pushEmpty(host + "/app:v1") },
			Config:    repository + function(`image_uri = "`+host+`/app:v1"`),
			ExpectError: regexp.MustCompile(`(?s)waiting for Lambda Function \(app\) create: unexpected state\s+'Failed'.*` +
				`InvalidImage: ImageLayerFailure`),
		},
		resource.TestStep{
			PreConfig: func() { w.SetLambdaBehaviour(fakeaws.LambdaBehaviour{}) },
			Config:    repository + function(`image_uri = "`+host+`/app:v1"`),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectResourceAction(functionAddress, plancheck.ResourceActionReplace),
			}},
		},
	)
}

func TestFunctionArguments(t *testing.T) {
	for name, c := range map[string]struct{ extra, message string }{
		"two sources": {`image_uri = "a"
  filename = "b"`, `(?s)2 attributes specified when one \(and only one\) of`},
		"no source":      {``, `(?s)No attribute specified when one \(and only one\) of`},
		"architectures":  {`image_uri = "a"` + "\n" + `architectures = ["amd64"]`, `(?s)value must be one of: \["x86_64" "arm64"\]`},
		"bucket, no key": {`s3_bucket = "b"`, `(?s)"s3_key" must be specified`},
	} {
		t.Run(name, func(t *testing.T) {
			newWorld(t).test(resource.TestStep{Config: function(c.extra), ExpectError: regexp.MustCompile(c.message)})
		})
	}
	t.Run("zip without handler", func(t *testing.T) {
		newWorld(t).test(resource.TestStep{Config: role + `
resource "aws_lambda_function" "app" {
  function_name = "app"
  role          = aws_iam_role.app.arn
  filename      = "x.zip"
}`, ExpectError: regexp.MustCompile(`handler and runtime must be set when PackageType is Zip`)})
	})
}

func TestFunctionWithEverythingUsersWrite(t *testing.T) {
	w := newWorld(t)
	repository := "\nresource \"aws_ecr_repository\" \"app\" {\n  name = \"app\"\n  force_delete = true\n}\n"
	full := repository + function(`
  image_uri                      = "`+host+`/app:v1"
  architectures                  = ["arm64"]
  description                    = "all of it"
  memory_size                    = 512
  timeout                        = 30
  reserved_concurrent_executions = 2
  kms_key_arn                    = "arn:aws:kms:ap-northeast-1:123456789012:key/k"
  skip_destroy                   = false
  tags                           = { team = "a" }
  environment { variables = { A = "1" } }
  image_config {
    command           = ["app.handler"]
    entry_point       = ["/run"]
    working_directory = "/var/task"
  }
  dead_letter_config { target_arn = "arn:aws:sqs:ap-northeast-1:123456789012:dead" }
  ephemeral_storage { size = 1024 }
  logging_config {
    log_format = "JSON"
    log_group  = "/app"
  }
  tracing_config { mode = "Active" }
  vpc_config {
    subnet_ids         = ["subnet-b", "subnet-a"]
    security_group_ids = ["sg-1"]
  }
  timeouts { create = "1m" }
`)
	partly := repository + function(`
  image_uri = "`+host+`/app:v1"
  architectures = ["arm64"]
  environment {}
  image_config { command = ["other.handler"] }
`)
	bare := repository + function(`image_uri = "`+host+`/app:v1"`)
	w.test(
		resource.TestStep{Config: repository},
		resource.TestStep{PreConfig: func() { w.push(host + "/app:v1") }, Config: full},
		resource.TestStep{Config: full, PlanOnly: true},
		resource.TestStep{Config: partly},
		resource.TestStep{Config: partly, PlanOnly: true},
		// architectures left out keeps what the function has, as in the original.
		resource.TestStep{Config: bare, ConfigStateChecks: []statecheck.StateCheck{
			statecheck.ExpectKnownValue(functionAddress, path("architectures"), knownvalue.ListExact([]knownvalue.Check{knownvalue.StringExact("arm64")})),
			statecheck.ExpectKnownValue(functionAddress, path("timeout"), knownvalue.Int64Exact(3)),
		}},
		resource.TestStep{Config: bare, PlanOnly: true},
		// Drift of what nobody wrote is seen where the original sees it.
		resource.TestStep{
			PreConfig: func() {
				_, err := w.lambda().UpdateFunctionConfiguration(t.Context(), &lambda.UpdateFunctionConfigurationInput{
					FunctionName: aws.String("app"), Environment: &lambdatypes.Environment{Variables: map[string]string{"B": "2"}},
				})
				if err != nil {
					t.Fatal(err)
				}
				w.SettleFunctions()
			},
			Config: bare, PlanOnly: true, ExpectNonEmptyPlan: true,
		},
		resource.TestStep{Config: bare},
		resource.TestStep{PreConfig: func() {
			if fn, _ := w.Function(region, "app"); len(fn.Environment) != 0 {
				t.Errorf("environment = %v", fn.Environment)
			}
		}, Config: bare, PlanOnly: true},
		// A new name is a new function.
		resource.TestStep{
			Config: repository + role + `
resource "aws_lambda_function" "app" {
  function_name = "renamed"
  role          = aws_iam_role.app.arn
  package_type  = "Image"
  image_uri     = "` + host + `/app:v1"
}`,
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectResourceAction(functionAddress, plancheck.ResourceActionReplace),
			}},
		},
	)
}
