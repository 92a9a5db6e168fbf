// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package exampletest_test

import (
	"encoding/json"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/exampletest"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/fakeaws"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/sourceimage/sourcetest"
)

// sourcePassword is that of the example's user in Docker Hub.
const sourcePassword = "a password of Docker Hub"

// sourceRegistries are the registries that the examples copy from, with what they copy.
func sourceRegistries(t *testing.T) []fakeaws.Option {
	t.Helper()
	public, hub := sourcetest.New(), sourcetest.New()
	public.Push(t, "lambda/python:3.13", manyPlatforms(t))
	public.Push(t, "docker/library/alpine:3.22", manyPlatforms(t))
	hub.Push(t, "example/private:1.4", manyPlatforms(t))
	hub.RequireLogin("example", sourcePassword)
	return []fakeaws.Option{fakeaws.WithHost("public.ecr.aws", public), fakeaws.WithHost("index.docker.io", hub)}
}

func manyPlatforms(t *testing.T) v1.ImageIndex {
	t.Helper()
	x86 := sourcetest.OCI(t, sourcetest.Platform("amd64", ""), "a base image")
	arm := sourcetest.OCI(t, sourcetest.Platform("arm64", "v8"), "a base image")
	return sourcetest.OCIIndex(sourcetest.Entry(t, x86), sourcetest.Entry(t, arm), sourcetest.Attestation(t, x86))
}

// pushPrivateSource makes the repository of another account that an example
// copies from.
func pushPrivateSource(t *testing.T, srv *fakeaws.Server) {
	t.Helper()
	const (
		account, elsewhere = "210987654321", "eu-west-1"
		key                = "AKIAPLATFORM00000001"
	)
	srv.AddCredential(key, account, "arn:aws:iam::"+account+":user/platform")
	cfg := srv.AWSConfig(elsewhere)
	cfg.Credentials = credentials.NewStaticCredentialsProvider(key, "nobody's secret", "")
	api := ecr.NewFromConfig(cfg)
	if _, err := api.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String("platform/base")}); err != nil {
		t.Fatal(err)
	}
	if _, err := api.SetRepositoryPolicy(t.Context(), &ecr.SetRepositoryPolicyInput{
		RepositoryName: aws.String("platform/base"),
		PolicyText: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},` +
			`"Action":["ecr:BatchGetImage","ecr:GetDownloadUrlForLayer"]}]}`),
	}); err != nil {
		t.Fatal(err)
	}
	ref, err := name.NewTag(account + ".dkr.ecr." + elsewhere + ".amazonaws.com/platform/base:v7")
	if err != nil {
		t.Fatal(err)
	}
	img := sourcetest.Docker(t, sourcetest.Platform("amd64", ""), "a base image")
	if err := remote.Write(ref, img, srv.RemoteOptionsFor(t.Context(), key, elsewhere)...); err != nil {
		t.Fatal(err)
	}
}

// joined makes one policy of several.
func joined(t *testing.T, policies []string) string {
	t.Helper()
	whole := struct{ Version, Statement any }{Version: "2012-10-17"}
	var statements []any
	for _, policy := range policies {
		var one struct{ Statement []any }
		if err := json.Unmarshal([]byte(policy), &one); err != nil {
			t.Fatal(err)
		}
		statements = append(statements, one.Statement...)
	}
	whole.Statement = statements
	text, err := json.Marshal(whole)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// noLogins keeps docker's configuration of whoever runs the tests out of them.
type noLogins struct{}

func (noLogins) Resolve(authn.Resource) (authn.Authenticator, error) { return authn.Anonymous, nil }

// TestPolicyForCopies copies within one account with the policies of the guide.
func TestPolicyForCopies(t *testing.T) {
	t.Parallel()
	srv := startAWS(t)
	client := ecr.NewFromConfig(srv.AWSConfig(region))
	if _, err := client.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String("base")}); err != nil {
		t.Fatal(err)
	}
	ref, err := name.NewTag("123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/base:1")
	if err != nil {
		t.Fatal(err)
	}
	for tag, content := range map[string]string{"1": "one", "2": "two"} {
		img := sourcetest.Docker(t, sourcetest.Platform("amd64", ""), "a base image", content)
		if err := remote.Write(ref.Context().Tag(tag), img, srv.RemoteOptions(t.Context())...); err != nil {
			t.Fatal(err)
		}
	}
	w := exampletest.New(t, srv, lambdaseed)
	write := func(tag string) {
		t.Helper()
		text := "resource \"lambdaseed_image_copy\" \"app\" {\n  repository_url = aws_ecr_repository.app.repository_url\n  source_image = \"" + ref.Context().Tag(tag).Name() + "\"\n}\n"
		_, rest, err := complete(text, "copy.tf")
		if err != nil {
			t.Fatal(err)
		}
		w.Write("copy.tf", text)
		w.Write("rest.tf", rest)
	}
	allow := func(headings ...string) {
		t.Helper()
		var policies []string
		for _, heading := range headings {
			policies = append(policies, policyUnder(t, heading))
		}
		if err := srv.SetPolicy(exampletest.LambdaseedKey, joined(t, policies)); err != nil {
			t.Fatal(err)
		}
	}
	write("1")
	allow("A seed's whole life")
	if err := w.TryApplyPlan(w.Plan()); err == nil {
		t.Error("an image was copied without the policy for its source")
	}
	allow("A seed's whole life", "Copies")
	w.Apply()
	write("2")
	w.Apply()
	allow("Plans alone")
	exampletest.Empty(t, w.Plan())
	allow("A seed's whole life")
	w.Destroy()
}
