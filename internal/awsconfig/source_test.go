// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package awsconfig_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/awsconfig"
)

// keys are settings that lead to a stub, with credentials of their own.
func keys(s *stub) awsconfig.Settings {
	return awsconfig.Settings{
		AccessKey: "AKIABLOCK", SecretKey: "block-secret", Region: tokyo,
		Endpoints: map[string]string{awsconfig.STS: s.URL, awsconfig.ECR: s.URL},
	}
}

func TestNewAsksNobody(t *testing.T) {
	isolate(t)
	s := newStub(t)
	t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", s.URL)
	source := awsconfig.New(keys(s))
	if got := source.Endpoint(awsconfig.ECR); got != s.URL {
		t.Errorf("endpoint %q, want %q", got, s.URL)
	}
	if got := source.Endpoint(awsconfig.SSM); got != "" {
		t.Errorf("endpoint %q, want none", got)
	}
	if got := s.operations(); len(got) > 0 {
		t.Errorf("asked for %v", got)
	}
}

func TestConfigIsLoadedOnce(t *testing.T) {
	isolate(t)
	s := newStub(t)
	source := awsconfig.New(keys(s))
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			region := []string{"", tokyo, "us-east-1", "eu-central-1"}[i%4]
			cfg, err := source.Config(t.Context(), region)
			if err != nil {
				t.Error(err)
			}
			if region != "" && cfg.Region != region {
				t.Errorf("region %q, want %q", cfg.Region, region)
			}
			if id, err := source.AccountID(t.Context()); id != "123456789012" || err != nil {
				t.Errorf("account %q, %v", id, err)
			}
		})
	}
	wg.Wait()
	if got := s.operations(); !slices.Equal(got, []string{"GetCallerIdentity"}) {
		t.Errorf("asked for %v", got)
	}
}

