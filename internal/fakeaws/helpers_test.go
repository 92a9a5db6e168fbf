// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/smithy-go"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// start runs a server for one test.
func start(t *testing.T, opts ...Option) *Server {
	t.Helper()
	srv, err := Start(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(srv.Close)
	return srv
}

// createRepository makes a repository through the API and returns its URI.
func createRepository(t *testing.T, srv *Server, repository string) string {
	t.Helper()
	out, err := ecr.NewFromConfig(srv.AWSConfig(DefaultRegion)).CreateRepository(t.Context(),
		&ecr.CreateRepositoryInput{RepositoryName: aws.String(repository)})
	if err != nil {
		t.Fatal(err)
	}
	return aws.ToString(out.Repository.RepositoryUri)
}

// clientAs is an ECR client that signs with a key of the test's.
func clientAs(srv *Server, accessKey string) *ecr.Client {
	cfg := srv.AWSConfig(DefaultRegion)
	cfg.Credentials = credentials.NewStaticCredentialsProvider(accessKey, "secret", "")
	return ecr.NewFromConfig(cfg)
}

// push writes a small random image to a reference such as uri:tag.
func push(ctx context.Context, t *testing.T, reference string, options ...remote.Option) (v1.Image, error) {
	t.Helper()
	img, err := random.Image(512, 1)
	if err != nil {
		t.Fatal(err)
	}
	return img, remote.Write(parse(t, reference), img, append(options, remote.WithContext(ctx))...)
}

func parse(t *testing.T, reference string) name.Reference {
	t.Helper()
	ref, err := name.ParseReference(reference)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

// wantAPIError fails unless err is an AWS error with this code and message.
func wantAPIError(t *testing.T, err error, code, message string) {
	t.Helper()
	apiErr, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		t.Fatalf("error = %v, want an AWS error %s", err, code)
	}
	if apiErr.ErrorCode() != code || apiErr.ErrorMessage() != message {
		t.Errorf("error = %s: %s\nwant  %s: %s", apiErr.ErrorCode(), apiErr.ErrorMessage(), code, message)
	}
}

// readAll reads and closes an answer's body.
func readAll(t *testing.T, response *http.Response) string {
	t.Helper()
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// ask sends GET for a path of a repository's registry, such as /manifests/v1,
// and returns status and body: go-containerregistry asks with HEAD, whose
// refusals have no text.
func ask(t *testing.T, srv *Server, uri, path, password string) (int, string) {
	t.Helper()
	request := get(t, "https://"+strings.Replace(uri, "/", "/v2/", 1)+path)
	request.SetBasicAuth("AWS", password)
	response, err := srv.Transport().RoundTrip(request) //nolint:bodyclose // readAll closes it
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, readAll(t, response)
}
