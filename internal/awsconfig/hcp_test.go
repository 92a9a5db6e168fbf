// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package awsconfig_test

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/awsconfig"
)

// The variables and files of HCP Terraform's dynamic provider credentials
// (source: HCP Terraform, "Use dynamic credentials with the AWS provider" and
// "Specifying multiple configurations"). TFC_AWS_… are the workspace's own;
// HCP Terraform trades them for a token file, and for either two AWS_…
// variables (one configuration) or shared config files (several).

func hcpWorkspace(t *testing.T, s *stub) {
	t.Helper()
	for name, value := range map[string]string{
		"TFC_AWS_PROVIDER_AUTH":        "true",
		"TFC_AWS_RUN_ROLE_ARN":         "arn:aws:iam::123456789012:role/hcp",
		"TFC_WORKLOAD_IDENTITY_TOKEN":  "eyJhbGciOiJSUzI1NiJ9.e30.c2ln",
		"TF_IN_AUTOMATION":             "1",
		"AWS_REGION":                   tokyo,
		"AWS_ENDPOINT_URL_STS":         s.URL,
		"AWS_ENDPOINT_URL_ECR":         s.URL,
		"TFC_AWS_PROVIDER_AUTH_PROD":   "true",
		"TFC_AWS_RUN_ROLE_ARN_PROD":    "arn:aws:iam::210987654321:role/hcp-prod",
		"TFC_WORKSPACE_NAME":           "lambdaseed",
		"TFC_CONFIGURATION_VERSION_ID": "cv-1",
	} {
		t.Setenv(name, value)
	}
}

func TestHCPTerraformSingleConfiguration(t *testing.T) {
	home := isolate(t)
	s := newStub(t)
	hcpWorkspace(t, s)
	token := write(t, home, "tfc-aws-token", "eyJhbGciOiJSUzI1NiJ9.e30.default")
	t.Setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/hcp")
	t.Setenv("AWS_WEB_IDENTITY_TOKEN_FILE", token)

	cfg, err := awsconfig.New(awsconfig.Settings{}).Config(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	got := s.call(t, "AssumeRoleWithWebIdentity").Form
	if got.Get("RoleArn") != "arn:aws:iam::123456789012:role/hcp" || got.Get("WebIdentityToken") != "eyJhbGciOiJSUzI1NiJ9.e30.default" {
		t.Errorf("asked for %v", got)
	}
	if creds, err := cfg.Credentials.Retrieve(t.Context()); err != nil || creds.AccessKeyID != "ASIA-hcp" {
		t.Errorf("credentials of %s, %v", creds.AccessKeyID, err)
	}
}

func TestHCPTerraformMultipleConfigurations(t *testing.T) {
	home := isolate(t)
	s := newStub(t)
	hcpWorkspace(t, s)
	// var.tfc_aws_dynamic_credentials, as far as the provider block sees it.
	files := map[string]string{}
	for tag, role := range map[string]string{
		"default": "arn:aws:iam::123456789012:role/hcp",
		"PROD":    "arn:aws:iam::210987654321:role/hcp-prod",
	} {
		token := write(t, home, "tfc-aws-token-"+tag, "eyJhbGciOiJSUzI1NiJ9.e30."+strings.ToLower(tag))
		files[tag] = write(t, home, "tfc-aws-shared-config-"+tag,
			fmt.Sprintf("[default]\nweb_identity_token_file=%s\nrole_arn=%s\n", filepath.ToSlash(token), role))
	}

	for tag, want := range map[string]string{"default": "ASIA-hcp", "PROD": "ASIA-hcp-prod"} {
		cfg, err := awsconfig.New(awsconfig.Settings{SharedConfigFiles: []string{files[tag]}}).Config(t.Context(), "")
		if err != nil {
			t.Fatal(err)
		}
		if creds, err := cfg.Credentials.Retrieve(t.Context()); err != nil || creds.AccessKeyID != want {
			t.Errorf("%s: credentials of %s, %v, want %s", tag, creds.AccessKeyID, err, want)
		}
		if cfg.Region != tokyo {
			t.Errorf("%s: region %q", tag, cfg.Region)
		}
	}
}

// TestHCPTerraformRoleOnTop adds the usual second hop into another account.
func TestHCPTerraformRoleOnTop(t *testing.T) {
	home := isolate(t)
	s := newStub(t)
	hcpWorkspace(t, s)
	t.Setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/hcp")
	t.Setenv("AWS_WEB_IDENTITY_TOKEN_FILE", write(t, home, "tfc-aws-token", "eyJhbGciOiJSUzI1NiJ9.e30.default"))

	source := awsconfig.New(awsconfig.Settings{AssumeRole: []awsconfig.AssumeRole{{
		RoleARN: "arn:aws:iam::210987654321:role/deploy", SessionName: "hcp", ExternalID: "external", SourceIdentity: "run",
		Policy: `{"Version":"2012-10-17"}`, PolicyARNs: []string{"arn:aws:iam::aws:policy/ReadOnlyAccess"},
		Tags: map[string]string{"team": "seed"}, TransitiveTagKeys: []string{"team"}, Duration: time.Hour,
	}}})
	if _, err := source.Config(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	got := s.call(t, "AssumeRole")
	if got.AccessKey != "ASIA-hcp" {
		t.Errorf("asked by %s", got.AccessKey)
	}
	for name, want := range map[string]string{
		"RoleArn": "arn:aws:iam::210987654321:role/deploy", "RoleSessionName": "hcp", "ExternalId": "external", "SourceIdentity": "run",
		"Policy": `{"Version":"2012-10-17"}`, "PolicyArns.member.1.arn": "arn:aws:iam::aws:policy/ReadOnlyAccess",
		"Tags.member.1.Key": "team", "Tags.member.1.Value": "seed", "TransitiveTagKeys.member.1": "team", "DurationSeconds": "3600",
	} {
		if got.Form.Get(name) != want {
			t.Errorf("%s is %q, want %q", name, got.Form.Get(name), want)
		}
	}
}
