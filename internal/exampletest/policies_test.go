// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package exampletest_test

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecr"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/exampletest"
)

const policyGuide = "docs/guides/iam-policies.md"

// policyUnder returns the policies that the guide shows under a heading as one,
// for the account, the region and the repository of the tests.
func policyUnder(t *testing.T, heading string) string {
	t.Helper()
	blocks, err := codeBlocks(policyGuide, read(t, policyGuide))
	if err != nil {
		t.Fatal(err)
	}
	ours := strings.NewReplacer("REGION", region, "ACCOUNT_ID", "123456789012", "REPOSITORY", "app")
	var policies []string
	for _, block := range blocks {
		if block.heading == heading && block.language == "json" {
			policies = append(policies, ours.Replace(block.text))
		}
	}
	if len(policies) == 0 {
		t.Fatalf("%s has no policy under %q", policyGuide, heading)
	}
	return joined(t, policies)
}

// TestPolicies lets the provider do with the guide's policies, and nothing else,
// what they are for.
func TestPolicies(t *testing.T) {
	t.Parallel()
	srv := startAWS(t)
	allow := func(heading string) {
		t.Helper()
		if err := srv.SetPolicy(exampletest.LambdaseedKey, policyUnder(t, heading)); err != nil {
			t.Fatal(err)
		}
	}
	w := exampletest.New(t, srv, lambdaseed)
	write := func(arguments string) {
		t.Helper()
		const seed = "resource \"lambdaseed_placeholder_image\" \"app\" {\n  repository_url = aws_ecr_repository.app.repository_url\n"
		text := seed + arguments + "}\n"
		_, rest, err := complete(text, "seed.tf")
		if err != nil {
			t.Fatal(err)
		}
		w.Write("seed.tf", text)
		w.Write("rest.tf", rest)
	}

	allow("A seed's whole life")
	write("")
	w.Apply()
	write("architectures = [\"arm64\"]\n")
	w.Apply()

	allow("Plans alone")
	exampletest.Empty(t, w.Plan())
	if _, err := ecr.NewFromConfig(srv.AWSConfig(region)).BatchDeleteImage(t.Context(), deleteTag("lambdaseed-placeholder")); err != nil {
		t.Fatal(err)
	}
	plan := w.Plan()
	if plan.Change(seedAddress) == nil {
		t.Error("a seed that is gone is not planned again")
	}

	allow("A seed's whole life")
	w.Apply()
	w.Destroy()

	// And the policies are looked at.
	allow("Plans alone")
	plan = w.Plan()
	if err := w.TryApplyPlan(plan); err == nil {
		t.Error("a seed was created with the policy for plans")
	}
}

func TestPolicyForDataSources(t *testing.T) {
	t.Parallel()
	srv := startAWS(t)
	if err := srv.SetPolicy(exampletest.LambdaseedKey, policyUnder(t, "Data sources")); err != nil {
		t.Fatal(err)
	}
	m := &migration{&pushers{options: srv.RemoteOptions}, t, srv, exampletest.New(t, srv, lambdaseed)}
	const text = `
data "lambdaseed_image" "tag" {
  repository_name = "app"
  image_tag       = "v1"
}
data "lambdaseed_image" "newest" {
  repository_name = "app"
  most_recent     = true
}
data "lambdaseed_image" "parameter" {
  repository_name    = "app"
  ssm_parameter_name = "/app/image"
}
data "lambdaseed_function_image" "app" {
  function_name = "app"
}
`
	_, rest, err := complete(text, "data.tf")
	if err != nil {
		t.Fatal(err)
	}
	m.tf.Write("data.tf", text)
	m.tf.Write("rest.tf", rest)
	m.tf.Apply()
	m.createRepository("app")
	if err := m.push(t.Context(), repositoryURL+":v1"); err != nil {
		t.Fatal(err)
	}
	m.tf.Apply()
	for _, name := range []string{"tag", "newest"} {
		if exists, err := exampletest.Attribute(m.tf.State(), "data.lambdaseed_image."+name, "exists"); err != nil || exists != true {
			t.Errorf("%s: exists is %v (%v)", name, exists, err)
		}
	}
}
