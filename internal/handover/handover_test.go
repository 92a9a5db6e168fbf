// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package handover

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// stub answers every request with one status, type and body, whatever was asked.
type stub struct {
	server *httptest.Server

	mu      sync.Mutex
	regions []string
}

func answering(t *testing.T, status int, errorType, body string) (*Client, *stub) {
	t.Helper()
	s := &stub{}
	s.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if errorType != "" {
			w.Header().Set("X-Amzn-Errortype", errorType)
		}
		w.Header().Set("X-Amzn-Requestid", "request-1")
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(s.server.Close)
	return NewClient(s), s
}

// Config makes the stub a Configuration.
func (s *stub) Config(_ context.Context, region string) (aws.Config, error) {
	if region == "" {
		region = "eu-west-1"
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.regions = append(s.regions, region)
	return aws.Config{
		Region: region, BaseEndpoint: &s.server.URL, RetryMaxAttempts: 1,
		Credentials: credentials.NewStaticCredentialsProvider("AKIATEST", "secret", ""),
	}, nil
}

// Only the services' own words for absence are absence.
func TestErrors(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		status          int
		errorType, body string
		function        error
		parameter       error
	}{
		{404, "ResourceNotFoundException", `{"Message":"Function not found"}`, ErrNotFound, ErrNotFound},
		{400, "ParameterNotFound", `{"__type":"ParameterNotFound"}`, ErrNotFound, ErrNotFound},
		{400, "ParameterVersionNotFound", `{"__type":"ParameterVersionNotFound"}`, ErrNotFound, ErrNotFound},
		{403, "AccessDeniedException", `{"Message":"not authorized"}`, ErrDenied, ErrDenied},
		{429, "TooManyRequestsException", `{"Message":"Rate exceeded"}`, ErrThrottled, ErrThrottled},
		{400, "ThrottlingException", `{"__type":"ThrottlingException"}`, ErrThrottled, ErrThrottled},
		{404, "", `<html>not found</html>`, ErrUnexpectedAnswer, ErrUnexpectedAnswer},
		{404, "NotFoundException", `{}`, nil, nil},
		{500, "ServiceException", `{}`, nil, nil},
		{200, "", `{}`, ErrUnexpectedAnswer, ErrUnexpectedAnswer},
		{200, "", `<html>`, ErrUnexpectedAnswer, ErrUnexpectedAnswer},
		{200, "", `{"Configuration":{"PackageType":"Image"},"Code":{}}`, ErrUnexpectedAnswer, ErrUnexpectedAnswer},
	} {
		t.Run(fmt.Sprint(test.status, " ", test.errorType, test.body), func(t *testing.T) {
			t.Parallel()
			client, _ := answering(t, test.status, test.errorType, test.body)
			_, err := client.Function(t.Context(), "", "app", "live")
			expectReason(t, err, test.function, "lambda:GetFunction of function app:live in eu-west-1: ")
			_, err = client.Parameter(t.Context(), "", "/app/image")
			expectReason(t, err, test.parameter, "ssm:GetParameter of parameter /app/image in eu-west-1: ")
		})
	}
}

func expectReason(t *testing.T, err, want error, begins string) {
	t.Helper()
	if err == nil || !strings.HasPrefix(err.Error(), begins) {
		t.Fatalf("the error is %v, want one that begins %q", err, begins)
	}
	for _, reason := range []error{ErrNotFound, ErrDenied, ErrThrottled, ErrTimeout, ErrCanceled, ErrUnexpectedAnswer} {
		if is := errors.Is(err, reason); is != errors.Is(want, reason) {
			t.Errorf("errors.Is(%q, %q) is %t", err, reason, is)
		}
	}
}

func TestErrors_words(t *testing.T) {
	t.Parallel()
	client, _ := answering(t, 403, "AccessDeniedException", `{"Message":"you may not"}`)
	_, err := client.Function(t.Context(), "", "app", "")
	const want = "lambda:GetFunction of function app in eu-west-1: AccessDeniedException: you may not (HTTP status 403, request ID request-1)"
	if err == nil || err.Error() != want {
		t.Errorf("the error is %v, want %s", err, want)
	}
}

func TestErrors_interrupted(t *testing.T) {
	t.Parallel()
	client, _ := answering(t, 200, "", "{}")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := client.Function(ctx, "", "app", "")
	expectReason(t, err, ErrCanceled, "lambda:GetFunction of function app in eu-west-1: ")
}

// Each region has one client, and an ARN brings its region.
func TestRegions(t *testing.T) {
	t.Parallel()
	client, stub := answering(t, 200, "", `{"Parameter":{"Value":" v1\n","Type":"SecureString"}}`)
	var callers sync.WaitGroup
	for range 20 {
		callers.Go(func() {
			got, err := client.Parameter(t.Context(), "us-east-1", "/app/image")
			if err != nil || got != (Parameter{Value: "v1", Secret: true}) {
				t.Errorf("%+v, %v", got, err)
			}
		})
	}
	callers.Wait()
	if len(client.ssm.clients) != 1 {
		t.Errorf("%d clients for one region", len(client.ssm.clients))
	}
	if _, err := client.Parameter(t.Context(), "us-east-1", "arn:aws-cn:ssm:cn-north-1:123456789012:parameter/app/image"); err != nil {
		t.Fatal(err)
	}
	if last := stub.regions[len(stub.regions)-1]; last != "cn-north-1" {
		t.Errorf("the ARN's parameter was asked for in %s", last)
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 65)
	for name, test := range map[string]struct {
		check func(string) error
		good  []string
		bad   map[string]string
	}{
		"function name": {ValidateFunctionName, []string{"a", "My_function-1", long[:64]}, map[string]string{
			"": "is not the name of a function", long: "is not the name of a function", "a.b": "is not the name of a function",
			"123456789012:function:app": "is the ARN of a function", "app:1": "names a version or an alias",
		}},
		"qualifier": {ValidateQualifier, []string{"1", "live", "$LATEST", "$LATEST.PUBLISHED"}, map[string]string{
			"": "is neither a version nor an alias", "$latest": "is neither a version nor an alias", "a b": "is neither a version nor an alias",
		}},
		"parameter name": {ValidateParameterName, []string{"image", "/app/image", "/app/image:3", "image:live", "arn:aws:ssm:eu-west-1:123456789012:parameter/app/image", "arn:aws-us-gov:ssm:us-gov-west-1:123456789012:parameter/image"}, map[string]string{
			"": "is not the name or ARN", "app/image": "a name with levels begins with a slash", "/app/": "is not the name or ARN", "/a b": "is not the name or ARN",
			"arn:aws:s3:::bucket/key": "is not the name or ARN", "/" + strings.Repeat("a", 2048): "is not the name or ARN",
		}},
	} {
		for _, s := range test.good {
			if err := test.check(s); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		for s, want := range test.bad {
			if err := test.check(s); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s %q: %v, want %q", name, s, err, want)
			}
		}
	}
}
