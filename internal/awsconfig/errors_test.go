// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package awsconfig_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecr"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/awsconfig"
)

func TestErrors(t *testing.T) {
	role := []awsconfig.AssumeRole{
		{RoleARN: "arn:aws:iam::123456789012:role/first"},
		{RoleARN: "arn:aws:iam::123456789012:role/second", ExternalID: "external"},
	}
	const sso = "[default]\nregion = ap-northeast-1\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = dev\n" +
		"[sso-session corp]\nsso_region = ap-northeast-1\nsso_start_url = https://corp.awsapps.com/start\n"
	tests := map[string]struct {
		// refuse is an operation and the code that it is refused with.
		refuse, code string
		change       func(set *awsconfig.Settings)
		env          map[string]string
		config       string
		kind         awsconfig.Kind
		// text is what the error has to say, in order.
		text []string
	}{
		"no credentials": {
			change: func(set *awsconfig.Settings) { set.AccessKey, set.SecretKey = "", "" },
			kind:   awsconfig.NoCredentials,
			text: []string{
				"No AWS credentials: No credentials were found", "Likely causes:", "AWS_ACCESS_KEY_ID",
				"In the words of the AWS SDK: failed to refresh cached credentials, no EC2 IMDS role found",
			},
		},
		"metadata service switched off": {
			change: func(set *awsconfig.Settings) {
				set.AccessKey, set.SecretKey, set.SkipMetadataAPICheck = "", "", new(true)
			},
			kind: awsconfig.NoCredentials,
			text: []string{"No AWS credentials", "access disabled to EC2 IMDS"},
		},
		"expired SSO": {
			change: func(set *awsconfig.Settings) { set.AccessKey, set.SecretKey = "", "" },
			config: sso,
			kind:   awsconfig.ExpiredLogin,
			text:   []string{"AWS login session expired: The profile signs in through IAM Identity Center", "aws sso login", "Likely causes:", "In the words of the AWS SDK:", "SSO token"},
		},
		"expired token": {
			refuse: "GetCallerIdentity", code: "ExpiredToken",
			kind: awsconfig.ExpiredCredentials,
			text: []string{"AWS credentials expired: ", "Likely causes:", "AWS answered to STS GetCallerIdentity: ExpiredToken: no, in AWS's words (HTTP 403, request id req-refused)"},
		},
		"rejected key": {
			refuse: "GetCallerIdentity", code: "InvalidClientTokenId",
			kind: awsconfig.RejectedCredentials,
			text: []string{"AWS rejects the credentials: ", "another partition", "InvalidClientTokenId", "req-refused"},
		},
		"STS not enabled in the region": {
			refuse: "GetCallerIdentity", code: "RegionDisabledException",
			kind: awsconfig.WrongRegion,
			text: []string{"AWS region not enabled for STS", "sts_region", "RegionDisabledException", "req-refused"},
		},
		"whoami denied": {
			refuse: "GetCallerIdentity", code: "AccessDenied",
			kind: awsconfig.Other,
			text: []string{"Cannot validate the AWS credentials", "a policy denies sts:GetCallerIdentity", "AccessDenied", "req-refused"},
		},
		"denied AssumeRole": {
			refuse: "AssumeRole", code: "AccessDenied",
			change: func(set *awsconfig.Settings) { set.AssumeRole = role },
			kind:   awsconfig.AssumeRoleFailed,
			text: []string{
				"IAM role cannot be assumed: STS did not give credentials for the role arn:aws:iam::123456789012:role/first.",
				"Likely causes:", "trust policy", "AWS answered to STS AssumeRole: AccessDenied: no, in AWS's words (HTTP 403, request id req-refused)",
			},
		},
		"expired token before AssumeRole": {
			refuse: "AssumeRole", code: "ExpiredToken",
			change: func(set *awsconfig.Settings) { set.AssumeRole = role },
			kind:   awsconfig.ExpiredCredentials,
			text:   []string{"AWS credentials expired", "AWS answered to STS AssumeRole: ExpiredToken"},
		},
		"denied role of a profile": {
			refuse: "AssumeRole", code: "AccessDenied",
			change: func(set *awsconfig.Settings) { set.AccessKey, set.SecretKey, set.Profile = "", "", "chained" },
			config: configFile + "\n[profile team]\naws_access_key_id = AKIATEAM\naws_secret_access_key = x\n",
			kind:   awsconfig.AssumeRoleFailed,
			text:   []string{"IAM role cannot be assumed", "AWS answered to STS AssumeRole: AccessDenied"},
		},
		"denied web identity": {
			refuse: "AssumeRoleWithWebIdentity", code: "AccessDenied",
			change: func(set *awsconfig.Settings) {
				set.AccessKey, set.SecretKey = "", ""
				set.AssumeRoleWithWebIdentity = &awsconfig.AssumeRoleWithWebIdentity{RoleARN: "arn:aws:iam::123456789012:role/web", WebIdentityToken: "eyJhbGciOi.eyJzdWIi.c2ln"}
			},
			kind: awsconfig.WebIdentityFailed,
			text: []string{
				"IAM role cannot be assumed with the web identity token: STS did not give credentials for the role arn:aws:iam::123456789012:role/web.",
				"audience", "AWS answered to STS AssumeRoleWithWebIdentity: AccessDenied", "req-refused",
			},
		},
		"token instead of its file": {
			change: func(set *awsconfig.Settings) { set.AccessKey, set.SecretKey = "", "" },
			env:    map[string]string{"AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/web", "AWS_WEB_IDENTITY_TOKEN_FILE": "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJvcmcifQ.c2lnbmF0dXJl"},
			kind:   awsconfig.WebIdentityFailed,
			text:   []string{"IAM role cannot be assumed with the web identity token", "its file is missing", "In the words of the AWS SDK:", "***"},
		},
		"web identity without a role": {
			change: func(set *awsconfig.Settings) {
				set.AssumeRoleWithWebIdentity = &awsconfig.AssumeRoleWithWebIdentity{WebIdentityToken: "token"}
			},
			kind: awsconfig.InvalidConfiguration,
			text: []string{"No role in assume_role_with_web_identity: ", "AWS_ROLE_ARN"},
		},
		"web identity without a token": {
			change: func(set *awsconfig.Settings) {
				set.AssumeRoleWithWebIdentity = &awsconfig.AssumeRoleWithWebIdentity{RoleARN: "arn:aws:iam::123456789012:role/web"}
			},
			kind: awsconfig.InvalidConfiguration,
			text: []string{"No token in assume_role_with_web_identity: ", "AWS_WEB_IDENTITY_TOKEN_FILE"},
		},
		"two tokens in the environment": {
			change: func(set *awsconfig.Settings) {
				set.AssumeRoleWithWebIdentity = &awsconfig.AssumeRoleWithWebIdentity{RoleARN: "arn:aws:iam::123456789012:role/web"}
			},
			env:  map[string]string{"AWS_WEB_IDENTITY_TOKEN_FILE": "file", "TF_AWS_WEB_IDENTITY_TOKEN": "the-other-token"},
			kind: awsconfig.InvalidConfiguration,
			text: []string{"Two tokens in assume_role_with_web_identity: Only one of"},
		},
		"missing profile": {
			change: func(set *awsconfig.Settings) { set.AccessKey, set.SecretKey, set.Profile = "", "", "nobody" },
			kind:   awsconfig.MissingProfile,
			text:   []string{`AWS profile not found: There is no profile "nobody"`, "AWS_PROFILE", "failed to get shared config profile, nobody"},
		},
		"no region": {
			change: func(set *awsconfig.Settings) { set.Region = "" },
			kind:   awsconfig.MissingRegion,
			text:   []string{"No AWS region: ", "AWS_REGION"},
		},
		"wrong region in the block": {
			change: func(set *awsconfig.Settings) { set.Region = "ap-northeast-1a" },
			kind:   awsconfig.WrongRegion,
			text:   []string{`Invalid AWS region: There is no AWS region "ap-northeast-1a"`, "an availability zone", "skip_region_validation"},
		},
		"wrong region in the environment": {
			change: func(set *awsconfig.Settings) { set.Region = "" },
			env:    map[string]string{"AWS_REGION": "tokyo"},
			kind:   awsconfig.WrongRegion,
			text:   []string{`There is no AWS region "tokyo"`},
		},
		"account not allowed": {
			change: func(set *awsconfig.Settings) { set.AllowedAccountIDs = []string{"210987654321", "000000000000"} },
			kind:   awsconfig.WrongAccount,
			text:   []string{"Wrong AWS account: The credentials belong to account 123456789012", "allowed_account_ids lists 210987654321, 000000000000", "another profile"},
		},
		"account forbidden": {
			change: func(set *awsconfig.Settings) { set.ForbiddenAccountIDs = []string{"123456789012"} },
			kind:   awsconfig.WrongAccount,
			text:   []string{"Wrong AWS account: ", "forbidden_account_ids lists it"},
		},
		"nobody listens": {
			change: func(set *awsconfig.Settings) {
				set.Endpoints = map[string]string{awsconfig.STS: "http://127.0.0.1:1"}
				set.MaxRetries = 1
			},
			kind: awsconfig.Unreachable,
			text: []string{"AWS cannot be reached: The connection failed.", "https_proxy", "connection refused"},
		},
		"CA bundle missing": {
			change: func(set *awsconfig.Settings) { set.CustomCABundle = "/nowhere/ca.pem" },
			kind:   awsconfig.InvalidConfiguration,
			text:   []string{"Invalid AWS configuration: ", "reading custom CA bundle: open /nowhere/ca.pem"},
		},
		"attempts not a number": {
			env:  map[string]string{"AWS_MAX_ATTEMPTS": "many"},
			kind: awsconfig.InvalidConfiguration,
			text: []string{"Invalid AWS configuration: ", "AWS_MAX_ATTEMPTS"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			home := isolate(t)
			s := newStub(t)
			s.answer(test.refuse, test.code)
			t.Setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", s.URL)
			for name, value := range test.env {
				t.Setenv(name, value)
			}
			write(t, home, ".aws/config", test.config)
			set := keys(s)
			if test.change != nil {
				test.change(&set)
			}

			_, err := awsconfig.New(set).Config(t.Context(), "")
			if !awsconfig.Is(err, test.kind) {
				t.Fatalf("got %v, want an error of kind %q", err, test.kind)
			}
			rest := err.Error()
			for _, part := range test.text {
				_, after, found := strings.Cut(rest, part)
				if !found {
					t.Fatalf("%q does not follow in %q", part, err)
				}
				rest = after
			}
			for _, secret := range []string{"block-secret", "eyJ"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("the error tells %q: %s", secret, err)
				}
			}
		})
	}
}

