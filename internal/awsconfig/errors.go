// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package awsconfig

import (
	"errors"
	"fmt"
	"strings"
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
	var e *UnknownArgumentsError
	return errors.As(err, &e)
}

// Error is a failure to get from the provider block to usable credentials, in
// words for a Terraform diagnostic.
type Error struct {
	// Kind tells the causes apart.
	Kind Kind
	// Summary is one line.
	Summary string
	// Detail says what was tried, the likely causes and what to do, and ends
	// with AWS's own words.
	Detail string

	err error
}

// Kind is a cause of failure.
type Kind string

// The causes that have an error of their own.
const (
	MissingRegion Kind = "missing region"
	Other         Kind = "other"
)

// Error returns summary and detail on one line each.
func (e *Error) Error() string { return fmt.Sprintf("%s: %s", e.Summary, e.Detail) }

// Unwrap returns the SDK's error, if there is one.
func (e *Error) Unwrap() error { return e.err }

func newMissingRegionError(err error) *Error {
	return &Error{
		Kind:    MissingRegion,
		Summary: "No AWS region",
		Detail:  "Set region in the provider block, or the environment variable AWS_REGION.",
		err:     err,
	}
}
