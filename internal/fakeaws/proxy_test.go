// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
)

func TestProxyServesAWSHostsWithTheServersOwnCA(t *testing.T) {
	t.Parallel()
	srv := start(t)
	client := &http.Client{Transport: srv.Transport()}
	for _, host := range []string{
		"123456789012.dkr.ecr.ap-northeast-1.amazonaws.com", "123456789012.dkr.ecr-fips.us-east-1.amazonaws.com",
		"123456789012.dkr-ecr.eu-west-1.on.aws", "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn",
	} {
		response, err := client.Do(get(t, "https://"+host+"/v2/"))
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != http.StatusUnauthorized || string(body) != "Not Authorized\n" {
			t.Errorf("%s: %d %q, want 401 Not Authorized", host, response.StatusCode, body)
		}
		want := `Basic realm="https://` + host + `/",service="ecr.amazonaws.com"`
		if got := response.Header.Get("Www-Authenticate"); got != want {
			t.Errorf("Www-Authenticate = %q, want %q", got, want)
		}
	}
	if refused := srv.RefusedHosts(); refused != nil {
		t.Errorf("refused hosts = %v, want none", refused)
	}
}

func get(t *testing.T, target string) *http.Request {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	return request
}

func TestProxyRefusesAndRecordsAllOtherHosts(t *testing.T) {
	t.Parallel()
	srv := start(t, WithHost("registry.example.com", http.NotFoundHandler()))
	client := &http.Client{Transport: srv.Transport()}
	_, err := client.Do(get(t, "https://telemetry.example.com/")) //nolint:bodyclose // there is no response
	if err == nil || !strings.Contains(err.Error(), "Forbidden") {
		t.Errorf("error = %v, want Forbidden", err)
	}
	for _, target := range []string{"http://169.254.169.254/latest/meta-data/", "http://api.ecr.us-east-1.amazonaws.com/"} {
		response, err := client.Do(get(t, target))
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != http.StatusForbidden {
			t.Errorf("%s: status %d, want 403: plain HTTP is for loopback only", target, response.StatusCode)
		}
	}
	response, err := client.Do(get(t, "https://registry.example.com/v2/"))
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusNotFound {
		t.Errorf("added host: status %d, want its handler's 404", response.StatusCode)
	}
	want := []string{"telemetry.example.com:443", "169.254.169.254", "api.ecr.us-east-1.amazonaws.com"}
	if got := srv.RefusedHosts(); strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("refused hosts = %v, want %v", got, want)
	}
	if got := srv.Requests(); len(got) != 0 {
		t.Errorf("recorded %d requests, want none: nothing reached a service", len(got))
	}
}

func TestProxyIsNotTrustedWithoutItsCA(t *testing.T) {
	t.Parallel()
	srv := start(t)
	transport := srv.Transport()
	transport.TLSClientConfig = &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12}
	client := &http.Client{Transport: transport}
	_, err := client.Do(get(t, "https://sts.amazonaws.com/")) //nolint:bodyclose // there is no response
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); !ok {
		t.Errorf("error = %v, want a certificate verification error", err)
	}
}

func TestEachHostServesItsServiceOnly(t *testing.T) {
	t.Parallel()
	srv := start(t)
	cfg := srv.AWSConfig("eu-west-1")
	cfg.BaseEndpoint = aws.String("https://api.ecr.eu-central-1.amazonaws.com")
	_, err := ecr.NewFromConfig(cfg).DescribeRepositories(t.Context(), nil)
	wantAPIError(t, err, "InvalidSignatureException", "Credential should be scoped to a valid region, not 'eu-west-1'. ")
	cfg.BaseEndpoint = aws.String("https://sts.eu-west-1.amazonaws.com")
	_, err = ecr.NewFromConfig(cfg).DescribeRepositories(t.Context(), nil)
	if err == nil || !strings.Contains(err.Error(), "403") {
		t.Errorf("ECR call to STS: error = %v, want a 403", err)
	}
}

func TestHostNames(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]awsHost{
		"api.ecr.us-east-1.amazonaws.com":                                 {Service: "ecr", Region: "us-east-1"},
		"ecr.us-east-1.api.aws":                                           {Service: "ecr", Region: "us-east-1"},
		"ecr-fips.us-gov-west-1.amazonaws.com":                            {Service: "ecr", Region: "us-gov-west-1"},
		"ecr-fips.us-gov-west-1.api.aws":                                  {Service: "ecr", Region: "us-gov-west-1"},
		"api.ecr.cn-north-1.amazonaws.com.cn":                             {Service: "ecr", Region: "cn-north-1"},
		"ecr.cn-north-1.api.amazonwebservices.com.cn":                     {Service: "ecr", Region: "cn-north-1"},
		"api.ecr.us-iso-east-1.c2s.ic.gov":                                {Service: "ecr", Region: "us-iso-east-1"},
		"api.ecr.eusc-de-east-1.amazonaws.eu":                             {Service: "ecr", Region: "eusc-de-east-1"},
		"123456789012.dkr.ecr.ap-northeast-1.amazonaws.com:443":           {Service: "ecr-registry", Region: "ap-northeast-1", Account: "123456789012"},
		"prod-us-east-1-starport-layer-bucket.s3.us-east-1.amazonaws.com": {Service: "ecr-layers", Region: "us-east-1"},
		"lambda.eu-west-1.amazonaws.com":                                  {Service: "lambda", Region: "eu-west-1"},
		"lambda-fips.us-east-2.amazonaws.com":                             {Service: "lambda", Region: "us-east-2"},
		"ssm.eu-west-1.api.aws":                                           {Service: "ssm", Region: "eu-west-1"},
		"sts.amazonaws.com":                                               {Service: "sts", Region: "us-east-1"},
		"sts.eu-west-1.amazonaws.com":                                     {Service: "sts", Region: "eu-west-1"},
		"iam.amazonaws.com":                                               {Service: "iam", Region: "us-east-1"},
		"my.bucket.s3.eu-west-1.amazonaws.com":                            {Service: "s3", Region: "eu-west-1", Bucket: "my.bucket"},
		"s3.dualstack.eu-west-1.amazonaws.com":                            {Service: "s3", Region: "eu-west-1"},
		"bucket.s3.amazonaws.com":                                         {Service: "s3", Region: "us-east-1", Bucket: "bucket"},
	} {
		got, ok := parseAWSHost(host)
		if !ok || got != want {
			t.Errorf("parseAWSHost(%q) = %+v, %v, want %+v", host, got, ok, want)
		}
	}
	for _, host := range []string{"amazonaws.com.evil.example", "public.ecr.aws", "example.com", "xamazonaws.com", "ec2.eu-west-1.amazonaws.com"} {
		if got, ok := parseAWSHost(host); ok {
			t.Errorf("parseAWSHost(%q) = %+v, want none", host, got)
		}
	}
}

func TestLatencyEndsWithTheClient(t *testing.T) {
	t.Parallel()
	srv := start(t)
	srv.SetLatency(time.Hour)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := clientAs(srv, PipelineAccessKey).DescribeRepositories(ctx, nil)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error = %v, want deadline exceeded", err)
	}
}
