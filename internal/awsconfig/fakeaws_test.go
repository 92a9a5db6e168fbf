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
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/fakeaws"
)

// These tests go the whole way: real host names, TLS with a private CA, a
// proxy, and services that check what is signed.

const (
	ownAccount   = "123456789012"
	otherAccount = "210987654321"
)

// behindProxy starts fakeaws and returns settings that reach it as AWS, through
// its proxy.
func behindProxy(t *testing.T, opts ...fakeaws.Option) (*fakeaws.Server, awsconfig.Settings) {
	t.Helper()
	home := isolate(t)
	srv, err := fakeaws.Start(opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { srv.Close() })
	proxy := srv.URL()
	return srv, awsconfig.Settings{
		AccessKey: "AKIABLOCKBLOCKBLOCK0", SecretKey: "test-secret", Region: tokyo, MaxRetries: 2,
		HTTPSProxy: &proxy, CustomCABundle: write(t, home, "ca.pem", string(srv.CABundlePEM())),
	}
}

// repositories asks ECR, and returns who asked where.
func repositories(t *testing.T, srv *fakeaws.Server, cfg aws.Config) (fakeaws.Request, error) {
	t.Helper()
	srv.ResetRequests()
	_, err := ecr.NewFromConfig(cfg).DescribeRepositories(t.Context(), &ecr.DescribeRepositoriesInput{})
	requests := srv.RequestsTo("ecr", "DescribeRepositories")
	if len(requests) == 0 {
		return fakeaws.Request{}, err
	}
	return requests[0], err
}

// host is a request's host without the port.
func host(r fakeaws.Request) string {
	name, _, _ := strings.Cut(r.Host, ":")
	return name
}

