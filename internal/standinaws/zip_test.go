// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package standinaws_test

import (
	"archive/zip"
	"bytes"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
)

// archive is a .zip with one file.
func archive(t *testing.T, content string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	f, err := w.Create("app.py")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func zipFunction(code string) string {
	return role + fmt.Sprintf(`
resource "aws_lambda_function" "app" {
  function_name = "app"
  role          = aws_iam_role.app.arn
  runtime       = "python3.13"
  handler       = "app.handler"
  %s
}
`, code)
}

func TestZipFunctionFromAnObject(t *testing.T) {
	w := newWorld(t)
	config := func(content, extra string) string {
		return fmt.Sprintf(`
resource "aws_s3_bucket" "code" {
  bucket        = "lambdaseed-code"
  force_destroy = true
}
resource "aws_s3_bucket_versioning" "code" {
  bucket = aws_s3_bucket.code.id
  versioning_configuration { status = "Enabled" }
}
resource "aws_s3_object" "seed" {
  bucket         = aws_s3_bucket_versioning.code.bucket
  key            = "app/seed.zip"
  content_base64 = %q
  %s
}
`, base64.StdEncoding.EncodeToString(archive(t, content)), extra) + zipFunction(`
  s3_bucket         = aws_s3_object.seed.bucket
  s3_key            = aws_s3_object.seed.key
  s3_object_version = aws_s3_object.seed.version_id`)
	}
	w.test(
		resource.TestStep{Config: config("one", ""), ConfigStateChecks: []statecheck.StateCheck{
			statecheck.ExpectKnownValue("aws_s3_object.seed", path("version_id"), knownvalue.StringRegexp(regexp.MustCompile(`^[0-9a-f]{32}$`))),
			statecheck.ExpectKnownValue(functionAddress, path("package_type"), knownvalue.StringExact("Zip")),
		}},
		resource.TestStep{Config: config("one", ""), PlanOnly: true},
		// The pipeline's update-function-code is no difference to the plan.
		resource.TestStep{
			PreConfig: func() {
				_, err := w.lambda().UpdateFunctionCode(t.Context(), &lambda.UpdateFunctionCodeInput{FunctionName: aws.String("app"), ZipFile: archive(t, "real")})
				if err != nil {
					t.Fatal(err)
				}
				w.SettleFunctions()
			},
			Config: config("one", ""), PlanOnly: true,
		},
		resource.TestStep{Config: config("two", "lifecycle { ignore_changes = [content_base64] }"), PlanOnly: true},
		resource.TestStep{
			Config: config("two", ""),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectUnknownValue("aws_s3_object.seed", path("version_id")),
				plancheck.ExpectUnknownValue(functionAddress, path("last_modified")),
			}},
		},
		resource.TestStep{ResourceName: "aws_s3_object.seed", ImportState: true, ImportStateVerify: true, ImportStateVerifyIgnore: []string{"content_base64"}},
	)
	if fn, exists := w.Function(region, "app"); exists {
		t.Errorf("left behind: %v", fn.Name)
	}
}

func TestZipFunctionFromAFile(t *testing.T) {
	w := newWorld(t)
	file := filepath.Join(t.TempDir(), "app.zip")
	write := func(content string) {
		if err := os.WriteFile(file, archive(t, content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("one")
	config := func(hash string) string {
		return zipFunction(fmt.Sprintf("filename = %q\n source_code_hash = %q", file, hash))
	}
	w.test(
		resource.TestStep{Config: config("one")},
		// A changed file alone is not seen; the hash is what tells.
		resource.TestStep{PreConfig: func() { write("two") }, Config: config("one"), PlanOnly: true},
		resource.TestStep{Config: config("two"), ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
			plancheck.ExpectResourceAction(functionAddress, plancheck.ResourceActionUpdate),
		}}},
		resource.TestStep{PreConfig: func() {
			if fn, _ := w.Function(region, "app"); !bytes.Equal(fn.Zip, archive(t, "two")) {
				t.Error("the function does not run the new archive")
			}
		}, Config: config("two"), PlanOnly: true},
		resource.TestStep{Config: zipFunction(`filename = "` + file + `.missing"`), ExpectError: regexp.MustCompile(`reading ZIP file \(`)},
		resource.TestStep{
			Config:      zipFunction(`s3_bucket = "no-such-bucket"` + "\n" + `s3_key = "a.zip"`),
			ExpectError: regexp.MustCompile(`(?s)Error occurred\s+while GetObject. S3 Error Code: NoSuchBucket`),
		},
	)
}
