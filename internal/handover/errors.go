// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package handover

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
)

// The reasons that the provider has words for, for errors.Is.
var (
	// ErrNotFound: the service says that there is no such thing.
	ErrNotFound = errors.New("not found")
	// ErrDenied: IAM, or a key's policy, refuses the action.
	ErrDenied = errors.New("access denied")
	// ErrThrottled: the request quota was still used up after the last retry.
	ErrThrottled = errors.New("throttled")
	// ErrTimeout: the time limit of the read passed.
	ErrTimeout = errors.New("timed out")
	// ErrCanceled: the read was interrupted.
	ErrCanceled = errors.New("interrupted")
	// ErrUnexpectedAnswer: something answered, but not as the service does.
	ErrUnexpectedAnswer = errors.New("unexpected answer")
)

// Error is a failed question.
type Error struct {
	// Action is the IAM action, "lambda:GetFunction" for instance.
	Action string
	// Resource says what was asked for, and in which region.
	Resource string

	reason error
	said   string
	err    error
}

// Error returns one line with all that is known.
func (e *Error) Error() string {
	return fmt.Sprintf("%s of %s: %s", e.Action, e.Resource, e.Said())
}

// Said returns what AWS said: code, message, HTTP status and request id.
func (e *Error) Said() string { return e.said }

// Unwrap makes the reason and the cause visible to errors.Is and errors.As.
func (e *Error) Unwrap() []error {
	return slices.DeleteFunc([]error{e.reason, e.err}, func(err error) bool { return err == nil })
}

func unexpected(action, resource, what string) error {
	return &Error{Action: action, Resource: resource, reason: ErrUnexpectedAnswer, said: what}
}

// newError classifies an error of the SDK. Nothing is taken for absence but the
// services' own words for it.
func newError(ctx context.Context, action, resource string, err error) error {
	e := &Error{Action: action, Resource: resource, said: words(err), err: err}
	api, answered := errors.AsType[smithy.APIError](err)
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		e.reason = ErrTimeout
	case ctx.Err() != nil:
		e.reason = ErrCanceled
	case answered:
		e.reason = codeReason(api.ErrorCode())
	default:
		if _, ok := errors.AsType[*smithy.DeserializationError](err); ok {
			e.reason = ErrUnexpectedAnswer
		}
	}
	return e
}

// codeReason maps error codes (Lambda API reference, GetFunction; SSM API
// reference, GetParameter; common error types of both).
func codeReason(code string) error {
	switch code {
	case "ResourceNotFoundException", "ParameterNotFound", "ParameterVersionNotFound":
		return ErrNotFound
	case "AccessDeniedException", "AccessDenied", "UnauthorizedOperation":
		return ErrDenied
	}
	if _, ok := retry.DefaultThrottleErrorCodes[code]; ok {
		return ErrThrottled
	}
	return nil
}

// words are AWS's own, or the network's.
func words(err error) string {
	api, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return err.Error()
	}
	var b strings.Builder
	b.WriteString(api.ErrorCode())
	if message := api.ErrorMessage(); message != "" {
		fmt.Fprintf(&b, ": %s", message)
	}
	if response, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		fmt.Fprintf(&b, " (HTTP status %d", response.HTTPStatusCode())
		if id := response.ServiceRequestID(); id != "" {
			fmt.Fprintf(&b, ", request ID %s", id)
		}
		b.WriteByte(')')
	}
	return b.String()
}