func TestProxyAndCertificates(t *testing.T) {
	tests := map[string]struct {
		change func(set *awsconfig.Settings, setenv func(string, string))
		kind   awsconfig.Kind // "": works
	}{
		"arguments": {change: func(*awsconfig.Settings, func(string, string)) {}},
		"variables": {change: func(set *awsconfig.Settings, setenv func(string, string)) {
			setenv("HTTPS_PROXY", *set.HTTPSProxy)
			setenv("AWS_CA_BUNDLE", set.CustomCABundle)
			set.HTTPSProxy, set.CustomCABundle = nil, ""
		}},
		"http_proxy alone": {change: func(set *awsconfig.Settings, _ func(string, string)) {
			set.HTTPProxy, set.HTTPSProxy = set.HTTPSProxy, nil
		}},
		"argument over variable": {change: func(_ *awsconfig.Settings, setenv func(string, string)) {
			setenv("HTTPS_PROXY", "http://127.0.0.1:1")
		}},
		"insecure": {change: func(set *awsconfig.Settings, _ func(string, string)) {
			set.CustomCABundle, set.Insecure = "", true
		}},
		"no certificate authority": {
			change: func(set *awsconfig.Settings, _ func(string, string)) { set.CustomCABundle = "" },
			kind:   awsconfig.UntrustedCertificate,
		},
		"proxy switched off": {
			change: func(set *awsconfig.Settings, setenv func(string, string)) {
				setenv("HTTPS_PROXY", *set.HTTPSProxy)
				set.HTTPSProxy = new("")
				// Without the proxy the request must not leave this machine.
				set.Endpoints = map[string]string{awsconfig.STS: "https://127.0.0.1:1"}
			},
			kind: awsconfig.Unreachable,
		},
		"no_proxy": {
			change: func(set *awsconfig.Settings, _ func(string, string)) {
				set.NoProxy = "example.com"
				set.Endpoints = map[string]string{awsconfig.STS: "https://sts.example.com:1"}
			},
			kind: awsconfig.Unreachable,
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			srv, set := behindProxy(t)
			test.change(&set, t.Setenv)
			cfg, err := awsconfig.New(set).Config(t.Context(), "")
			if test.kind != "" {
				if !awsconfig.Is(err, test.kind) {
					t.Errorf("got %v, want an error of kind %q", err, test.kind)
				}
				if got := srv.Requests(); len(got) > 0 {
					t.Errorf("%d requests went through all the same", len(got))
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			got, err := repositories(t, srv, cfg)
			if err != nil {
				t.Fatal(err)
			}
			if host(got) != "api.ecr.ap-northeast-1.amazonaws.com" || got.Region != tokyo || got.Account != ownAccount {
				t.Errorf("asked %s (%s, %s)", got.Host, got.Region, got.Account)
			}
			if refused := srv.RefusedHosts(); len(refused) > 0 {
				t.Errorf("hosts beyond AWS: %v", refused)
			}
		})
	}
}

func TestHostsOfEveryKind(t *testing.T) {
	tests := map[string]struct {
		change func(*awsconfig.Settings)
		// Hosts of STS and ECR.
		want []string
	}{
		"China": {
			func(set *awsconfig.Settings) { set.Region = "cn-north-1" },
			[]string{"sts.cn-north-1.amazonaws.com.cn", "api.ecr.cn-north-1.amazonaws.com.cn"},
		},
		"GovCloud": {
			func(set *awsconfig.Settings) { set.Region = "us-gov-west-1" },
			[]string{"sts.us-gov-west-1.amazonaws.com", "api.ecr.us-gov-west-1.amazonaws.com"},
		},
		"dual stack": {
			func(set *awsconfig.Settings) { set.UseDualStackEndpoint = true },
			[]string{"sts.ap-northeast-1.api.aws", "ecr.ap-northeast-1.api.aws"},
		},
		"FIPS": {
			func(set *awsconfig.Settings) { set.UseFIPSEndpoint, set.Region = true, "us-east-1" },
			[]string{"sts-fips.us-east-1.amazonaws.com", "api.ecr-fips.us-east-1.amazonaws.com"},
		},
		"FIPS and dual stack": {
			func(set *awsconfig.Settings) {
				set.UseFIPSEndpoint, set.UseDualStackEndpoint, set.Region = true, true, "us-east-1"
			},
			[]string{"sts-fips.us-east-1.api.aws", "ecr-fips.us-east-1.api.aws"},
		},
		"sts_region": {
			func(set *awsconfig.Settings) { set.STSRegion = "us-east-1" },
			[]string{"sts.us-east-1.amazonaws.com", "api.ecr.ap-northeast-1.amazonaws.com"},
		},
		"region that no list knows": {
			func(set *awsconfig.Settings) { set.Region, set.SkipRegionValidation = "eu-south-9", true },
			[]string{"sts.eu-south-9.amazonaws.com", "api.ecr.eu-south-9.amazonaws.com"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			srv, set := behindProxy(t)
			test.change(&set)
			cfg, err := awsconfig.New(set).Config(t.Context(), "")
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, r := range srv.Requests() {
				got = append(got, host(r))
			}
			request, err := repositories(t, srv, cfg)
			if err != nil {
				t.Fatal(err)
			}
			if got = append(got, host(request)); !slices.Equal(got, test.want) {
				t.Errorf("asked %v, want %v", got, test.want)
			}
		})
	}
}

// TestChainOfRoles goes from one account through a second role of it into
// another account.
func TestChainOfRoles(t *testing.T) {
	srv, set := behindProxy(t)
	set.AssumeRole = []awsconfig.AssumeRole{
		{RoleARN: "arn:aws:iam::" + ownAccount + ":role/ci", SessionName: "first-hop"},
		{RoleARN: "arn:aws:iam::" + otherAccount + ":role/deploy", SessionName: "second-hop"},
	}
	set.AllowedAccountIDs = []string{otherAccount}
	source := awsconfig.New(set)
	for _, region := range []string{"", "us-east-1"} {
		cfg, err := source.Config(t.Context(), region)
		if err != nil {
			t.Fatal(err)
		}
		got, err := repositories(t, srv, cfg)
		if err != nil {
			t.Fatal(err)
		}
		if got.Account != otherAccount || !strings.HasPrefix(got.AccessKey, "ASIA") || got.Region != cfg.Region {
			t.Errorf("asked as %s of %s in %s", got.AccessKey, got.Account, got.Region)
		}
	}
	if id, err := source.AccountID(t.Context()); id != otherAccount || err != nil {
		t.Errorf("account %q, %v", id, err)
	}
}

func TestDeniedRoleInAChain(t *testing.T) {
	srv, set := behindProxy(t)
	const denied = "arn:aws:iam::" + otherAccount + ":role/deploy"
	srv.DenyAssumeRole(denied)
	set.AssumeRole = []awsconfig.AssumeRole{{RoleARN: "arn:aws:iam::" + ownAccount + ":role/ci", SessionName: "hop"}, {RoleARN: denied}}
	_, err := awsconfig.New(set).Config(t.Context(), "")
	if !awsconfig.Is(err, awsconfig.AssumeRoleFailed) {
		t.Fatalf("got %v", err)
	}
	requests := srv.RequestsTo("sts", "AssumeRole")
	for _, part := range []string{
		"STS did not give credentials for the role " + denied,
		"AWS answered to STS AssumeRole: AccessDenied: User: arn:aws:sts::" + ownAccount + ":assumed-role/ci/hop is not authorized to perform: sts:AssumeRole on resource: " + denied,
		"request id " + requests[len(requests)-1].RequestID,
	} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("no %q in %q", part, err)
		}
	}
}

