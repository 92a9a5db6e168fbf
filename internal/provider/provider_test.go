// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/provider/schema"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/awsconfig"
)

// everything is a provider block with every argument, as it can be copied from
// a provider "aws" block.
func everything() block {
	return block{
		"access_key": "AKIABLOCK", "secret_key": "block-secret", "token": "block-token",
		"profile": "team", "region": "ap-northeast-1", "sts_region": "us-east-1",
		"shared_config_files":      []any{"~/one", "~/two"},
		"shared_credentials_files": []any{"~/three"},
		"allowed_account_ids":      []any{"123456789012"},
		"use_dualstack_endpoint":   true, "use_fips_endpoint": true,
		"custom_ca_bundle": "ca.pem", "http_proxy": "http://proxy:1", "https_proxy": "", "no_proxy": "localhost", "insecure": true,
		"max_retries": 7, "retry_mode": "Adaptive", "token_bucket_rate_limiter_capacity": 500,
		"ec2_metadata_service_endpoint": "http://127.0.0.1:1", "ec2_metadata_service_endpoint_mode": "IPv6",
		"skip_metadata_api_check": "true", "skip_credentials_validation": true,
		"skip_region_validation": true, "skip_requesting_account_id": true,
		"assume_role": []any{
			map[string]any{"role_arn": "arn:aws:iam::123456789012:role/first"},
			map[string]any{
				"role_arn": "arn:aws:iam::123456789012:role/second", "duration": "1h30m", "external_id": "external",
				"policy": `{"Version":"2012-10-17"}`, "policy_arns": []any{"arn:aws:iam::aws:policy/ReadOnlyAccess"},
				"session_name": "session", "source_identity": "somebody",
				"tags": map[string]any{"team": "seed"}, "transitive_tag_keys": []any{"team"},
			},
		},
		"assume_role_with_web_identity": []any{map[string]any{
			"role_arn": "arn:aws:iam::123456789012:role/web", "duration": "15m", "policy": `{}`,
			"policy_arns": []any{"arn:aws:iam::aws:policy/ReadOnlyAccess"}, "session_name": "session", "web_identity_token_file": "token",
		}},
		"endpoints": []any{
			map[string]any{"ecr": "http://localstack:4566", "sts": "https://sts.example.com"},
			map[string]any{"lambda": "https://lambda.example.com", "ssm": "https://ssm.example.com", "ecr": "http://localstack:4566"},
		},
	}
}

func TestConfigureEverything(t *testing.T) {
	t.Parallel()
	p := serve(t)
	b := everything()
	if got := p.validate(b); len(got) > 0 {
		t.Fatalf("diagnostics: %v", got)
	}
	empty, skip := "", true
	proxy := "http://proxy:1"
	want := awsconfig.Settings{
		AccessKey: "AKIABLOCK", SecretKey: "block-secret", Token: "block-token",
		Profile: "team", Region: "ap-northeast-1", STSRegion: "us-east-1",
		SharedConfigFiles:      []string{"~/one", "~/two"},
		SharedCredentialsFiles: []string{"~/three"},
		AllowedAccountIDs:      []string{"123456789012"},
		UseDualStackEndpoint:   true, UseFIPSEndpoint: true,
		CustomCABundle: "ca.pem", HTTPProxy: &proxy, HTTPSProxy: &empty, NoProxy: "localhost", Insecure: true,
		MaxRetries: 7, RetryMode: "adaptive", TokenBucketRateLimiterCapacity: 500,
		EC2MetadataServiceEndpoint: "http://127.0.0.1:1", EC2MetadataServiceEndpointMode: "IPv6",
		SkipMetadataAPICheck: &skip, SkipCredentialsValidation: true,
		SkipRegionValidation: true, SkipRequestingAccountID: true,
		AssumeRole: []awsconfig.AssumeRole{
			{RoleARN: "arn:aws:iam::123456789012:role/first"},
			{
				RoleARN: "arn:aws:iam::123456789012:role/second", Duration: 90 * time.Minute, ExternalID: "external",
				Policy: `{"Version":"2012-10-17"}`, PolicyARNs: []string{"arn:aws:iam::aws:policy/ReadOnlyAccess"},
				SessionName: "session", SourceIdentity: "somebody",
				Tags: map[string]string{"team": "seed"}, TransitiveTagKeys: []string{"team"},
			},
		},
		AssumeRoleWithWebIdentity: &awsconfig.AssumeRoleWithWebIdentity{
			RoleARN: "arn:aws:iam::123456789012:role/web", Duration: 15 * time.Minute, Policy: `{}`,
			PolicyARNs: []string{"arn:aws:iam::aws:policy/ReadOnlyAccess"}, SessionName: "session", WebIdentityTokenFile: "token",
		},
		Endpoints: map[string]string{
			"ecr": "http://localstack:4566", "sts": "https://sts.example.com",
			"lambda": "https://lambda.example.com", "ssm": "https://ssm.example.com",
		},
		Version: "1.2.3", TerraformVersion: "1.11.4", Logger: awsconfig.TerraformLog(),
	}
	if got := p.configure(b); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	// The block above must not forget a new argument.
	for name := range providerSchema().Attributes {
		if _, ok := b[name]; !ok && name != "forbidden_account_ids" {
			t.Errorf("%s is not tested", name)
		}
	}
}

