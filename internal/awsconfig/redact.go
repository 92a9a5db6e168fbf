// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package awsconfig

import (
	"errors"
	"os"
	"regexp"
	"strings"
)

var (
	// tokenLike matches a JSON Web Token: a user who gives the token where its
	// file is asked for would find it in "open …: file name too long".
	tokenLike = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{8,}(\.[A-Za-z0-9_-]*)*`)
	// userinfo matches user and password in a URL, such as that of a proxy,
	// even in one that does not parse.
	userinfo = regexp.MustCompile(`://[^/?#\s"]*@`)
)

// minSecret is shorter than any secret that AWS hands out, and long enough not
// to be part of an ordinary word.
const minSecret = 8

// secrets are the values that must not be in any error.
func (set Settings) secrets() []string {
	found := []string{
		set.SecretKey, set.Token, os.Getenv("AWS_SECRET_ACCESS_KEY"), os.Getenv("AWS_SECRET_KEY"),
		os.Getenv("AWS_SESSION_TOKEN"), os.Getenv("TF_AWS_WEB_IDENTITY_TOKEN"),
	}
	if set.AssumeRoleWithWebIdentity != nil {
		found = append(found, set.AssumeRoleWithWebIdentity.WebIdentityToken)
	}
	return found
}

func (set Settings) redact(text string) string {
	for _, secret := range set.secrets() {
		if len(secret) >= minSecret {
			text = strings.ReplaceAll(text, secret, "***")
		}
	}
	text = tokenLike.ReplaceAllString(text, "***")
	return userinfo.ReplaceAllString(text, "://***@")
}

// redacted takes the secrets out of an error's texts. The SDK's error stays
// reachable through Unwrap for errors.Is and errors.As; it must not be printed.
func (s *Source) redacted(err error) error {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return err
	}
	clean := *e
	clean.Summary = s.settings.redact(e.Summary)
	clean.Detail = s.settings.redact(e.Detail)
	return &clean
}
