// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/hashicorp/terraform-plugin-framework/path"
)

// pathName writes a path as a user would: names, and the numbers of list
// elements. An element of a set has no name but its value, which would repeat
// what may be a secret.
func pathName(p path.Path) string {
	var b strings.Builder
	for _, step := range p.Steps() {
		switch step := step.(type) {
		case path.PathStepAttributeName:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(string(step))
		case path.PathStepElementKeyInt:
			fmt.Fprintf(&b, "[%d]", step)
		case path.PathStepElementKeyString:
			fmt.Fprintf(&b, "[%q]", string(step))
		}
	}
	return b.String()
}

// unlessEmpty leaves "" alone: hashicorp/aws takes it for "not configured", and
// so do the modules that people copy.
func unlessEmpty(check func(string) error) func(string) error {
	return func(value string) error {
		if value == "" {
			return nil
		}
		return check(value)
	}
}

// validEndpoint accepts the URL of an API. Plain HTTP is accepted on any host:
// emulators in a container network have names, not loopback addresses. (The
// registry is stricter, because a password goes there.)
var validEndpoint = stringCheck{
	summary:     "Invalid endpoint",
	description: "must be an http or https URL",
	check: unlessEmpty(func(value string) error {
		u, err := url.Parse(value)
		switch {
		case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
			return errors.New("an endpoint is a URL with scheme and host, such as https://ecr.example.com or http://localhost:4566")
		case u.User != nil:
			return errors.New("an endpoint holds no user and no password: requests are signed with the AWS credentials")
		case u.RawQuery != "" || u.Fragment != "":
			return errors.New("an endpoint has no query (?) and no fragment (#)")
		}
		return nil
	}),
}

// validProxy accepts the URL of a proxy. Its errors do not repeat the value,
// which may hold a password.
var validProxy = stringCheck{
	summary:     "Invalid proxy",
	description: "must be the URL of a proxy, or empty",
	check: unlessEmpty(func(value string) error {
		u, err := url.Parse(value)
		if err != nil || u.Host == "" {
			return errors.New("a proxy is a URL with scheme and host, such as http://proxy.example.com:3128; " +
				"special characters in its user or password are written with percent signs (%40 for @)")
		}
		if !slices.Contains([]string{"http", "https", "socks5", "socks5h"}, u.Scheme) {
			return fmt.Errorf("the proxy's scheme is %q; http, https and socks5 are supported", u.Scheme)
		}
		return nil
	}),
}

var validARN = stringCheck{
	summary:     "Invalid ARN",
	description: "must be an ARN",
	check: unlessEmpty(func(value string) error {
		parsed, err := arn.Parse(value)
		if err != nil || parsed.Partition == "" || parsed.Service == "" || parsed.Resource == "" {
			return fmt.Errorf("%q is not an ARN, such as arn:aws:iam::123456789012:role/deploy", value)
		}
		return nil
	}),
}

// validSessionDuration accepts the life time of a role session (source: STS API
// reference, AssumeRole, DurationSeconds).
var validSessionDuration = stringCheck{
	summary:     "Invalid duration",
	description: "must be a duration from 15 minutes to 12 hours, such as 1h30m",
	check: unlessEmpty(func(value string) error {
		d, err := time.ParseDuration(value)
		if err != nil {
			return fmt.Errorf("%q is not a duration, such as 1h, 2h45m or 30m15s", value)
		}
		if d < 15*time.Minute || d > 12*time.Hour {
			return fmt.Errorf("a role session lives from 15 minutes to 12 hours, not %s", value)
		}
		return nil
	}),
}

// validSessionName serves the name and the source identity of a session
// (source: STS API reference, AssumeRole, RoleSessionName and SourceIdentity).
var validSessionName = matching("Invalid session name", regexp.MustCompile(`^[\w+=,.@-]{2,64}$`),
	"2 to 64 letters, digits and _ + = , . @ -")

// validExternalID is checked as STS does (source: STS API reference,
// AssumeRole, ExternalId).
var validExternalID = matching("Invalid external ID", regexp.MustCompile(`^[\w+=,.@:/-]{2,}$`),
	"2 to 1224 letters, digits and _ + = , . @ : / -")

func matching(summary string, pattern *regexp.Regexp, words string) stringCheck {
	return stringCheck{
		summary:     summary,
		description: "must be " + words,
		check: unlessEmpty(func(value string) error {
			if !pattern.MatchString(value) {
				return fmt.Errorf("%q must be %s", value, words)
			}
			return nil
		}),
	}
}

var validPolicy = stringCheck{
	summary:     "Invalid policy",
	description: "must be a JSON object",
	check: unlessEmpty(func(value string) error {
		var object map[string]json.RawMessage
		if err := json.Unmarshal([]byte(value), &object); err != nil {
			return fmt.Errorf("the policy is not a JSON object (%w); the function jsonencode writes one", err)
		}
		return nil
	}),
}

// validBool accepts what Terraform makes of a bool in a string attribute, and
// the other spellings that hashicorp/aws accepts.
var validBool = stringCheck{
	summary:     "Invalid bool",
	description: "must be true or false",
	check: unlessEmpty(func(value string) error {
		if _, err := strconv.ParseBool(value); err != nil {
			return fmt.Errorf("%q is neither true nor false", value)
		}
		return nil
	}),
}
