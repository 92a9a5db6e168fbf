// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package awsconfig_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/awsconfig"
)

const (
	tokyo = "ap-northeast-1"

	// The default files, as "aws configure" writes them.
	credentialsFile = `
[default]
aws_access_key_id     = AKIAFILEDEFAULT
aws_secret_access_key = file-default-secret

[team]
aws_access_key_id     = AKIAFILETEAM
aws_secret_access_key = file-team-secret
`
	configFile = `
[default]
region = eu-west-1

[profile team]
region = eu-west-3

[profile chained]
source_profile = team
role_arn       = arn:aws:iam::123456789012:role/fromprofile
`
)

// TestCredentialsPrecedence asks who signs and for which region, with every
// source in turn hidden by the one above it.
func TestCredentialsPrecedence(t *testing.T) {
	type want struct{ key, region string }
	tests := map[string]struct {
		settings awsconfig.Settings
		env      map[string]string
		files    map[string]string // relative to the home directory
		want     want
	}{
		"provider block over everything": {
			settings: awsconfig.Settings{AccessKey: "AKIABLOCK", SecretKey: "block-secret", Region: "us-west-2"},
			env: map[string]string{
				"AWS_ACCESS_KEY_ID": "AKIAENV", "AWS_SECRET_ACCESS_KEY": "env-secret",
				"AWS_REGION": "us-east-2", "AWS_PROFILE": "team",
			},
			files: map[string]string{".aws/credentials": credentialsFile, ".aws/config": configFile},
			want:  want{"AKIABLOCK", "us-west-2"},
		},
		"profile in the block over keys in the environment": {
			settings: awsconfig.Settings{Profile: "team"},
			env:      map[string]string{"AWS_ACCESS_KEY_ID": "AKIAENV", "AWS_SECRET_ACCESS_KEY": "env-secret"},
			files:    map[string]string{".aws/credentials": credentialsFile, ".aws/config": configFile},
			want:     want{"AKIAFILETEAM", "eu-west-3"},
		},
		"profile in the block over profile in the environment": {
			settings: awsconfig.Settings{Profile: "team"},
			env:      map[string]string{"AWS_PROFILE": "default"},
			files:    map[string]string{".aws/credentials": credentialsFile, ".aws/config": configFile},
			want:     want{"AKIAFILETEAM", "eu-west-3"},
		},
		"keys in the environment over AWS_PROFILE": {
			env: map[string]string{
				"AWS_ACCESS_KEY_ID": "AKIAENV", "AWS_SECRET_ACCESS_KEY": "env-secret", "AWS_PROFILE": "team",
			},
			files: map[string]string{".aws/credentials": credentialsFile, ".aws/config": configFile},
			want:  want{"AKIAENV", "eu-west-3"},
		},
		"AWS_PROFILE": {
			env:   map[string]string{"AWS_PROFILE": "team"},
			files: map[string]string{".aws/credentials": credentialsFile, ".aws/config": configFile},
			want:  want{"AKIAFILETEAM", "eu-west-3"},
		},
		"AWS_DEFAULT_PROFILE": {
			env:   map[string]string{"AWS_DEFAULT_PROFILE": "team"},
			files: map[string]string{".aws/credentials": credentialsFile, ".aws/config": configFile},
			want:  want{"AKIAFILETEAM", "eu-west-3"},
		},
		"default files and default profile": {
			files: map[string]string{".aws/credentials": credentialsFile, ".aws/config": configFile},
			want:  want{"AKIAFILEDEFAULT", "eu-west-1"},
		},
		"AWS_REGION over AWS_DEFAULT_REGION over the file": {
			env:   map[string]string{"AWS_REGION": "us-east-2", "AWS_DEFAULT_REGION": "us-west-1"},
			files: map[string]string{".aws/credentials": credentialsFile, ".aws/config": configFile},
			want:  want{"AKIAFILEDEFAULT", "us-east-2"},
		},
		"AWS_DEFAULT_REGION over the file": {
			env:   map[string]string{"AWS_DEFAULT_REGION": "us-west-1"},
			files: map[string]string{".aws/credentials": credentialsFile, ".aws/config": configFile},
			want:  want{"AKIAFILEDEFAULT", "us-west-1"},
		},
		"file arguments over file variables over default files": {
			settings: awsconfig.Settings{
				SharedConfigFiles:      []string{"~/argument.config"},
				SharedCredentialsFiles: []string{"$HOME/argument.credentials"},
			},
			env: map[string]string{"AWS_CONFIG_FILE": "/nowhere", "AWS_SHARED_CREDENTIALS_FILE": "/nowhere"},
			files: map[string]string{
				"argument.config":      "[default]\nregion = sa-east-1\n",
				"argument.credentials": "[default]\naws_access_key_id = AKIAARGUMENT\naws_secret_access_key = x\n",
				".aws/credentials":     credentialsFile, ".aws/config": configFile,
			},
			want: want{"AKIAARGUMENT", "sa-east-1"},
		},
		"file variables over default files": {
			env: map[string]string{"AWS_CONFIG_FILE": "{HOME}/variable.config", "AWS_SHARED_CREDENTIALS_FILE": "{HOME}/variable.credentials"},
			files: map[string]string{
				"variable.config":      "[default]\nregion = ca-central-1\n",
				"variable.credentials": "[default]\naws_access_key_id = AKIAVARIABLE\naws_secret_access_key = x\n",
				".aws/credentials":     credentialsFile, ".aws/config": configFile,
			},
			want: want{"AKIAVARIABLE", "ca-central-1"},
		},
		"the later of two config files wins": {
			settings: awsconfig.Settings{SharedConfigFiles: []string{"~/one", "~/two"}, AccessKey: "AKIABLOCK", SecretKey: "x"},
			files:    map[string]string{"one": "[default]\nregion = us-east-1\n", "two": "[default]\nregion = us-east-2\n"},
			want:     want{"AKIABLOCK", "us-east-2"},
		},
		"web identity variables under keys in the environment": {
			env: map[string]string{
				"AWS_ACCESS_KEY_ID": "AKIAENV", "AWS_SECRET_ACCESS_KEY": "env-secret", "AWS_REGION": tokyo,
				"AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/web", "AWS_WEB_IDENTITY_TOKEN_FILE": "{HOME}/token",
			},
			files: map[string]string{"token": "token"},
			want:  want{"AKIAENV", tokyo},
		},
		"web identity variables over the shared files": {
			env: map[string]string{
				"AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/web", "AWS_WEB_IDENTITY_TOKEN_FILE": "{HOME}/token",
			},
			files: map[string]string{"token": "token", ".aws/credentials": credentialsFile, ".aws/config": configFile},
			want:  want{"ASIA-web", "eu-west-1"},
		},
		"role of a profile": {
			settings: awsconfig.Settings{Profile: "chained", Region: tokyo},
			files:    map[string]string{".aws/credentials": credentialsFile, ".aws/config": configFile},
			want:     want{"ASIA-fromprofile", tokyo},
		},
		"role of the block on top of the role of a profile": {
			settings: awsconfig.Settings{Profile: "chained", Region: tokyo, AssumeRole: []awsconfig.AssumeRole{{RoleARN: "arn:aws:iam::123456789012:role/fromblock"}}},
			files:    map[string]string{".aws/credentials": credentialsFile, ".aws/config": configFile},
			want:     want{"ASIA-fromblock", tokyo},
		},
		"role of the block on top of keys of the block": {
			settings: awsconfig.Settings{
				AccessKey: "AKIABLOCK", SecretKey: "x", Region: tokyo,
				AssumeRole: []awsconfig.AssumeRole{{RoleARN: "arn:aws:iam::123456789012:role/fromblock"}},
			},
			want: want{"ASIA-fromblock", tokyo},
		},
		"token of the block over both token variables": {
			settings: awsconfig.Settings{Region: tokyo, AssumeRoleWithWebIdentity: &awsconfig.AssumeRoleWithWebIdentity{
				RoleARN: "arn:aws:iam::123456789012:role/fromblock", WebIdentityToken: "block-token",
			}},
			env: map[string]string{
				"AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/env", "AWS_WEB_IDENTITY_TOKEN_FILE": "/nowhere",
				"TF_AWS_WEB_IDENTITY_TOKEN": "variable-token",
			},
			want: want{"ASIA-fromblock", tokyo},
		},
		"web identity block completed from the environment": {
			settings: awsconfig.Settings{Region: tokyo, AssumeRoleWithWebIdentity: &awsconfig.AssumeRoleWithWebIdentity{}},
			env: map[string]string{
				"AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/env", "AWS_WEB_IDENTITY_TOKEN_FILE": "{HOME}/token",
			},
			files: map[string]string{"token": "token"},
			want:  want{"ASIA-env", tokyo},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			home := isolate(t)
			s := newStub(t)
			t.Setenv("AWS_ENDPOINT_URL", s.URL)
			t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", s.URL)
			for name, content := range test.files {
				write(t, home, name, content)
			}
			for name, value := range test.env {
				t.Setenv(name, strings.ReplaceAll(value, "{HOME}", home))
			}

			cfg, err := awsconfig.New(test.settings).Config(t.Context(), "")
			if err != nil {
				t.Fatal(err)
			}
			creds, err := cfg.Credentials.Retrieve(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if got := (want{creds.AccessKeyID, cfg.Region}); got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
			if slices.Contains(s.operations(), "metadata") {
				t.Error("the instance metadata service was asked although credentials are given")
			}
			if key := s.call(t, "GetCallerIdentity").AccessKey; key != test.want.key {
				t.Errorf("STS was asked by %s, want %s", key, test.want.key)
			}
		})
	}
}