func TestRegionsShareCredentialsAndConnections(t *testing.T) {
	isolate(t)
	s := newStub(t)
	set := keys(s)
	set.AssumeRole = []awsconfig.AssumeRole{{RoleARN: "arn:aws:iam::123456789012:role/r"}}
	source := awsconfig.New(set)
	home, err := source.Config(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	other, err := source.Config(t.Context(), "us-east-1")
	if err != nil {
		t.Fatal(err)
	}
	if home.Credentials != other.Credentials {
		t.Error("two caches of credentials")
	}
	if home.HTTPClient != other.HTTPClient {
		t.Error("two HTTP clients")
	}
	if _, err := ecr.NewFromConfig(other).GetAuthorizationToken(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	got := s.call(t, "GetAuthorizationToken")
	if got.Region != "us-east-1" || got.AccessKey != "ASIA-r" {
		t.Errorf("signed for %s by %s", got.Region, got.AccessKey)
	}
}

func TestFailureIsTriedAgain(t *testing.T) {
	isolate(t)
	s := newStub(t)
	source := awsconfig.New(keys(s))
	s.answer("GetCallerIdentity", "ExpiredToken")
	for range 2 {
		if _, err := source.Config(t.Context(), ""); !awsconfig.Is(err, awsconfig.ExpiredCredentials) {
			t.Fatalf("got %v", err)
		}
	}
	s.answer("GetCallerIdentity", "")
	if _, err := source.Config(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	if got := len(s.operations()); got != 3 {
		t.Errorf("STS was asked %d times, want 3", got)
	}
}

func TestCancelledCallerDoesNotHurtOthers(t *testing.T) {
	isolate(t)
	s := newStub(t)
	s.arrived, s.hold = make(chan struct{}, 8), make(chan struct{})
	source := awsconfig.New(keys(s))
	first, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := source.Config(first, ""); !errors.Is(err, context.Canceled) {
			t.Errorf("the cancelled caller got %v", err)
		}
	})
	wg.Go(func() {
		if _, err := source.Config(t.Context(), ""); err != nil {
			t.Errorf("the other caller got %v", err)
		}
	})
	<-s.arrived
	cancel()
	close(s.hold)
	wg.Wait()
}

func TestUnknownArguments(t *testing.T) {
	isolate(t)
	s := newStub(t)
	// Credentials that would work, and must not be used.
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIAENV")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "env-secret")
	t.Setenv("AWS_ENDPOINT_URL", s.URL)
	source := awsconfig.New(awsconfig.Settings{Unknown: []string{"assume_role[0].role_arn", "region"}})

	for name, ask := range map[string]func() error{
		"Config":    func() error { _, err := source.Config(t.Context(), tokyo); return err },
		"Region":    func() error { _, err := source.Region(t.Context()); return err },
		"AccountID": func() error { _, err := source.AccountID(t.Context()); return err },
	} {
		err := ask()
		if !awsconfig.IsUnknownArguments(err) {
			t.Errorf("%s: got %v", name, err)
			continue
		}
		const want = "the provider's configuration is not known yet: assume_role[0].role_arn, region"
		if err.Error() != want {
			t.Errorf("%s: got %q, want %q", name, err, want)
		}
	}
	if got := s.operations(); len(got) > 0 {
		t.Errorf("asked for %v", got)
	}
}

// TestRegionOfTheRequest lets a provider without any region of its own work for
// a repository whose URL names one.
func TestRegionOfTheRequest(t *testing.T) {
	roles := map[string][]awsconfig.AssumeRole{
		"keys": nil,
		"role": {{RoleARN: "arn:aws:iam::123456789012:role/r"}},
	}
	for name, role := range roles {
		t.Run(name, func(t *testing.T) {
			isolate(t)
			s := newStub(t)
			t.Setenv("AWS_ENDPOINT_URL", s.URL)
			source := awsconfig.New(awsconfig.Settings{AccessKey: "AKIABLOCK", SecretKey: "x", AssumeRole: role})
			for _, region := range []string{tokyo, "us-east-1"} {
				cfg, err := source.Config(t.Context(), region)
				if err != nil {
					t.Fatal(err)
				}
				if cfg.Region != region {
					t.Errorf("region %q, want %q", cfg.Region, region)
				}
			}
			if got := s.call(t, "GetCallerIdentity").Region; got != tokyo {
				t.Errorf("STS was asked in %q, want the region of the first request", got)
			}
			if region, err := source.Region(t.Context()); !awsconfig.Is(err, awsconfig.MissingRegion) {
				t.Errorf("Region: got %q, %v", region, err)
			}
		})
	}
}

func TestAccountOnDemand(t *testing.T) {
	tests := map[string]struct {
		change func(*awsconfig.Settings)
		// Requests before and after AccountID.
		before, after int
	}{
		"default":                     {func(*awsconfig.Settings) {}, 1, 1},
		"skip_credentials_validation": {func(set *awsconfig.Settings) { set.SkipCredentialsValidation = true }, 0, 1},
		"both skipped": {func(set *awsconfig.Settings) {
			set.SkipCredentialsValidation, set.SkipRequestingAccountID = true, true
		}, 0, 1},
		"allowed_account_ids": {func(set *awsconfig.Settings) {
			set.SkipCredentialsValidation, set.AllowedAccountIDs = true, []string{"123456789012"}
		}, 1, 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			isolate(t)
			s := newStub(t)
			set := keys(s)
			test.change(&set)
			source := awsconfig.New(set)
			if _, err := source.Config(t.Context(), ""); err != nil {
				t.Fatal(err)
			}
			if got := len(s.operations()); got != test.before {
				t.Errorf("%d requests before, want %d", got, test.before)
			}
			for range 2 {
				if id, err := source.AccountID(t.Context()); id != "123456789012" || err != nil {
					t.Errorf("account %q, %v", id, err)
				}
			}
			if got := len(s.operations()); got != test.after {
				t.Errorf("%d requests after, want %d", got, test.after)
			}
		})
	}
}

