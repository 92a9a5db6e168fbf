// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package awsconfig

import (
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/aws-sdk-go-base/v2/validation"
)

// UnknownArgumentsError says that the provider block holds values that
// Terraform will only know after the apply, so that there is nothing to sign a
// request with. Other credentials are never used in their place.
type UnknownArgumentsError struct {
	// Arguments are named as a user writes them.
	Arguments []string
}

// Error names the arguments.
func (e *UnknownArgumentsError) Error() string {
	return "the provider's configuration is not known yet: " + strings.Join(e.Arguments, ", ")
}

// IsUnknownArguments reports whether err is, or wraps, an UnknownArgumentsError.
func IsUnknownArguments(err error) bool {
	_, ok := errors.AsType[*UnknownArgumentsError](err)
	return ok
}

// Error is a failure to get from the provider block to usable credentials, in
// words for a Terraform diagnostic.
type Error struct {
	// Kind tells the causes apart.
	Kind Kind
	// Summary is one line.
	Summary string
	// Detail says what happened, the likely causes, and ends with AWS's own
	// words: code, message, HTTP status and request id.
	Detail string

	err error
}

// Kind is a cause of failure.
type Kind string

// The causes that have an error of their own.
const (
	// NoCredentials: none of the places where credentials are looked for has any.
	NoCredentials Kind = "no credentials"
	// ExpiredCredentials: temporary credentials are over their time.
	ExpiredCredentials Kind = "expired credentials"
	// RejectedCredentials: AWS does not know the key, or the secret is not its.
	RejectedCredentials Kind = "rejected credentials"
	// ExpiredLogin: the IAM Identity Center (SSO) or console session is over.
	ExpiredLogin Kind = "expired login"
	// MissingProfile: the named profile is in no shared file.
	MissingProfile Kind = "missing profile"
	// AssumeRoleFailed: STS refuses a role.
	AssumeRoleFailed Kind = "role not assumed"
	// WebIdentityFailed: STS refuses a role for a web identity token, or there is no token.
	WebIdentityFailed Kind = "web identity role not assumed"
	// WrongAccount: the account is not among the allowed, or is forbidden.
	WrongAccount Kind = "wrong account"
	// MissingRegion: no region is configured anywhere.
	MissingRegion Kind = "missing region"
	// WrongRegion: the region does not exist, or the account has not enabled it.
	WrongRegion Kind = "wrong region"
	// Unreachable: the network does not lead to AWS.
	Unreachable Kind = "unreachable"
	// Unavailable: STS is there, but has no time or no answer now.
	Unavailable Kind = "unavailable"
	// UnexpectedAnswer: what answers does not speak like STS.
	UnexpectedAnswer Kind = "unexpected answer"
	// UntrustedCertificate: TLS does not trust what answers.
	UntrustedCertificate Kind = "untrusted certificate"
	// InvalidConfiguration: arguments, variables or files contradict each other
	// or cannot be read.
	InvalidConfiguration Kind = "invalid configuration"
	// Other: none of the above.
	Other Kind = "other"
)

// Error returns summary and detail.
func (e *Error) Error() string {
	if e.Detail == "" {
		return e.Summary
	}
	return e.Summary + ": " + e.Detail
}

// Unwrap returns the SDK's error, if there is one.
func (e *Error) Unwrap() error { return e.err }

// Is reports whether err is, or wraps, an Error of that kind.
func Is(err error, kind Kind) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Kind == kind
}

func isMissingRegion(err error) bool { return Is(err, MissingRegion) }

// newError writes the detail in the order that all diagnostics have: what
// happened, likely causes, AWS's own words.
func newError(kind Kind, summary, what string, causes []string, err error) *Error {
	var b strings.Builder
	b.WriteString(what)
	if len(causes) > 0 {
		b.WriteString("\n\nLikely causes:")
		for _, cause := range causes {
			b.WriteString("\n  - " + cause)
		}
	}
	if err != nil {
		b.WriteString("\n\n" + ownWords(err))
	}
	return &Error{Kind: kind, Summary: summary, Detail: b.String(), err: err}
}

func newMissingRegionError(err error) *Error {
	return newError(MissingRegion, "No AWS region",
		"Nothing tells which region to use. Set region in the provider block, the environment variable AWS_REGION, "+
			"or region in the profile of the shared config file.", nil, err)
}

// CheckRegion returns an error of kind WrongRegion if this version knows no
// such region. It asks nobody.
func CheckRegion(region string) *Error {
	err := validation.SupportedRegion(region)
	if err == nil {
		return nil
	}
	return &Error{
		Kind:    WrongRegion,
		Summary: "Invalid AWS region",
		Detail: fmt.Sprintf("There is no AWS region %q. It comes from region in the provider block, AWS_REGION, or the shared config file.\n\n"+
			"Likely causes:\n"+
			"  - a typing error, or an availability zone (us-east-1a) instead of its region (us-east-1)\n"+
			"  - a region that is newer than this version of the provider, or an emulator's: set skip_region_validation = true", region),
		err: err,
	}
}

func newWrongAccountError(accountID string, set Settings, err error) *Error {
	rule := "allowed_account_ids lists " + strings.Join(set.AllowedAccountIDs, ", ")
	if len(set.ForbiddenAccountIDs) > 0 {
		rule = "forbidden_account_ids lists it"
	}
	return &Error{
		Kind:    WrongAccount,
		Summary: "Wrong AWS account",
		Detail: fmt.Sprintf("The credentials belong to account %s, which may not be used: %s. Nothing was read or changed there.\n\n"+
			"Likely causes:\n"+
			"  - another profile or other environment variables than intended are in effect\n"+
			"  - assume_role is missing, or names a role of another account", accountID, rule),
		err: err,
	}
}