// TestEndpointPrecedence asks where a request for an ECR token arrives.
func TestEndpointPrecedence(t *testing.T) {
	tests := map[string]struct {
		block string // endpoints { ecr = … }
		env   map[string]string
		file  string // what follows in [default] of the shared config file
		fips  bool
		want  string
	}{
		"block over both variables": {
			block: "{A}", env: map[string]string{"AWS_ENDPOINT_URL_ECR": "{B}", "AWS_ENDPOINT_URL": "{C}"}, want: "A",
		},
		"AWS_ENDPOINT_URL_ECR over AWS_ENDPOINT_URL": {
			env: map[string]string{"AWS_ENDPOINT_URL_ECR": "{B}", "AWS_ENDPOINT_URL": "{C}"}, want: "B",
		},
		"AWS_ENDPOINT_URL over the shared config file": {
			env: map[string]string{"AWS_ENDPOINT_URL": "{C}"}, file: "endpoint_url = {A}", want: "C",
		},
		"shared config file": {file: "endpoint_url = {A}", want: "A"},
		"shared config file, by service": {
			file: "endpoint_url = {A}\nservices = here\n[services here]\necr =\n  endpoint_url = {B}", want: "B",
		},
		"block over use_fips_endpoint":                {block: "{A}", fips: true, want: "A"},
		"AWS_ENDPOINT_URL_ECR over use_fips_endpoint": {env: map[string]string{"AWS_ENDPOINT_URL_ECR": "{B}"}, fips: true, want: "B"},
		"block over ignored variables": {
			block: "{A}", env: map[string]string{"AWS_ENDPOINT_URL": "{B}", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "true"}, want: "A",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			home := isolate(t)
			stubs := map[string]*stub{"A": newStub(t), "B": newStub(t), "C": newStub(t)}
			fill := func(text string) string {
				for name, s := range stubs {
					text = strings.ReplaceAll(text, "{"+name+"}", s.URL)
				}
				return text
			}
			for name, value := range test.env {
				t.Setenv(name, fill(value))
			}
			write(t, home, ".aws/config", "[default]\n"+fill(test.file)+"\n")
			set := awsconfig.Settings{
				AccessKey: "AKIABLOCK", SecretKey: "x", Region: tokyo, UseFIPSEndpoint: test.fips, UseDualStackEndpoint: test.fips,
				SkipCredentialsValidation: true, SkipRequestingAccountID: true,
			}
			if test.block != "" {
				set.Endpoints = map[string]string{awsconfig.ECR: fill(test.block)}
			}

			cfg, err := awsconfig.New(set).Config(t.Context(), "")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := ecr.NewFromConfig(cfg).GetAuthorizationToken(t.Context(), nil); err != nil {
				t.Fatal(err)
			}
			for name, s := range stubs {
				if got := len(s.operations()); (got == 1) != (name == test.want) {
					t.Errorf("%d requests at %s, want all at %s", got, name, test.want)
				}
			}
		})
	}
}

