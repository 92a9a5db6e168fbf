// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package awsconfig

import (
	"errors"
	"net/url"
	"os"
	"regexp"
	"strings"
)

// tokenLike matches a JSON Web Token: a user who gives the token where its file
// is asked for would find it in "open …: file name too long".
var tokenLike = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{8,}(\.[A-Za-z0-9_-]*)*`)

// secrets are the values that must not be in any error.
func (set Settings) secrets() []string {
	found := []string{set.SecretKey, set.Token, os.Getenv("AWS_SECRET_ACCESS_KEY"), os.Getenv("AWS_SECRET_KEY"),
		os.Getenv("AWS_SESSION_TOKEN"), os.Getenv("TF_AWS_WEB_IDENTITY_TOKEN")}
	if set.AssumeRoleWithWebIdentity != nil {
		found = append(found, set.AssumeRoleWithWebIdentity.WebIdentityToken)
	}
	for _, proxy := range []*string{set.HTTPProxy, set.HTTPSProxy} {
		if proxy == nil {
			continue
		}
		if u, err := url.Parse(*proxy); err == nil && u.User != nil {
			password, _ := u.User.Password()
			found = append(found, password, u.User.String())
		}
	}
	return found
}

func (set Settings) redact(text string) string {
	for _, secret := range set.secrets() {
		if len(secret) >= 4 {
			text = strings.ReplaceAll(text, secret, "***")
		}
	}
	return tokenLike.ReplaceAllString(text, "***")
}

// redacted takes the secrets out of an error's texts. The SDK's error stays
// reachable through Unwrap for errors.Is and errors.As; it must not be printed.
func (s *Source) redacted(err error) error {
	var e *Error
	if !errors.As(err, &e) {
		return err
	}
	clean := *e
	clean.Summary = s.settings.redact(e.Summary)
	clean.Detail = s.settings.redact(e.Detail)
	return &clean
}