func TestConfigureNothing(t *testing.T) {
	t.Parallel()
	p := serve(t)
	if got := p.validate(block{}); len(got) > 0 {
		t.Fatalf("diagnostics: %v", got)
	}
	want := awsconfig.Settings{
		Endpoints: map[string]string{}, Version: "1.2.3", TerraformVersion: "1.11.4", Logger: awsconfig.TerraformLog(),
	}
	if got := p.configure(block{}); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// TestValidateBlock has a row for each fault. Errors stand at the argument.
func TestValidateBlock(t *testing.T) {
	role := func(with block) block {
		b := map[string]any{"role_arn": "arn:aws:iam::123456789012:role/r"}
		maps.Copy(b, with)
		return block{"assume_role": []any{b}}
	}
	tests := map[string]struct {
		block block
		want  []string // beginnings; empty: no diagnostics
	}{
		"both account lists": {
			block{"allowed_account_ids": []any{"123456789012"}, "forbidden_account_ids": []any{"210987654321"}},
			[]string{
				`ERROR: allowed_account_ids: Invalid Attribute Combination: Attribute "forbidden_account_ids" cannot be specified when "allowed_account_ids"`,
				`ERROR: forbidden_account_ids: Invalid Attribute Combination: Attribute "allowed_account_ids" cannot be specified when "forbidden_account_ids"`,
			},
		},
		"access key alone": {
			block{"access_key": "AKIABLOCK"},
			[]string{`ERROR: access_key: Invalid Attribute Combination: Attribute "secret_key" must be specified when "access_key"`},
		},
		"secret key alone": {
			block{"secret_key": "block-secret"},
			[]string{`ERROR: secret_key: Invalid Attribute Combination: Attribute "access_key" must be specified when "secret_key"`},
		},
		"token alone": {
			block{"token": "block-token"},
			[]string{`ERROR: token: Invalid Attribute Combination: Attribute "access_key" must be specified when "token"`},
		},
		"wrong region": {
			block{"region": "ap-northeast-1a"},
			[]string{`ERROR: region: Invalid AWS region: There is no AWS region "ap-northeast-1a".`},
		},
		"wrong region, not checked":   {block{"region": "local", "skip_region_validation": true}, nil},
		"wrong region, maybe checked": {block{"region": "local", "skip_region_validation": unknown}, nil},
		"empty strings": {
			block{
				"region": "", "http_proxy": "", "retry_mode": "", "ec2_metadata_service_endpoint_mode": "", "skip_metadata_api_check": "",
				"access_key": "", "secret_key": "", "endpoints": []any{map[string]any{"ecr": ""}},
			}, nil,
		},
		"retry mode": {
			block{"retry_mode": "legacy"},
			[]string{`ERROR: retry_mode: Invalid Attribute Value Match: Attribute retry_mode value must be one of`},
		},
		"negative retries": {
			block{"max_retries": -1},
			[]string{`ERROR: max_retries: Invalid Attribute Value: Attribute max_retries value must be at least 0, got: -1`},
		},
		"negative capacity": {
			block{"token_bucket_rate_limiter_capacity": -1},
			[]string{`ERROR: token_bucket_rate_limiter_capacity: Invalid Attribute Value: Attribute token_bucket_rate_limiter_capacity value must be at least 0`},
		},
		"metadata mode": {
			block{"ec2_metadata_service_endpoint_mode": "IPv5"},
			[]string{`ERROR: ec2_metadata_service_endpoint_mode: Invalid Attribute Value Match: `},
		},
		"metadata check": {
			block{"skip_metadata_api_check": "maybe"},
			[]string{`ERROR: skip_metadata_api_check: Invalid bool: "maybe" is neither true nor false.`},
		},
		"endpoint without scheme": {
			block{"endpoints": []any{map[string]any{"ecr": "localhost:4566"}}},
			[]string{`ERROR: endpoints.ecr: Invalid endpoint: An endpoint is a URL with scheme and host`},
		},
		"endpoint with a password": {
			block{"endpoints": []any{map[string]any{"sts": "https://user:pass@sts.example.com"}}},
			[]string{`ERROR: endpoints.sts: Invalid endpoint: An endpoint holds no user and no password`},
		},
		"endpoint with a query": {
			block{"endpoints": []any{map[string]any{"ssm": "https://ssm.example.com/?a=b"}}},
			[]string{`ERROR: endpoints.ssm: Invalid endpoint: An endpoint has no query`},
		},
		"two endpoints": {
			block{"endpoints": []any{map[string]any{"lambda": "https://b.example.com"}, map[string]any{"lambda": "https://a.example.com"}}},
			[]string{`ERROR: endpoints: Two endpoints for one service: The endpoints blocks give two URLs for lambda: https://a.example.com and https://b.example.com. Leave one of them.`},
		},
		"proxy without scheme": {
			block{"https_proxy": "proxy.example.com:3128"},
			[]string{`ERROR: https_proxy: Invalid proxy: `},
		},
		"proxy of a strange kind": {
			block{"https_proxy": "ftp://proxy.example.com"},
			[]string{`ERROR: https_proxy: Invalid proxy: The proxy's scheme is "ftp"; http, https and socks5 are supported.`},
		},
		"two web identities": {
			block{"assume_role_with_web_identity": []any{map[string]any{}, map[string]any{}}},
			[]string{`ERROR: assume_role_with_web_identity: Invalid Attribute Value: Attribute assume_role_with_web_identity list must contain at most 1 elements, got: 2`},
		},
		"token and token file": {
			block{"assume_role_with_web_identity": []any{map[string]any{"web_identity_token": "token", "web_identity_token_file": "file"}}},
			[]string{
				`ERROR: assume_role_with_web_identity[0].web_identity_token: Invalid Attribute Combination: `,
				`ERROR: assume_role_with_web_identity[0].web_identity_token_file: Invalid Attribute Combination: `,
			},
		},
		"role that is no ARN": {
			role(block{"role_arn": "deploy"}),
			[]string{`ERROR: assume_role[0].role_arn: Invalid ARN: "deploy" is not an ARN, such as`},
		},
		"short session": {
			role(block{"duration": "5m"}),
			[]string{`ERROR: assume_role[0].duration: Invalid duration: A role session lives from 15 minutes to 12 hours, not 5m.`},
		},
		"session in seconds": {
			role(block{"duration": "3600"}),
			[]string{`ERROR: assume_role[0].duration: Invalid duration: "3600" is not a duration, such as`},
		},
		"session name": {
			role(block{"session_name": "two words"}),
			[]string{`ERROR: assume_role[0].session_name: Invalid session name: "two words" must be 2 to 64 letters`},
		},
		"source identity": {
			role(block{"source_identity": "x"}),
			[]string{`ERROR: assume_role[0].source_identity: Invalid session name: `},
		},
		"external id": {
			role(block{"external_id": "semi;colon"}),
			[]string{`ERROR: assume_role[0].external_id: Invalid external ID: "semi;colon" must be 2 to 1224 letters`},
		},
		"policy": {
			role(block{"policy": "Allow"}),
			[]string{`ERROR: assume_role[0].policy: Invalid policy: The policy is not a JSON object`},
		},
		"policy ARN": {
			role(block{"policy_arns": []any{"ReadOnlyAccess"}}),
			[]string{`ERROR: assume_role[0].policy_arns: Invalid ARN: "ReadOnlyAccess" is not an ARN`},
		},
		"one block without a role": {
			block{"assume_role": []any{map[string]any{"session_name": "session"}}},
			[]string{`WARNING: assume_role[0].role_arn: No role to assume: `},
		},
		"one block with an unknown role": {block{"assume_role": []any{map[string]any{"role_arn": unknown}}}, nil},
		"chain with a gap": {
			block{"assume_role": []any{map[string]any{"role_arn": "arn:aws:iam::123456789012:role/r"}, map[string]any{"role_arn": ""}}},
			[]string{`ERROR: assume_role[1].role_arn: No role to assume: Block 2 of 2 in the chain of assume_role blocks has no role_arn. Set it, or remove the block.`},
		},
		"unknown blocks": {
			block{"assume_role": unknown, "assume_role_with_web_identity": unknown, "endpoints": unknown, "allowed_account_ids": unknown}, nil,
		},
	}
	p := serve(t)
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := p.validate(test.block)
			ok := slices.EqualFunc(got, test.want, strings.HasPrefix)
			if !ok {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}

// TestURLErrorsKeepPasswords looks at the arguments that can hold a secret
// without being one.
func TestURLErrorsKeepPasswords(t *testing.T) {
	t.Parallel()
	got := serve(t).validate(block{
		"https_proxy": "ftp://user:proxy-password@proxy.example.com", "http_proxy": "http://user:proxy-password@proxy:port",
		"endpoints": []any{map[string]any{"ecr": "https://user:proxy-password@ecr.example.com"}},
	})
	if len(got) != 3 || strings.Contains(strings.Join(got, ""), "proxy-password") {
		t.Errorf("got %q", got)
	}
}

func TestMissingHTTPSProxy(t *testing.T) {
	for _, name := range []string{"HTTPS_PROXY", "https_proxy"} {
		t.Setenv(name, "")
	}
	p := serve(t)
	const warning = "WARNING: http_proxy: No proxy for HTTPS: "
	if got := p.validate(block{"http_proxy": "http://user:proxy-password@proxy:1"}); len(got) != 1 ||
		!strings.HasPrefix(got[0], warning) || strings.Contains(got[0], "proxy-password") {
		t.Errorf("got %q", got)
	}
	if got := p.validate(block{"http_proxy": "http://proxy:1", "https_proxy": unknown}); len(got) > 0 {
		t.Errorf("got %q", got)
	}
	t.Setenv("HTTPS_PROXY", "http://proxy:2")
	if got := p.validate(block{"http_proxy": "http://proxy:1"}); len(got) > 0 {
		t.Errorf("got %q", got)
	}
}

func TestBlocksThatMeanNothing(t *testing.T) {
	t.Parallel()
	got := serve(t).configure(block{
		"assume_role":                   []any{map[string]any{"role_arn": "", "session_name": "session"}},
		"assume_role_with_web_identity": []any{map[string]any{}},
		"skip_metadata_api_check":       "false",
	})
	if got.AssumeRole != nil || got.AssumeRoleWithWebIdentity != nil {
		t.Errorf("got %+v", got)
	}
	if got.SkipMetadataAPICheck == nil || *got.SkipMetadataAPICheck {
		t.Errorf("skip_metadata_api_check: got %v", got.SkipMetadataAPICheck)
	}
}

// TestUnknownArgumentsAreNamed makes each argument unknown in turn.
func TestUnknownArgumentsAreNamed(t *testing.T) {
	t.Parallel()
	p := serve(t)
	for name := range p.schema.AttributeTypes {
		got := p.configure(block{name: unknown, "profile": "team"})
		if name == "profile" {
			got = p.configure(block{name: unknown})
		}
		if !slices.Equal(got.Unknown, []string{name}) || got.Profile != "" {
			t.Errorf("%s: unknown %v, profile %q", name, got.Unknown, got.Profile)
		}
	}

	got := p.configure(block{
		"assume_role": []any{
			map[string]any{"role_arn": unknown, "policy_arns": []any{unknown, "arn:aws:iam::aws:policy/ReadOnlyAccess"}},
			map[string]any{"tags": map[string]any{"team": unknown}},
		},
		"endpoints":           []any{map[string]any{"ecr": unknown}},
		"shared_config_files": []any{unknown},
		"region":              unknown,
	})
	want := []string{
		"assume_role[0].policy_arns", "assume_role[0].role_arn", "assume_role[1].tags", "endpoints.ecr", "region", "shared_config_files[0]",
	}
	if !slices.Equal(got.Unknown, want) {
		t.Errorf("got %v, want %v", got.Unknown, want)
	}
}

// TestArgumentsAreDescribed keeps the documentation whole.
func TestArgumentsAreDescribed(t *testing.T) {
	t.Parallel()
	check := func(at, text string) {
		if len(text) < 10 || !strings.HasSuffix(text, ".") {
			t.Errorf("%s: described as %q", at, text)
		}
	}
	s := providerSchema()
	for name, attribute := range s.Attributes {
		check(name, attribute.GetMarkdownDescription())
	}
	for name, b := range s.Blocks {
		check(name, b.GetMarkdownDescription())
		var nested map[string]schema.Attribute
		switch b := b.(type) {
		case schema.ListNestedBlock:
			nested = b.NestedObject.Attributes
		case schema.SetNestedBlock:
			nested = b.NestedObject.Attributes
		}
		for inner, attribute := range nested {
			check(name+"."+inner, attribute.GetMarkdownDescription())
		}
	}
}