func TestUserAgent(t *testing.T) {
	isolate(t)
	t.Setenv("TF_APPEND_USER_AGENT", "CI/7")
	s := newStub(t)
	set := keys(s)
	set.Version, set.TerraformVersion = "1.2.3", "1.11.4"
	cfg, err := awsconfig.New(set).Config(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ecr.NewFromConfig(cfg).GetAuthorizationToken(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	for _, operation := range []string{"GetCallerIdentity", "GetAuthorizationToken"} {
		got := s.call(t, operation).UserAgent
		for _, part := range []string{"APN/1.0", "HashiCorp/1.0", "Terraform/1.11.4", "terraform-provider-lambdaseed/1.2.3", "CI/7"} {
			if !strings.Contains(got, part) {
				t.Errorf("%s: no %s in %q", operation, part, got)
			}
		}
	}
}

// TestHosts reads the host that each service's client would ask. It needs no
// network: the SDK resolves names of endpoints by itself.
func TestHosts(t *testing.T) {
	type hosts struct{ ecr, sts string }
	tests := map[string]struct {
		settings awsconfig.Settings
		env      map[string]string
		region   string
		want     hosts
	}{
		"plain":         {region: tokyo, want: hosts{"api.ecr.ap-northeast-1.amazonaws.com", "sts.ap-northeast-1.amazonaws.com"}},
		"China":         {region: "cn-north-1", want: hosts{"api.ecr.cn-north-1.amazonaws.com.cn", "sts.cn-north-1.amazonaws.com.cn"}},
		"GovCloud":      {region: "us-gov-west-1", want: hosts{"api.ecr.us-gov-west-1.amazonaws.com", "sts.us-gov-west-1.amazonaws.com"}},
		"FIPS":          {settings: awsconfig.Settings{UseFIPSEndpoint: true}, region: "us-east-1", want: hosts{"api.ecr-fips.us-east-1.amazonaws.com", "sts-fips.us-east-1.amazonaws.com"}},
		"FIPS variable": {env: map[string]string{"AWS_USE_FIPS_ENDPOINT": "true"}, region: "us-east-1", want: hosts{"api.ecr-fips.us-east-1.amazonaws.com", "sts-fips.us-east-1.amazonaws.com"}},
		"dual stack":    {settings: awsconfig.Settings{UseDualStackEndpoint: true}, region: tokyo, want: hosts{"ecr.ap-northeast-1.api.aws", "sts.ap-northeast-1.api.aws"}},
		"dual stack variable": {
			env: map[string]string{"AWS_USE_DUALSTACK_ENDPOINT": "true"}, region: tokyo,
			want: hosts{"ecr.ap-northeast-1.api.aws", "sts.ap-northeast-1.api.aws"},
		},
		"both": {
			settings: awsconfig.Settings{UseFIPSEndpoint: true, UseDualStackEndpoint: true}, region: "us-east-1",
			want: hosts{"ecr-fips.us-east-1.api.aws", "sts-fips.us-east-1.api.aws"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			isolate(t)
			for name, value := range test.env {
				t.Setenv(name, value)
			}
			set := test.settings
			set.AccessKey, set.SecretKey, set.Region = "AKIABLOCK", "x", test.region
			set.SkipCredentialsValidation, set.SkipRequestingAccountID = true, true
			cfg, err := awsconfig.New(set).Config(t.Context(), "")
			if err != nil {
				t.Fatal(err)
			}
			cfg.RetryMaxAttempts = 1
			refuse := refusingTransport{}
			cfg.HTTPClient = &refuse
			_, _ = ecr.NewFromConfig(cfg).GetAuthorizationToken(t.Context(), nil)
			_, _ = sts.NewFromConfig(cfg).GetCallerIdentity(t.Context(), nil)
			if want := []string{test.want.ecr, test.want.sts}; !slices.Equal(refuse.hosts, want) {
				t.Errorf("got %v, want %v", refuse.hosts, want)
			}
		})
	}
}

// TestEndpointsOfAllServices gives each service its own.
func TestEndpointsOfAllServices(t *testing.T) {
	isolate(t)
	set := awsconfig.Settings{
		AccessKey: "AKIABLOCK", SecretKey: "x", Region: tokyo, UseFIPSEndpoint: true,
		SkipCredentialsValidation: true, SkipRequestingAccountID: true,
		Endpoints: map[string]string{},
	}
	for _, service := range awsconfig.Services() {
		set.Endpoints[service] = "https://" + service + ".example.com"
	}
	cfg, err := awsconfig.New(set).Config(t.Context(), "us-east-1")
	if err != nil {
		t.Fatal(err)
	}
	for service, got := range map[string]*string{
		awsconfig.ECR:    ecr.NewFromConfig(cfg).Options().BaseEndpoint,
		awsconfig.Lambda: lambda.NewFromConfig(cfg).Options().BaseEndpoint,
		awsconfig.SSM:    ssm.NewFromConfig(cfg).Options().BaseEndpoint,
		awsconfig.STS:    sts.NewFromConfig(cfg).Options().BaseEndpoint,
	} {
		if want := "https://" + service + ".example.com"; got == nil || *got != want {
			t.Errorf("%s: got %v, want %s", service, got, want)
		}
	}
}
