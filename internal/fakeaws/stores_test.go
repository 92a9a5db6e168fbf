// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/aws/smithy-go"
)

// createQueue makes a queue and returns its ARN.
func createQueue(t *testing.T, cfg aws.Config, name string) string {
	t.Helper()
	client := sqs.NewFromConfig(cfg)
	created, err := client.CreateQueue(t.Context(), &sqs.CreateQueueInput{QueueName: &name})
	if err != nil {
		t.Fatal(err)
	}
	out, err := client.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: created.QueueUrl, AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameQueueArn},
	})
	if err != nil {
		t.Fatal(err)
	}
	return out.Attributes["QueueArn"]
}

func TestQueues(t *testing.T) {
	t.Parallel()
	srv := start(t)
	if got := createQueue(t, srv.AWSConfig(DefaultRegion), "jobs"); got != "arn:aws:sqs:ap-northeast-1:123456789012:jobs" {
		t.Errorf("ARN = %s", got)
	}
	_, err := sqs.NewFromConfig(srv.AWSConfig(DefaultRegion)).GetQueueUrl(t.Context(), &sqs.GetQueueUrlInput{QueueName: aws.String("none")})
	wantAPIError(t, err, "QueueDoesNotExist", "The specified queue does not exist.")
}

func TestParameters(t *testing.T) {
	t.Parallel()
	srv := start(t)
	client := ssm.NewFromConfig(srv.AWSConfig(DefaultRegion))
	put := func(value string, kind ssmtypes.ParameterType, overwrite bool) error {
		_, err := client.PutParameter(t.Context(), &ssm.PutParameterInput{Name: aws.String("/app/tag"), Type: kind, Value: &value, Overwrite: &overwrite})
		return err
	}
	get := func(name string, decrypt bool) (string, error) {
		out, err := client.GetParameter(t.Context(), &ssm.GetParameterInput{Name: &name, WithDecryption: &decrypt})
		if err != nil {
			return "", err
		}
		return aws.ToString(out.Parameter.Value), nil
	}
	_, err := get("/app/tag", true)
	wantAPIError(t, err, "ParameterNotFound", "")
	wantAPIError(t, put("a", "", false), "ValidationException", "A parameter type is required when you create a parameter.")
	if err := put("a", ssmtypes.ParameterTypeSecureString, false); err != nil {
		t.Fatal(err)
	}
	wantAPIError(t, put("b", ssmtypes.ParameterTypeSecureString, false), "ParameterAlreadyExists",
		"The parameter already exists. To overwrite this value, set the overwrite option in the request to true.")
	if err := put("b", ssmtypes.ParameterTypeSecureString, true); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"/app/tag": "b", "/app/tag:1": "a", "arn:aws:ssm:ap-northeast-1:123456789012:parameter/app/tag": "b"} {
		if got, err := get(name, true); err != nil || got != want {
			t.Errorf("GetParameter(%s) = %q, %v, want %q", name, got, err, want)
		}
	}
	if got, err := get("/app/tag", false); err != nil || got == "b" {
		t.Errorf("without decryption: %q, %v", got, err)
	}
	_, err = get("/app/tag:9", true)
	wantAPIError(t, err, "ParameterVersionNotFound", "Systems Manager could not find version 9 of /app/tag. Verify the version and try again.")
	srv.SetKMSDenied(true)
	if _, err = get("/app/tag", true); codeOf(err) != "AccessDeniedException" {
		t.Errorf("error = %v, want AccessDeniedException of KMS", err)
	}
}

