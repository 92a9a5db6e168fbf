// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

const deployRole = "arn:aws:iam::210987654321:role/ci/deploy"

func TestCallerIdentityIsTheKeysPrincipal(t *testing.T) {
	t.Parallel()
	srv := start(t, WithCredential("AKIAELSEWHERE", "210987654321", "arn:aws:iam::210987654321:user/ci"))
	for key, want := range map[string][2]string{
		"AKIAANYTHING":    {"123456789012", "arn:aws:iam::123456789012:user/fakeaws"},
		"AKIAELSEWHERE":   {"210987654321", "arn:aws:iam::210987654321:user/ci"},
		PipelineAccessKey: {"123456789012", "arn:aws:iam::123456789012:user/pipeline"},
	} {
		out, err := sts.NewFromConfig(configAs(srv, key, "")).GetCallerIdentity(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		if aws.ToString(out.Account) != want[0] || aws.ToString(out.Arn) != want[1] || aws.ToString(out.UserId) == "" {
			t.Errorf("%s is %s of %s, want %s of %s", key, aws.ToString(out.Arn), aws.ToString(out.Account), want[1], want[0])
		}
	}
}

func configAs(srv *Server, accessKey, token string) aws.Config {
	cfg := srv.AWSConfig(DefaultRegion)
	cfg.Credentials = credentials.NewStaticCredentialsProvider(accessKey, "secret", token)
	return cfg
}

func TestAssumedRoleActsInItsAccountUntilItExpires(t *testing.T) {
	t.Parallel()
	srv := start(t)
	out, err := sts.NewFromConfig(srv.AWSConfig(DefaultRegion)).AssumeRole(t.Context(),
		&sts.AssumeRoleInput{RoleArn: aws.String(deployRole), RoleSessionName: aws.String("run-1")})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := aws.ToString(out.AssumedRoleUser.Arn), "arn:aws:sts::210987654321:assumed-role/deploy/run-1"; got != want {
		t.Errorf("assumed role user = %s, want %s", got, want)
	}
	given := out.Credentials
	client := ecr.NewFromConfig(configAs(srv, aws.ToString(given.AccessKeyId), aws.ToString(given.SessionToken)))
	if _, err := client.CreateRepository(t.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String("app")}); err != nil {
		t.Fatal(err)
	}
	repositories, err := client.DescribeRepositories(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := aws.ToString(repositories.Repositories[0].RegistryId); got != "210987654321" {
		t.Errorf("registry id = %s, want the role's account", got)
	}
	_, err = ecr.NewFromConfig(configAs(srv, aws.ToString(given.AccessKeyId), "")).DescribeRepositories(t.Context(), nil)
	wantAPIError(t, err, "UnrecognizedClientException", "The security token included in the request is invalid.")
	srv.Advance(2 * time.Hour)
	_, err = client.DescribeRepositories(t.Context(), nil)
	wantAPIError(t, err, "ExpiredTokenException", "The security token included in the request is expired")
}

func TestDeniedAndInvalidRoles(t *testing.T) {
	t.Parallel()
	srv := start(t)
	srv.DenyAssumeRole(deployRole)
	client := sts.NewFromConfig(srv.AWSConfig(DefaultRegion))
	_, err := client.AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: aws.String(deployRole), RoleSessionName: aws.String("run-1")})
	wantAPIError(t, err, "AccessDenied", "User: arn:aws:iam::123456789012:user/pipeline is not authorized to perform: sts:AssumeRole on resource: "+deployRole)
	_, err = client.AssumeRole(t.Context(), &sts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::1:role/x/y/z/z/z"), RoleSessionName: aws.String("run-1")})
	wantAPIError(t, err, "ValidationError", "arn:aws:iam::1:role/x/y/z/z/z is invalid")
}

