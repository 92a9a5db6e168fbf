// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package ecrrepo

import (
	"strings"
	"testing"
)

func TestParseRepositoryURL(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		url                     string
		registryID, region, std string
		fips, dualStack         bool
	}{
		"commercial":        {"123456789012.dkr.ecr.eu-west-1.amazonaws.com/app", "123456789012", "eu-west-1", "", false, false},
		"nested name":       {"123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/sub.team/app_one__two--three", "123456789012", "eu-west-1", "", false, false},
		"China":             {"123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/app", "123456789012", "cn-north-1", "", false, false},
		"GovCloud":          {"123456789012.dkr.ecr.us-gov-west-1.amazonaws.com/app", "123456789012", "us-gov-west-1", "", false, false},
		"European sov.":     {"123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu/app", "123456789012", "eusc-de-east-1", "", false, false},
		"ISO":               {"123456789012.dkr.ecr.us-iso-east-1.c2s.ic.gov/app", "123456789012", "us-iso-east-1", "", false, false},
		"ISO-B":             {"123456789012.dkr.ecr.us-isob-east-1.sc2s.sgov.gov/app", "123456789012", "us-isob-east-1", "", false, false},
		"ISO-E":             {"123456789012.dkr.ecr.eu-isoe-west-1.cloud.adc-e.uk/app", "123456789012", "eu-isoe-west-1", "", false, false},
		"ISO-F":             {"123456789012.dkr.ecr.us-isof-south-1.csp.hci.ic.gov/app", "123456789012", "us-isof-south-1", "", false, false},
		"dual-stack":        {"123456789012.dkr-ecr.eu-west-1.on.aws/app", "123456789012", "eu-west-1", "123456789012.dkr.ecr.eu-west-1.amazonaws.com", false, true},
		"dual-stack China":  {"123456789012.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn/app", "123456789012", "cn-north-1", "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", false, true},
		"FIPS":              {"123456789012.dkr.ecr-fips.us-east-1.amazonaws.com/app", "123456789012", "us-east-1", "123456789012.dkr.ecr.us-east-1.amazonaws.com", true, false},
		"FIPS dual-stack":   {"123456789012.dkr-ecr-fips.us-east-1.on.aws/app", "123456789012", "us-east-1", "123456789012.dkr.ecr.us-east-1.amazonaws.com", true, true},
		"emulator":          {"127.0.0.1:5000/app", "", "", "", false, false},
		"emulator by name":  {"localhost/app", "", "", "", false, false},
		"emulator IPv6":     {"[::1]:4566/app", "", "", "", false, false},
		"emulator, own DNS": {"000000000000.dkr.ecr.us-east-1.localhost.localstack.cloud:4566/app", "", "", "", false, false},
		"eleven digits":     {"12345678901.dkr.ecr.eu-west-1.amazonaws.com/app", "", "", "", false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			u, err := ParseRepositoryURL(test.url)
			if err != nil {
				t.Fatal(err)
			}
			if u.String() != test.url {
				t.Errorf("String() = %q, want %q", u, test.url)
			}
			if u.RegistryID != test.registryID || u.Region != test.region || u.FIPS != test.fips || u.DualStack != test.dualStack {
				t.Errorf("got %+v", u)
			}
			if u.IsECR() != (test.registryID != "") {
				t.Errorf("IsECR() = %v", u.IsECR())
			}
			if test.std != "" && u.hostForm(false, false) != test.std {
				t.Errorf("standard host %q, want %q", u.hostForm(false, false), test.std)
			}
			if u.IsECR() && u.hostForm(u.FIPS, u.DualStack) != u.Host {
				t.Errorf("own form %q, want %q", u.hostForm(u.FIPS, u.DualStack), u.Host)
			}
		})
	}
}

func TestParseRepositoryURLRefuses(t *testing.T) {
	t.Parallel()
	const host = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
	for name, test := range map[string]struct{ url, want string }{
		"empty":               {"", "is empty"},
		"scheme":              {"https://" + host + "/app", `begins with a scheme; remove "https://"`},
		"white space":         {host + "/app ", "contains white space"},
		"tag":                 {host + "/app:latest", "names a tag"},
		"digest":              {host + "/app@sha256:abc", "names a digest"},
		"trailing slash":      {host + "/app/", "ends with a slash"},
		"upper case name":     {host + "/App", "upper-case letters"},
		"upper case host":     {strings.ToUpper(host) + "/app", "upper-case letters"},
		"public":              {"public.ecr.aws/lambda/python", "is in Amazon ECR Public"},
		"name alone":          {"app", "names no registry host"},
		"name with slash":     {"team/app", "names no registry host"},
		"host alone":          {host, "names no registry host"},
		"empty part":          {host + "/team//app", "not one that ECR takes"},
		"leading dash":        {host + "/-app", "not one that ECR takes"},
		"trailing dot":        {host + "/app.", "not one that ECR takes"},
		"three underscores":   {host + "/a___b", "not one that ECR takes"},
		"one character":       {host + "/a", "has 1 characters; ECR takes 2 to 256"},
		"257 characters":      {host + "/" + strings.Repeat("a", 257), "has 257 characters"},
		"malformed host":      {"-bad-.example.com/app", "malformed registry host"},
		"malformed port":      {"localhost:port/app", "malformed registry host"},
		"credentials in host": {"AWS:secret.example.com/app", "upper-case letters"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := ParseRepositoryURL(test.url)
			if err == nil {
				t.Fatalf("%q was accepted", test.url)
			}
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %q does not say %q", err, test.want)
			}
		})
	}
}