func TestACustomersKeyNeedsAPermissionOfItsOwn(t *testing.T) {
	t.Parallel()
	srv := start(t)
	owner := ssm.NewFromConfig(srv.AWSConfig(DefaultRegion))
	for name, key := range map[string]*string{"own": aws.String("11111111-2222-3333-4444-555555555555"), "standard": nil} {
		_, err := owner.PutParameter(t.Context(), &ssm.PutParameterInput{Name: &name, Type: ssmtypes.ParameterTypeSecureString, Value: aws.String("v"), KeyId: key})
		if err != nil {
			t.Fatal(err)
		}
	}
	const reader = "AKIAREADER0000000001"
	if err := srv.SetPolicy(reader, AllowPolicy("*", "ssm:GetParameter")); err != nil {
		t.Fatal(err)
	}
	cfg := srv.AWSConfig(DefaultRegion)
	cfg.Credentials = credentials.NewStaticCredentialsProvider(reader, "secret", "")
	get := func(name string) error {
		_, err := ssm.NewFromConfig(cfg).GetParameter(t.Context(), &ssm.GetParameterInput{Name: &name, WithDecryption: aws.Bool(true)})
		return err
	}
	if err := get("standard"); err != nil {
		t.Error(err)
	}
	if err := get("own"); codeOf(err) != "AccessDeniedException" {
		t.Errorf("error = %v, want AccessDeniedException of KMS", err)
	}
}

func TestObjects(t *testing.T) {
	t.Parallel()
	for name, pathStyle := range map[string]bool{"virtual-hosted": false, "path style": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			objectRoundTrip(t, s3.NewFromConfig(start(t).AWSConfig(DefaultRegion), func(o *s3.Options) { o.UsePathStyle = pathStyle }))
		})
	}
	t.Run("emulator", func(t *testing.T) {
		t.Parallel()
		srv := start(t)
		cfg := srv.AWSConfig(DefaultRegion)
		cfg.BaseEndpoint = aws.String(srv.URL())
		cfg.HTTPClient = &http.Client{Transport: &http.Transport{}}
		objectRoundTrip(t, s3.NewFromConfig(cfg))
	})
}

func objectRoundTrip(t *testing.T, client *s3.Client) {
	t.Helper()
	bucket, key := aws.String("lambdaseed-test"), aws.String("a dir/ü.zip")
	ctx := t.Context()
	_, err := client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: bucket})
	wantAPIError(t, err, "IllegalLocationConstraintException",
		"The unspecified location constraint is incompatible for the region specific endpoint this request was sent to.")
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err = client.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: bucket, CreateBucketConfiguration: &s3types.CreateBucketConfiguration{LocationConstraint: DefaultRegion}})
	must(err)
	_, err = client.PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{Bucket: bucket, VersioningConfiguration: &s3types.VersioningConfiguration{Status: s3types.BucketVersioningStatusEnabled}})
	must(err)
	var versions []string
	for _, content := range []string{"one", "two"} {
		// A body that cannot seek is sent in chunks with a trailing checksum over TLS.
		out, err := client.PutObject(ctx, &s3.PutObjectInput{Bucket: bucket, Key: key, Body: bytes.NewReader([]byte(content)), ChecksumAlgorithm: s3types.ChecksumAlgorithmSha256})
		must(err)
		versions = append(versions, aws.ToString(out.VersionId))
	}
	for i, want := range []string{"one", "two"} {
		out, err := client.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: key, VersionId: &versions[i]})
		must(err)
		got, err := io.ReadAll(out.Body)
		must(err)
		must(out.Body.Close())
		if string(got) != want {
			t.Errorf("version %d = %q, want %q", i, got, want)
		}
	}
	_, err = client.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: bucket})
	wantAPIError(t, err, "BucketNotEmpty", "The bucket you tried to delete is not empty. You must delete all versions in the bucket.")
	_, err = client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: bucket, Key: key})
	must(err)
	_, err = client.GetObject(ctx, &s3.GetObjectInput{Bucket: bucket, Key: key})
	wantAPIError(t, err, "NoSuchKey", "The specified key does not exist.")
	listed, err := client.ListObjectVersions(ctx, &s3.ListObjectVersionsInput{Bucket: bucket})
	must(err)
	if len(listed.Versions) != 2 || len(listed.DeleteMarkers) != 1 || aws.ToString(listed.Versions[0].VersionId) != versions[1] {
		t.Errorf("versions = %+v, markers = %+v", listed.Versions, listed.DeleteMarkers)
	}
}