func TestWebIdentityNeedsNoSignature(t *testing.T) {
	t.Parallel()
	srv := start(t)
	srv.AcceptWebIdentity("header.payload.signature")
	cfg := srv.AWSConfig(DefaultRegion)
	cfg.Credentials = aws.AnonymousCredentials{}
	client := sts.NewFromConfig(cfg)
	in := &sts.AssumeRoleWithWebIdentityInput{
		RoleArn: aws.String(deployRole), RoleSessionName: aws.String("terraform"), WebIdentityToken: aws.String("header.payload.signature"),
	}
	out, err := client.AssumeRoleWithWebIdentity(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	who, err := sts.NewFromConfig(configAs(srv, aws.ToString(out.Credentials.AccessKeyId), aws.ToString(out.Credentials.SessionToken))).GetCallerIdentity(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := aws.ToString(who.Arn), "arn:aws:sts::210987654321:assumed-role/deploy/terraform"; got != want {
		t.Errorf("identity = %s, want %s", got, want)
	}
	in.WebIdentityToken = aws.String("another.token.altogether")
	_, err = client.AssumeRoleWithWebIdentity(t.Context(), in)
	wantAPIError(t, err, "InvalidIdentityToken", "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)")
}

func TestCallsMustBeSignedByAKnownKey(t *testing.T) {
	t.Parallel()
	srv := start(t, WithKnownCredentialsOnly(), WithCredential("AKIAKNOWN", DefaultAccount, "arn:aws:iam::123456789012:user/known"))
	if _, err := clientAs(srv, "AKIAKNOWN").DescribeRepositories(t.Context(), nil); err != nil {
		t.Error(err)
	}
	_, err := clientAs(srv, "AKIASTRANGER").DescribeRepositories(t.Context(), nil)
	wantAPIError(t, err, "UnrecognizedClientException", "The security token included in the request is invalid.")
	_, err = sts.NewFromConfig(configAs(srv, "AKIASTRANGER", "")).GetCallerIdentity(t.Context(), nil)
	wantAPIError(t, err, "InvalidClientTokenId", "The security token included in the request is invalid.")
	cfg := srv.AWSConfig(DefaultRegion)
	cfg.Credentials = aws.AnonymousCredentials{}
	_, err = ecr.NewFromConfig(cfg).DescribeRepositories(t.Context(), nil)
	wantAPIError(t, err, "MissingAuthenticationTokenException", "Missing Authentication Token")
}

// TestSignatureScopes sends headers that no SDK would.
func TestSignatureScopes(t *testing.T) {
	t.Parallel()
	srv := start(t)
	hex := strings.Repeat("0", 64)
	for name, test := range map[string]struct{ authorization, want string }{
		"wrong service": {"AWS4-HMAC-SHA256 Credential=AKIAX/20260101/eu-west-1/s3/aws4_request, SignedHeaders=host, Signature=" + hex, "Credential should be scoped to correct service: 'ecr'. "},
		"host unsigned": {"AWS4-HMAC-SHA256 Credential=AKIAX/20260101/eu-west-1/ecr/aws4_request, SignedHeaders=x-amz-date, Signature=" + hex, "IncompleteSignatureException"},
		"no scope":      {"AWS4-HMAC-SHA256 Credential=AKIAX, SignedHeaders=host, Signature=" + hex, "IncompleteSignatureException"},
		"basic":         {"Basic QVdTOng=", "MissingAuthenticationTokenException"},
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL(), strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("X-Amz-Target", "AmazonEC2ContainerRegistry_V20150921.DescribeRepositories")
		request.Header.Set("X-Amz-Date", "20260101T000000Z")
		request.Header.Set("Authorization", test.authorization)
		response, err := srv.Transport().RoundTrip(request) //nolint:bodyclose // readAll closes it
		if err != nil {
			t.Fatal(err)
		}
		body := readAll(t, response)
		if response.StatusCode != http.StatusBadRequest || !strings.Contains(body, test.want) {
			t.Errorf("%s: %d %s, want 400 with %q", name, response.StatusCode, body, test.want)
		}
	}
}
