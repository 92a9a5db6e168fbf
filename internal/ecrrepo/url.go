// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package ecrrepo

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// RepositoryURL is a parsed repository URL, the form of the attribute
// repository_url of hashicorp/aws: a registry host, a slash and a name.
type RepositoryURL struct {
	// Host is the registry's host as written, with its port if it has one.
	Host string
	// Name is the repository's name, "team/app".
	Name string
	// RegistryID is the account that the host names, twelve digits, or "" for
	// a host that is not of ECR's pattern (an emulator).
	RegistryID string
	// Region is the region that the host names, or "".
	Region string
	// FIPS and DualStack tell which of ECR's host forms was written.
	FIPS, DualStack bool

	// suffix is the partition's domain, "amazonaws.com" for instance.
	suffix string
}

// ecrHost matches the hosts of private ECR registries of every partition.
// Source: the pattern of amazon-ecr-credential-helper, v0.12.0.
var ecrHost = regexp.MustCompile(`^([0-9]{12})\.dkr([.-])ecr(-fips)?\.([a-z0-9][a-z0-9-]*)\.` +
	`(amazonaws\.com(?:\.cn)?|amazonaws\.eu|on\.aws|on\.amazonwebservices\.com\.cn|` +
	`sc2s\.sgov\.gov|c2s\.ic\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov)$`)

// repositoryPart is one component of a name; consecutive hyphens and a double
// underscore are allowed inside (ECR API reference, CreateRepository).
var repositoryPart = regexp.MustCompile(`^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$`)

// tagPattern is what the registry API accepts as a tag: at most 128
// characters (OCI distribution specification), fewer than the 300 of ECR's
// service model, because the registry answers 400 to anything else.
var tagPattern = regexp.MustCompile(`^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$`)

var digestPattern = regexp.MustCompile(`^sha256:[a-f0-9]{64}$`)

var registryHost = regexp.MustCompile(`^(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|\[[0-9a-f:]+\])(?::[0-9]{1,5})?$`)

// ParseRepositoryURL parses a repository URL. The error says what is wrong
// with it, what was expected, and what to do. FIPS hosts parse; whether one
// may be used is the caller's decision.
func ParseRepositoryURL(s string) (RepositoryURL, error) {
	const expected = `expected the form HOST/NAME, such as 123456789012.dkr.ecr.eu-west-1.amazonaws.com/app: ` +
		`the repository_url attribute of an aws_ecr_repository`

	switch {
	case s == "":
		return RepositoryURL{}, fmt.Errorf("the repository URL is empty; %s", expected)
	case strings.Contains(s, "://"):
		return RepositoryURL{}, fmt.Errorf("the repository URL %q begins with a scheme; remove %q; %s", s, s[:strings.Index(s, "://")+3], expected)
	case strings.ContainsAny(s, " \t\r\n"):
		return RepositoryURL{}, fmt.Errorf("the repository URL %q contains white space; %s", s, expected)
	case strings.Contains(s, "@"):
		return RepositoryURL{}, fmt.Errorf("the repository URL %q names a digest; remove everything from the \"@\"; %s", s, expected)
	case strings.HasSuffix(s, "/"):
		return RepositoryURL{}, fmt.Errorf("the repository URL %q ends with a slash; remove it; %s", s, expected)
	}

	host, name, found := strings.Cut(s, "/")
	if !found || !looksLikeHost(host) {
		return RepositoryURL{}, fmt.Errorf("the repository URL %q names no registry host; %s", s, expected)
	}
	if host != strings.ToLower(host) || name != strings.ToLower(name) {
		return RepositoryURL{}, fmt.Errorf("the repository URL %q contains upper-case letters, which ECR does not allow in a repository name; %s", s, expected)
	}
	if strings.Contains(name, ":") {
		return RepositoryURL{}, fmt.Errorf("the repository URL %q names a tag; remove everything from the last \":\" and set the tag in its own argument; %s", s, expected)
	}
	if host == "public.ecr.aws" {
		return RepositoryURL{}, fmt.Errorf("the repository URL %q is in Amazon ECR Public, which Lambda does not run images from; use a private ECR repository in the function's region; %s", s, expected)
	}
	if !registryHost.MatchString(host) {
		return RepositoryURL{}, fmt.Errorf("the repository URL %q has the malformed registry host %q; %s", s, host, expected)
	}
	if err := ValidateRepositoryName(name); err != nil {
		return RepositoryURL{}, fmt.Errorf("the repository URL %q: %w", s, err)
	}

	u := RepositoryURL{Host: host, Name: name}
	if m := ecrHost.FindStringSubmatch(host); m != nil {
		u.RegistryID, u.DualStack, u.FIPS, u.Region, u.suffix = m[1], m[2] == "-", m[3] != "", m[4], m[5]
	}
	return u, nil
}

// looksLikeHost tells a registry host from the first part of a bare name, as
// docker does.
func looksLikeHost(s string) bool {
	return s == "localhost" || strings.ContainsAny(s, ".:")
}