func TestCheckLambdaHost(t *testing.T) {
	t.Parallel()
	u, err := ParseRepositoryURL("123456789012.dkr.ecr-fips.us-east-1.amazonaws.com/app")
	if err != nil {
		t.Fatal(err)
	}
	err = u.CheckLambdaHost()
	if err == nil || !strings.Contains(err.Error(), "write 123456789012.dkr.ecr.us-east-1.amazonaws.com/app") {
		t.Errorf("got %v", err)
	}
}

func TestValidateTag(t *testing.T) {
	t.Parallel()
	for _, tag := range []string{"latest", "v1.2.3", "_x", "A-b", strings.Repeat("a", 128)} {
		if err := ValidateTag(tag); err != nil {
			t.Errorf("%q: %v", tag, err)
		}
	}
	for _, tag := range []string{"", ".x", "-x", "a b", "a+b", "a:b", "a/b", "ü", strings.Repeat("a", 129), "a\n"} {
		if err := ValidateTag(tag); err == nil || !strings.Contains(err.Error(), "is not an image tag") {
			t.Errorf("%q: got %v", tag, err)
		}
	}
}

func TestParseImageURI(t *testing.T) {
	t.Parallel()
	const (
		repository = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/app"
		digest     = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	)
	for uri, want := range map[string][2]string{
		repository:                           {"", ""},
		repository + ":v1":                   {"v1", ""},
		repository + "@" + digest:            {"", digest},
		repository + ":v1@" + digest:         {"v1", digest},
		"127.0.0.1:5000/app":                 {"", ""},
		"127.0.0.1:5000/app:v1":              {"v1", ""},
		"localhost:5000/team/app@" + digest:  {"", digest},
		"localhost:5000/app:5000@" + digest:  {"5000", digest},
		"registry.example.com:443/a-b/c:1.2": {"1.2", ""},
	} {
		got, err := ParseImageURI(uri)
		if err != nil {
			t.Errorf("%q: %v", uri, err)
			continue
		}
		if got.Tag != want[0] || got.Digest != want[1] {
			t.Errorf("%q: tag %q, digest %q", uri, got.Tag, got.Digest)
		}
	}
	for uri, want := range map[string]string{
		"":                                 "is empty",
		repository + ":":                   `"" is not an image tag`,
		repository + ":a b":                "is not an image tag",
		repository + "@sha256:abc":         "malformed digest",
		repository + "@":                   "malformed digest",
		repository + ":v1@" + digest + "@": "malformed digest",
		"app:v1":                           "names no registry host",
	} {
		if _, err := ParseImageURI(uri); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", uri, err, want)
		}
	}
}

func TestMutabilityImmutable(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		mode             string
		exclusions       []string
		tag              string
		immutable, known bool
	}{
		{"MUTABLE", nil, "v1", false, true},
		{"IMMUTABLE", nil, "v1", true, true},
		{"IMMUTABLE_WITH_EXCLUSION", []string{"latest"}, "latest", false, true},
		{"IMMUTABLE_WITH_EXCLUSION", []string{"latest"}, "v1", true, true},
		{"IMMUTABLE_WITH_EXCLUSION", []string{"dev-*", "lambdaseed-*"}, "lambdaseed-placeholder", false, true},
		{"MUTABLE_WITH_EXCLUSION", []string{"v*"}, "v1", true, true},
		{"MUTABLE_WITH_EXCLUSION", []string{"v*"}, "latest", false, true},
		{"A_MODE_OF_THE_FUTURE", []string{"v*"}, "v1", false, false},
	} {
		immutable, known := Mutability{Mode: test.mode, Exclusions: test.exclusions}.Immutable(test.tag)
		if immutable != test.immutable || known != test.known {
			t.Errorf("%s %v %q: got %v, %v", test.mode, test.exclusions, test.tag, immutable, known)
		}
	}
}

func FuzzParseImageURI(f *testing.F) {
	for _, seed := range []string{
		"123456789012.dkr.ecr.eu-west-1.amazonaws.com/app:v1",
		"127.0.0.1:5000/a/b@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"[::1]:5000/app", "public.ecr.aws/x", "::", "/", "@", "a.b/c:", "https://x/y",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := ParseImageURI(s)
		if err != nil {
			return
		}
		rebuilt := u.RepositoryURL.String()
		if u.Tag != "" {
			rebuilt += ":" + u.Tag
		}
		if u.Digest != "" {
			rebuilt += "@" + u.Digest
		}
		if rebuilt != s {
			t.Errorf("%q was read as %q", s, rebuilt)
		}
	})
}