// TestSTSEndpointPrecedence asks where aws-sdk-go-base's own calls arrive.
func TestSTSEndpointPrecedence(t *testing.T) {
	tests := map[string]struct {
		block string
		env   map[string]string
		want  string
	}{
		"block":                {block: "A", env: map[string]string{"AWS_ENDPOINT_URL_STS": "B", "TF_AWS_STS_ENDPOINT": "C"}, want: "A"},
		"AWS_ENDPOINT_URL_STS": {env: map[string]string{"AWS_ENDPOINT_URL_STS": "B", "TF_AWS_STS_ENDPOINT": "C", "AWS_ENDPOINT_URL": "A"}, want: "B"},
		"TF_AWS_STS_ENDPOINT":  {env: map[string]string{"TF_AWS_STS_ENDPOINT": "C", "AWS_STS_ENDPOINT": "A"}, want: "C"},
		"AWS_STS_ENDPOINT":     {env: map[string]string{"AWS_STS_ENDPOINT": "A"}, want: "A"},
		"AWS_ENDPOINT_URL":     {env: map[string]string{"AWS_ENDPOINT_URL": "B"}, want: "B"},
	}
	// Three ways to a role: each has a client of its own somewhere in the
	// libraries, and all have to find the same endpoint.
	roles := map[string]func(set *awsconfig.Settings, setenv func(name, value string), home string){
		"assume_role": func(set *awsconfig.Settings, _ func(string, string), _ string) {
			set.AccessKey, set.SecretKey = "AKIABLOCK", "x"
			set.AssumeRole = []awsconfig.AssumeRole{{RoleARN: "arn:aws:iam::123456789012:role/r"}}
		},
		"profile": func(set *awsconfig.Settings, _ func(string, string), home string) {
			set.Profile = "chained"
			write(t, home, ".aws/config", configFile)
			write(t, home, ".aws/credentials", credentialsFile)
		},
		"web identity variables": func(_ *awsconfig.Settings, setenv func(string, string), home string) {
			setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/r")
			setenv("AWS_WEB_IDENTITY_TOKEN_FILE", write(t, home, "token", "token"))
		},
	}
	for name, test := range tests {
		for role, prepare := range roles {
			t.Run(name+" for "+role, func(t *testing.T) {
				home := isolate(t)
				stubs := map[string]*stub{"A": newStub(t), "B": newStub(t), "C": newStub(t)}
				for name, value := range test.env {
					t.Setenv(name, stubs[value].URL)
				}
				set := awsconfig.Settings{Region: tokyo}
				if test.block != "" {
					set.Endpoints = map[string]string{awsconfig.STS: stubs[test.block].URL}
				}
				prepare(&set, t.Setenv, home)

				if _, err := awsconfig.New(set).Config(t.Context(), ""); err != nil {
					t.Fatal(err)
				}
				for name, s := range stubs {
					if got := len(s.operations()); (got > 0) != (name == test.want) {
						t.Errorf("%d requests at %s, want all at %s: %v", got, name, test.want, s.operations())
					}
				}
			})
		}
	}
}