// ValidateRepositoryName tells whether ECR takes the name.
func ValidateRepositoryName(name string) error {
	if n := len(name); n < 2 || n > 256 {
		return fmt.Errorf("the repository name %q has %d characters; ECR takes 2 to 256", name, n)
	}
	for part := range strings.SplitSeq(name, "/") {
		if !repositoryPart.MatchString(part) {
			return fmt.Errorf("the repository name %q is not one that ECR takes: lower-case letters and digits, "+
				"separated by \".\", \"_\", \"__\", \"-\" or \"/\", beginning and ending with a letter or digit", name)
		}
	}
	return nil
}

// ValidateTag tells whether a registry takes the tag.
func ValidateTag(tag string) error {
	if tagPattern.MatchString(tag) {
		return nil
	}
	return fmt.Errorf("%q is not an image tag: expected 1 to 128 letters, digits, \".\", \"_\" or \"-\", beginning with a letter, a digit or \"_\"", tag)
}

// IsECR reports whether the host is of ECR's pattern and so names its account
// and region.
func (u RepositoryURL) IsECR() bool { return u.RegistryID != "" }

// String returns the URL as it was written, or the name alone where the host is
// not known.
func (u RepositoryURL) String() string {
	if u.Host == "" {
		return u.Name
	}
	return u.Host + "/" + u.Name
}

// TagURI returns HOST/NAME:TAG.
func (u RepositoryURL) TagURI(tag string) string { return u.String() + ":" + tag }

// DigestURI returns HOST/NAME@DIGEST. Lambda refuses a URI with both a tag and
// a digest, so there is no such form here.
func (u RepositoryURL) DigestURI(digest string) string { return u.String() + "@" + digest }

// hostForm returns the host of the same registry in another form. The FIPS and
// dual-stack names follow the same pattern in every partition that has them
// (source: the pattern of amazon-ecr-credential-helper, v0.12.0).
func (u RepositoryURL) hostForm(fips, dualStack bool) string {
	service, suffix := "dkr.ecr", u.suffix
	switch {
	case dualStack && (suffix == "amazonaws.com"):
		suffix = "on.aws"
	case dualStack && (suffix == "amazonaws.com.cn"):
		suffix = "on.amazonwebservices.com.cn"
	case !dualStack && suffix == "on.aws":
		suffix = "amazonaws.com"
	case !dualStack && suffix == "on.amazonwebservices.com.cn":
		suffix = "amazonaws.com.cn"
	}
	if dualStack {
		service = "dkr-ecr"
	}
	if fips {
		service += "-fips"
	}
	return u.RegistryID + "." + service + "." + u.Region + "." + suffix
}

// sameRegistry reports whether another host is this URL's registry in one of
// ECR's forms: same account, region and partition.
func (u RepositoryURL) sameRegistry(host string) bool {
	if strings.EqualFold(u.Host, host) {
		return true
	}
	o, err := ParseRepositoryURL(strings.ToLower(host) + "/" + u.Name)
	return err == nil && u.IsECR() && o.IsECR() && u.hostForm(false, false) == o.hostForm(false, false)
}

// ImageURI is a parsed image URI: a repository and a tag, a digest, both or
// neither.
type ImageURI struct {
	RepositoryURL
	// Tag and Digest are "" where the URI has none.
	Tag, Digest string
}

// ParseImageURI parses HOST/NAME[:TAG][@DIGEST].
func ParseImageURI(s string) (ImageURI, error) {
	rest, digest, hasDigest := strings.Cut(s, "@")
	if hasDigest && !digestPattern.MatchString(digest) {
		return ImageURI{}, fmt.Errorf("the image URI %q has the malformed digest %q; expected sha256: and 64 hexadecimal digits in lower case", s, digest)
	}
	repository, tag := rest, ""
	if i := strings.LastIndex(rest, ":"); i > strings.LastIndex(rest, "/") && strings.Contains(rest, "/") {
		repository, tag = rest[:i], rest[i+1:]
		if err := ValidateTag(tag); err != nil {
			return ImageURI{}, fmt.Errorf("the image URI %q: %w", s, err)
		}
	}
	u, err := ParseRepositoryURL(repository)
	if err != nil {
		return ImageURI{}, err
	}
	return ImageURI{RepositoryURL: u, Tag: tag, Digest: digest}, nil
}

// ErrFIPSHost is returned by CheckLambdaHost for a FIPS registry host.
var ErrFIPSHost = errors.New("FIPS registry host")

// CheckLambdaHost returns an error for a host that Lambda refuses in an image
// URI: FIPS hosts (source: Lambda developer guide, "Create a Lambda function
// using a container image").
func (u RepositoryURL) CheckLambdaHost() error {
	if !u.FIPS {
		return nil
	}
	return fmt.Errorf("the repository URL %q has a %w, which Lambda refuses in an image URI; write %s: "+
		"with use_fips_endpoint in the provider block the push itself still goes over FIPS", u, ErrFIPSHost, u.hostForm(false, u.DualStack)+"/"+u.Name)
}