func TestUntrustedCertificate(t *testing.T) {
	isolate(t)
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	set := awsconfig.Settings{
		AccessKey: "AKIABLOCK", SecretKey: "x", Region: tokyo, MaxRetries: 1,
		Endpoints: map[string]string{awsconfig.STS: server.URL},
	}
	_, err := awsconfig.New(set).Config(t.Context(), "")
	if !awsconfig.Is(err, awsconfig.UntrustedCertificate) || !strings.Contains(err.Error(), "custom_ca_bundle") {
		t.Errorf("got %v", err)
	}
}

// TestProxyPasswordStaysSecret provokes errors that hold a proxy's URL.
func TestProxyPasswordStaysSecret(t *testing.T) {
	for name, proxy := range map[string]string{
		"unreachable": "http://user:proxy-password@127.0.0.1:1",
		"unparsable":  "http://user:proxy-password@proxy:port",
	} {
		t.Run(name, func(t *testing.T) {
			isolate(t)
			set := awsconfig.Settings{AccessKey: "AKIABLOCK", SecretKey: "x", Region: tokyo, MaxRetries: 1, HTTPSProxy: &proxy}
			_, err := awsconfig.New(set).Config(t.Context(), "")
			if err == nil || strings.Contains(err.Error(), "proxy-password") {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestExplainLater covers credentials that fail long after they were found.
func TestExplainLater(t *testing.T) {
	tests := map[string]struct {
		code string
		kind awsconfig.Kind
	}{
		"expired":     {"ExpiredTokenException", awsconfig.ExpiredCredentials},
		"deactivated": {"UnrecognizedClientException", awsconfig.RejectedCredentials},
		"denied":      {"AccessDeniedException", ""},
		"missing":     {"RepositoryNotFoundException", ""},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			isolate(t)
			s := newStub(t)
			cfg, err := awsconfig.New(keys(s)).Config(t.Context(), "")
			if err != nil {
				t.Fatal(err)
			}
			s.answer("GetAuthorizationToken", test.code)
			_, err = ecr.NewFromConfig(cfg).GetAuthorizationToken(t.Context(), nil)
			explained, ok := awsconfig.Explain(err)
			if ok != (test.kind != "") {
				t.Fatalf("explained as %v", explained)
			}
			if ok && explained.Kind != test.kind {
				t.Errorf("explained as %s, want %s", explained.Kind, test.kind)
			}
			if ok && !errors.Is(explained, err) {
				t.Error("the SDK's error is lost")
			}
		})
	}
}

func TestConfigFilesMayBeMissing(t *testing.T) {
	home := isolate(t)
	s := newStub(t)
	set := keys(s)
	set.SharedConfigFiles = []string{filepath.Join(home, "missing")}
	if _, err := awsconfig.New(set).Config(t.Context(), ""); err != nil {
		t.Error(err)
	}
}