// TestRetryPrecedence reads the number of attempts off the clients.
func TestRetryPrecedence(t *testing.T) {
	tests := map[string]struct {
		settings awsconfig.Settings
		env      map[string]string
		file     string
		want     int
		mode     aws.RetryMode
	}{
		"default":       {want: awsconfig.DefaultMaxRetries},
		"argument":      {settings: awsconfig.Settings{MaxRetries: 3}, env: map[string]string{"AWS_MAX_ATTEMPTS": "5"}, want: 3},
		"variable":      {env: map[string]string{"AWS_MAX_ATTEMPTS": "5"}, file: "max_attempts = 7", want: 5},
		"file":          {file: "max_attempts = 7", want: 7},
		"mode argument": {settings: awsconfig.Settings{RetryMode: "adaptive"}, env: map[string]string{"AWS_RETRY_MODE": "standard"}, want: 25, mode: aws.RetryModeAdaptive},
		"mode variable": {env: map[string]string{"AWS_RETRY_MODE": "adaptive"}, file: "retry_mode = standard", want: 25, mode: aws.RetryModeAdaptive},
		"mode file":     {file: "retry_mode = adaptive", want: 25, mode: aws.RetryModeAdaptive},
		"limiter":       {settings: awsconfig.Settings{TokenBucketRateLimiterCapacity: 100}, want: 25},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			home := isolate(t)
			for name, value := range test.env {
				t.Setenv(name, value)
			}
			write(t, home, ".aws/config", "[default]\n"+test.file+"\n")
			set := test.settings
			set.AccessKey, set.SecretKey, set.Region = "AKIABLOCK", "x", tokyo
			set.SkipCredentialsValidation, set.SkipRequestingAccountID = true, true

			source := awsconfig.New(set)
			for _, region := range []string{"", "us-east-1"} {
				cfg, err := source.Config(t.Context(), region)
				if err != nil {
					t.Fatal(err)
				}
				client := ecr.NewFromConfig(cfg)
				if got := client.Options().Retryer.MaxAttempts(); got != test.want {
					t.Errorf("%d attempts, want %d", got, test.want)
				}
				if test.mode != "" && client.Options().RetryMode != test.mode {
					t.Errorf("retry mode %q, want %q", client.Options().RetryMode, test.mode)
				}
			}
		})
	}
}
