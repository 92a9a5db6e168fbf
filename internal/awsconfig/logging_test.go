// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package awsconfig_test

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/hashicorp/terraform-plugin-log/tflogtest"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/awsconfig"
)

// TestLogsHoldNoSecrets runs every way to credentials, and a request for the
// registry's password, with the most talkative log that Terraform can ask for.
func TestLogsHoldNoSecrets(t *testing.T) {
	home := isolate(t)
	s := newStub(t)
	var log bytes.Buffer
	const (
		blockSecret = "block/secret+that+has+exactly+40+letters"
		blockToken  = "session-token-of-the-provider-block"
		webToken    = "web-identity-token-of-the-environment"
	)
	set := keys(s)
	set.SecretKey, set.Token = blockSecret, blockToken
	set.Logger = awsconfig.TerraformLog()
	set.AssumeRole = []awsconfig.AssumeRole{{RoleARN: "arn:aws:iam::123456789012:role/first"}, {RoleARN: "arn:aws:iam::123456789012:role/second"}}
	web := awsconfig.Settings{
		Region: tokyo, Endpoints: set.Endpoints, Logger: set.Logger,
		AssumeRoleWithWebIdentity: &awsconfig.AssumeRoleWithWebIdentity{
			RoleARN: "arn:aws:iam::123456789012:role/web", WebIdentityTokenFile: write(t, home, "token", webToken),
		},
	}

	for _, settings := range []awsconfig.Settings{set, web} {
		ctx := tflogtest.RootLogger(t.Context(), &log)
		cfg, err := awsconfig.New(settings).Config(ctx, "")
		if err != nil {
			t.Fatal(err)
		}
		client := ecr.NewFromConfig(cfg)
		if _, err := client.GetAuthorizationToken(ctx, nil); err != nil {
			t.Fatal(err)
		}
		in := ecr.BatchGetImageInput{RepositoryName: new("app"), ImageIds: []types.ImageIdentifier{{ImageTag: new("seed")}}}
		if _, err := client.BatchGetImage(ctx, &in); err != nil {
			t.Fatal(err)
		}
	}

	got := log.String()
	password, err := base64.StdEncoding.DecodeString(ecrToken)
	if err != nil {
		t.Fatal(err)
	}
	for name, secret := range map[string]string{
		"registry token": ecrToken, "registry password": strings.TrimPrefix(string(password), "AWS:"),
		"secret key": blockSecret, "session token": blockToken, "web identity token": webToken,
		"role's secret key": stsSecret, "role's session token": stsToken,
	} {
		if strings.Contains(got, secret) {
			t.Errorf("the log holds the %s", name)
		}
	}
	// The log has to be of use all the same: what was asked, and the bodies
	// that hold nothing secret.
	for _, part := range []string{
		`"rpc.method":"STS/AssumeRole"`, `"rpc.method":"ECR/GetAuthorizationToken"`, "[withheld: may hold credentials]",
		`"rpc.method":"ECR/BatchGetImage"`, `\"repositoryName\":\"app\"`, `GetCallerIdentityResult`,
	} {
		if !strings.Contains(got, part) {
			t.Errorf("no %s in the log", part)
		}
	}
	if t.Failed() {
		t.Log(got)
	}
}