func TestBucketOfAnotherRegion(t *testing.T) {
	t.Parallel()
	srv := start(t)
	bucket := aws.String("lambdaseed-test")
	if _, err := s3.NewFromConfig(srv.AWSConfig("us-east-1")).CreateBucket(t.Context(), &s3.CreateBucketInput{Bucket: bucket}); err != nil {
		t.Fatal(err)
	}
	_, err := s3.NewFromConfig(srv.AWSConfig(DefaultRegion)).GetObject(t.Context(), &s3.GetObjectInput{Bucket: bucket, Key: aws.String("k")})
	wantAPIError(t, err, "PermanentRedirect",
		"The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.")
}

func TestObjectBodies(t *testing.T) {
	t.Parallel()
	chunked := http.Header{"X-Amz-Content-Sha256": {"STREAMING-UNSIGNED-PAYLOAD-TRAILER"}, "X-Amz-Decoded-Content-Length": {"5"}}
	for name, c := range map[string]struct {
		header http.Header
		raw    string
		want   string
		code   string
	}{
		"plain":         {http.Header{}, "hello", "hello", ""},
		"chunks":        {chunked, "3\r\nhel\r\n2;chunk-signature=x\r\nlo\r\n0\r\nx-amz-checksum-crc32:NhCmhg==\r\n\r\n", "hello", ""},
		"wrong trailer": {chunked, "5\r\nhello\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n", "", "BadDigest"},
		"wrong length":  {chunked, "4\r\nhell\r\n0\r\n\r\n", "", "IncompleteBody"},
		"cut off":       {chunked, "5\r\nhel", "", "IncompleteBody"},
		"no size":       {chunked, "zz\r\nhello\r\n", "", "IncompleteBody"},
		"wrong header":  {http.Header{"X-Amz-Checksum-Sha256": {"AAAA"}}, "hello", "", "BadDigest"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body, _, refusal := objectBody(c.header, []byte(c.raw))
			switch {
			case c.code == "" && (refusal != nil || string(body) != c.want):
				t.Errorf("body = %q, %v, want %q", body, refusal, c.want)
			case c.code != "" && (refusal == nil || refusal.Code != c.code):
				t.Errorf("refusal = %v, want %s", refusal, c.code)
			}
		})
	}
}

func TestRoles(t *testing.T) {
	t.Parallel()
	srv := start(t)
	client := iam.NewFromConfig(srv.AWSConfig(DefaultRegion))
	ctx, name := t.Context(), aws.String("app")
	_, err := client.GetRole(ctx, &iam.GetRoleInput{RoleName: name})
	wantAPIError(t, err, "NoSuchEntity", "The role with name app cannot be found.")
	_, err = client.CreateRole(ctx, &iam.CreateRoleInput{RoleName: name, AssumeRolePolicyDocument: aws.String("{")})
	wantAPIError(t, err, "MalformedPolicyDocument", "This policy contains invalid Json")
	if _, err = client.CreateRole(ctx, &iam.CreateRoleInput{RoleName: name, AssumeRolePolicyDocument: aws.String(lambdaTrust)}); err != nil {
		t.Fatal(err)
	}
	_, err = client.CreateRole(ctx, &iam.CreateRoleInput{RoleName: name, AssumeRolePolicyDocument: aws.String(lambdaTrust)})
	wantAPIError(t, err, "EntityAlreadyExists", "Role with name app already exists.")
	const policy = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
	if _, err = client.AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{RoleName: name, PolicyArn: aws.String(policy)}); err != nil {
		t.Fatal(err)
	}
	_, err = client.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: name})
	wantAPIError(t, err, "DeleteConflict", "Cannot delete entity, must detach all policies first.")
	attached, err := client.ListAttachedRolePolicies(ctx, &iam.ListAttachedRolePoliciesInput{RoleName: name})
	if err != nil || len(attached.AttachedPolicies) != 1 || aws.ToString(attached.AttachedPolicies[0].PolicyName) != "AWSLambdaBasicExecutionRole" {
		t.Errorf("attached = %+v, %v", attached, err)
	}
}

// codeOf is the AWS code of an error, "" for anything else.
func codeOf(err error) string {
	if apiErr, ok := errors.AsType[smithy.APIError](err); ok {
		return apiErr.ErrorCode()
	}
	return ""
}
