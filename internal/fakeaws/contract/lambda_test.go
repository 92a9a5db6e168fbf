// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package contract

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/fakeaws"
)

func TestFakeawsKeepsLambdasContractUnderRealHosts(t *testing.T) {
	t.Parallel()
	srv, target := fake(t)
	RunLambda(t, target)
	if left := srv.Functions(fakeaws.DefaultRegion); len(left) > 0 {
		t.Errorf("functions left behind: %v", left)
	}
}

func TestFakeawsKeepsLambdasContractAsAnEmulator(t *testing.T) {
	t.Parallel()
	_, target := fake(t, fakeaws.WithEmulatorHosts())
	target.OtherRegion = ""
	RunLambda(t, target)
}

// TestEveryLambdaSwitchAnswersItsQuestion is as that for ECR.
func TestEveryLambdaSwitchAnswersItsQuestion(t *testing.T) {
	t.Parallel()
	for question, test := range map[string]struct {
		behaviour fakeaws.LambdaBehaviour
		want      string
	}{
		"CreateFunction from a URI without tag and digest": {fakeaws.LambdaBehaviour{UntaggedIsLatest: true}, "accepted"},
		"a function from an image without layers becomes":  {fakeaws.LambdaBehaviour{EmptyImageFails: true}, "Failed InvalidImage"},
		"CreateFunction from a URI with tag and digest":    {fakeaws.LambdaBehaviour{TagAndDigest: true}, "accepted"},
	} {
		t.Run(question, func(t *testing.T) {
			t.Parallel()
			srv, target := fake(t)
			srv.SetLambdaBehaviour(test.behaviour)
			var asked []fact
			for _, f := range lambdaFacts(executionRole(t, target)) {
				if f.says == question {
					f.assumed = test.want
					asked = append(asked, f)
				}
			}
			if len(asked) != 1 {
				t.Fatalf("%d facts ask this, want 1", len(asked))
			}
			run(t, target, asked)
		})
	}
}

func TestLambdaFactsAreToldApart(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, f := range lambdaFacts("") {
		if known[f.says] {
			t.Errorf("%q is there twice", f.says)
		}
		known[f.says] = true
		if f.source == "" || (f.mark == unsure) != (f.assumed != "") {
			t.Errorf("%q: mark %q, source %q, assumed %q", f.says, f.mark, f.source, f.assumed)
		}
	}
}

func TestRealAccountLambda(t *testing.T) {
	t.Parallel()
	region := os.Getenv(regionVariable)
	if region == "" {
		t.Skip("set " + regionVariable + ", and credentials as for the AWS CLI, to check a real account")
	}
	target := realTarget(t, region)
	sweepLambda(t, target.Config)
	for _, finding := range RunLambda(t, target) {
		t.Log(finding)
	}
}

// sweepLambda deletes functions and roles of killed runs, as sweep does
// repositories.
func sweepLambda(t *testing.T, cfg aws.Config) {
	t.Helper()
	client := lambda.NewFromConfig(cfg)
	for pages := lambda.NewListFunctionsPaginator(client, &lambda.ListFunctionsInput{}); pages.HasMorePages(); {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range page.Functions {
			modified, err := time.Parse("2006-01-02T15:04:05.000-0700", aws.ToString(f.LastModified))
			if !strings.HasPrefix(aws.ToString(f.FunctionName), Prefix) || err != nil || time.Since(modified) < time.Hour {
				continue
			}
			t.Logf("deleting %s, left behind by an earlier run", aws.ToString(f.FunctionName))
			if _, err := client.DeleteFunction(t.Context(), &lambda.DeleteFunctionInput{FunctionName: f.FunctionName}); err != nil {
				t.Error(err)
			}
		}
	}
	roles := iam.NewFromConfig(cfg)
	for pages := iam.NewListRolesPaginator(roles, &iam.ListRolesInput{}); pages.HasMorePages(); {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.Roles {
			if !strings.HasPrefix(aws.ToString(r.RoleName), Prefix) || time.Since(aws.ToTime(r.CreateDate)) < time.Hour {
				continue
			}
			t.Logf("deleting role %s, left behind by an earlier run", aws.ToString(r.RoleName))
			if _, err := roles.DeleteRole(t.Context(), &iam.DeleteRoleInput{RoleName: r.RoleName}); err != nil {
				t.Error(err)
			}
		}
	}
}
