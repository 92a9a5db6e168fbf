// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
)

// callFunction calls a provider function of a provider that is not configured.
func callFunction(t *testing.T, name string, arguments ...tftypes.Value) (result map[string]any, problem *tfprotov6.FunctionError) {
	t.Helper()
	server := NewServer("test")()
	req := &tfprotov6.CallFunctionRequest{Name: name}
	for _, argument := range arguments {
		value, err := tfprotov6.NewDynamicValue(argument.Type(), argument)
		if err != nil {
			t.Fatal(err)
		}
		req.Arguments = append(req.Arguments, &value)
	}
	functions, err := server.GetFunctions(t.Context(), &tfprotov6.GetFunctionsRequest{})
	if err != nil {
		t.Fatal(err)
	}
	resp, err := server.CallFunction(t.Context(), req)
	if err != nil {
		t.Fatal(err)
	}
	if resp.Error != nil {
		return nil, resp.Error
	}
	value, err := resp.Result.Unmarshal(functions.Functions[name].Return.Type)
	if err != nil {
		t.Fatal(err)
	}
	result, _ = goValue(t, value).(map[string]any)
	return result, nil
}

func TestParseImageURI(t *testing.T) {
	t.Parallel()
	digest := "sha256:" + strings.Repeat("0a", 32)
	for _, test := range []struct {
		uri                        string
		account, region, name, url any
		tag, digest                any
	}{
		{"123456789012.dkr.ecr.eu-west-1.amazonaws.com/app:v1", "123456789012", "eu-west-1", "app", "123456789012.dkr.ecr.eu-west-1.amazonaws.com/app", "v1", nil},
		{"123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/app@" + digest, "123456789012", "eu-west-1", "team/app", "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/app", nil, digest},
		{"123456789012.dkr.ecr.eu-west-1.amazonaws.com/app:v1@" + digest, "123456789012", "eu-west-1", "app", "123456789012.dkr.ecr.eu-west-1.amazonaws.com/app", "v1", digest},
		{"123456789012.dkr.ecr.eu-west-1.amazonaws.com/app", "123456789012", "eu-west-1", "app", "123456789012.dkr.ecr.eu-west-1.amazonaws.com/app", nil, nil},
		{"123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/app:v1", "123456789012", "cn-north-1", "app", "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/app", "v1", nil},
		{"123456789012.dkr.ecr.us-gov-west-1.amazonaws.com/app:v1", "123456789012", "us-gov-west-1", "app", "123456789012.dkr.ecr.us-gov-west-1.amazonaws.com/app", "v1", nil},
		{"123456789012.dkr.ecr.us-iso-east-1.c2s.ic.gov/app:v1", "123456789012", "us-iso-east-1", "app", "123456789012.dkr.ecr.us-iso-east-1.c2s.ic.gov/app", "v1", nil},
		{"123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu/app:v1", "123456789012", "eusc-de-east-1", "app", "123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu/app", "v1", nil},
		{"123456789012.dkr-ecr.eu-west-1.on.aws/app:v1", "123456789012", "eu-west-1", "app", "123456789012.dkr-ecr.eu-west-1.on.aws/app", "v1", nil},
		{"123456789012.dkr.ecr-fips.us-east-1.amazonaws.com/app:v1", "123456789012", "us-east-1", "app", "123456789012.dkr.ecr-fips.us-east-1.amazonaws.com/app", "v1", nil},
		{"localhost:4566/app:v1", nil, nil, "app", "localhost:4566/app", "v1", nil},
	} {
		got, problem := callFunction(t, "parse_image_uri", tftypes.NewValue(tftypes.String, test.uri))
		if problem != nil {
			t.Errorf("%s: %s", test.uri, problem.Text)
			continue
		}
		expect(t, got, map[string]any{
			"registry_id": test.account, "region": test.region, "repository_name": test.name, "repository_url": test.url,
			"image_tag": test.tag, "image_digest": test.digest,
		})
		if len(got) != 6 {
			t.Errorf("%d parts: %v", len(got), got)
		}
	}
}

func TestParseImageURI_refused(t *testing.T) {
	t.Parallel()
	for uri, says := range map[string]string{
		"":                                "The repository URL is empty; expected the form HOST/NAME",
		"app:v1":                          `The repository URL "app:v1" names no registry host`,
		"https://" + testRepository:       "begins with a scheme",
		"public.ecr.aws/app/app:v1":       "is in Amazon ECR Public",
		testRepository + ":":              `"" is not an image tag`,
		testRepository + ":a b":           `"a b" is not an image tag`,
		testRepository + "@sha256:1234":   `has the malformed digest "sha256:1234"`,
		testRepository + "@md5:1234":      `has the malformed digest "md5:1234"`,
		testHost + "/App:v1":              "contains upper-case letters",
		testHost + "/app//b:v1":           "is not one that ECR takes",
		testRepository + "\n:v1":          "white space",
		strings.Repeat("a", 300) + "/x:v": "names no registry host",
	} {
		_, problem := callFunction(t, "parse_image_uri", tftypes.NewValue(tftypes.String, uri))
		if problem == nil || !strings.Contains(problem.Text, says) {
			t.Errorf("%q: %v, want %q", uri, problem, says)
			continue
		}
		if problem.FunctionArgument == nil || *problem.FunctionArgument != 0 {
			t.Errorf("%q: the error is not at the argument", uri)
		}
	}
}

// Through Terraform: without network, credentials or a provider block, and with
// a value that only the apply tells.
func TestParseImageURI_terraform(t *testing.T) {
	t.Parallel()
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(),
		Steps: []resource.TestStep{
			{
				Config:      `output "bad" { value = provider::lambdaseed::parse_image_uri("app:v1") }`,
				ExpectError: says(`The repository URL "app:v1" names no registry host`),
			},
			{
				Config:      `output "bad" { value = provider::lambdaseed::parse_image_uri(null) }`,
				ExpectError: says(`argument must not be null`),
			},
			{
				Config: `
resource "terraform_data" "uri" {
  input = "` + testRepository + `:v1"
}
output "known" {
  value = provider::lambdaseed::parse_image_uri("` + testRepository + `:v1").image_tag
}
output "later" {
  value = provider::lambdaseed::parse_image_uri(terraform_data.uri.output).repository_name
}`,
				ConfigStateChecks: []statecheck.StateCheck{
					statecheck.ExpectKnownOutputValue("known", knownvalue.StringExact("v1")),
					statecheck.ExpectKnownOutputValue("later", knownvalue.StringExact("app")),
				},
			},
		},
	})
}