func TestWebIdentityAgainstSTS(t *testing.T) {
	for _, token := range []string{"good-token", "forged-token"} {
		t.Run(token, func(t *testing.T) {
			srv, set := behindProxy(t)
			srv.AcceptWebIdentity("good-token")
			set.AccessKey, set.SecretKey = "", ""
			set.AssumeRoleWithWebIdentity = &awsconfig.AssumeRoleWithWebIdentity{
				RoleARN: "arn:aws:iam::" + otherAccount + ":role/web", WebIdentityToken: token,
			}
			cfg, err := awsconfig.New(set).Config(t.Context(), "")
			if token != "good-token" {
				if !awsconfig.Is(err, awsconfig.WebIdentityFailed) || !strings.Contains(err.Error(), "InvalidIdentityToken") || strings.Contains(err.Error(), token) {
					t.Errorf("got %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got, err := repositories(t, srv, cfg); err != nil || got.Account != otherAccount {
				t.Errorf("asked as %s, %v", got.Account, err)
			}
		})
	}
}

// TestSessionThatEnds lets the sessions of an assumed role expire on AWS's side
// while an apply runs.
func TestSessionThatEnds(t *testing.T) {
	srv, set := behindProxy(t)
	set.AssumeRole = []awsconfig.AssumeRole{{RoleARN: "arn:aws:iam::" + ownAccount + ":role/ci"}}
	cfg, err := awsconfig.New(set).Config(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	srv.ExpireCredentials()
	_, err = repositories(t, srv, cfg)
	if explained, ok := awsconfig.Explain(err); !ok || explained.Kind != awsconfig.ExpiredCredentials {
		t.Errorf("got %v, explained as %v", err, explained)
	}
}

func TestUnknownKey(t *testing.T) {
	_, set := behindProxy(t, fakeaws.WithKnownCredentialsOnly())
	_, err := awsconfig.New(set).Config(t.Context(), "")
	if !awsconfig.Is(err, awsconfig.RejectedCredentials) || !strings.Contains(err.Error(), "AWS answered to STS GetCallerIdentity: InvalidClientTokenId") {
		t.Errorf("got %v", err)
	}
}

func TestEmulator(t *testing.T) {
	srv, set := behindProxy(t, fakeaws.WithEmulatorHosts())
	t.Setenv("AWS_ENDPOINT_URL", srv.URL())
	set.HTTPSProxy, set.CustomCABundle = nil, ""
	source := awsconfig.New(set)
	cfg, err := source.Config(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	got, err := repositories(t, srv, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if got.Host != srv.Address() || got.Region != tokyo {
		t.Errorf("asked %s in %s", got.Host, got.Region)
	}
	if id, err := source.AccountID(t.Context()); id != ownAccount || err != nil {
		t.Errorf("account %q, %v", id, err)
	}
}

// TestStrangeAnswersOfSTS has everything that can come in place of an answer.
func TestStrangeAnswersOfSTS(t *testing.T) {
	kinds := map[fakeaws.FaultKind]awsconfig.Kind{
		fakeaws.FaultHTML:          awsconfig.UnexpectedAnswer,
		fakeaws.FaultNotJSON:       awsconfig.UnexpectedAnswer,
		fakeaws.FaultTruncate:      awsconfig.Unreachable,
		fakeaws.FaultDropBefore:    awsconfig.Unreachable,
		fakeaws.FaultThrottle:      awsconfig.Unavailable,
		fakeaws.FaultUnavailable:   awsconfig.Unavailable,
		fakeaws.FaultInternalError: awsconfig.Unavailable,
	}
	for kind, want := range kinds {
		for _, operation := range []string{"GetCallerIdentity", "AssumeRole"} {
			t.Run(string(kind)+" to "+operation, func(t *testing.T) {
				srv, set := behindProxy(t)
				set.MaxRetries = 1
				set.AssumeRole = []awsconfig.AssumeRole{{RoleARN: "arn:aws:iam::" + ownAccount + ":role/ci"}}
				srv.Inject(fakeaws.Fault{Service: "sts", Operation: operation, Kind: kind, Count: -1})
				source := awsconfig.New(set)
				if _, err := source.Config(t.Context(), ""); !awsconfig.Is(err, want) {
					t.Errorf("got %v, want an error of kind %q", err, want)
				}
				srv.ClearFaults()
				if _, err := source.Config(t.Context(), ""); err != nil {
					t.Errorf("afterwards: %v", err)
				}
			})
		}
	}
}
