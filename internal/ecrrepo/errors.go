// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package ecrrepo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"
)

// The reasons an operation can fail for, for errors.Is.
var (
	// ErrRepositoryNotFound: the repository does not exist.
	ErrRepositoryNotFound = errors.New("repository not found")
	// ErrImageNotFound: the repository has no such tag or digest.
	ErrImageNotFound = errors.New("image not found")
	// ErrTagImmutable: the tag is taken and immutable.
	ErrTagImmutable = errors.New("tag is immutable")
	// ErrDenied: IAM or a repository policy refuses the action.
	ErrDenied = errors.New("access denied")
	// ErrCredentials: AWS does not accept the credentials or the token.
	ErrCredentials = errors.New("credentials not accepted")
	// ErrNoCredentials: the call was not made, because the credentials for it
	// could not be had: a role that is no longer to be assumed, for instance.
	ErrNoCredentials = errors.New("credentials not to be had")
	// ErrThrottled: the account's request quota was still used up after the
	// last retry.
	ErrThrottled = errors.New("throttled")
	// ErrUnreachable: no answer came from the host.
	ErrUnreachable = errors.New("unreachable")
	// ErrTimeout: the operation's time limit passed.
	ErrTimeout = errors.New("timed out")
	// ErrCanceled: the operation was interrupted.
	ErrCanceled = errors.New("interrupted")
	// ErrUnexpectedAnswer: something answered, but not as ECR does.
	ErrUnexpectedAnswer = errors.New("unexpected answer")
	// ErrRegistryHost: ECR named another registry than the repository URL, or
	// one that the password must not be sent to.
	ErrRegistryHost = errors.New("registry host not usable")
)

// Error is a failed operation on a repository.
type Error struct {
	// Action is the IAM action of the failed call, "ecr:PutImage" for
	// instance: for a denied call the permission that is missing.
	Action string
	// Resource is the repository's URL.
	Resource string
	// Code, Message and RequestID are AWS's own words; any may be "".
	Code, Message, RequestID string
	// StatusCode is the HTTP status, 0 where there was no answer.
	StatusCode int

	reason error
	err    error
}

// Error returns one line with all that is known.
func (e *Error) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s on %s", e.Action, e.Resource)
	if e.reason != nil {
		fmt.Fprintf(&b, ": %s", e.reason)
	}
	if said := e.Said(); said != "" {
		fmt.Fprintf(&b, ": %s", said)
	}
	return b.String()
}

// Said returns what AWS, or the network, said: message, code, status and
// request id.
func (e *Error) Said() string {
	if e.Code == "" && e.Message == "" && e.StatusCode == 0 {
		if e.err == nil {
			return ""
		}
		return plainCause(e.err)
	}
	var b strings.Builder
	b.WriteString(e.Code)
	if e.Message != "" {
		if b.Len() > 0 {
			b.WriteString(": ")
		}
		b.WriteString(e.Message)
	}
	var facts []string
	if e.StatusCode != 0 {
		facts = append(facts, fmt.Sprintf("HTTP status %d", e.StatusCode))
	}
	if e.RequestID != "" {
		facts = append(facts, "request ID "+e.RequestID)
	}
	if len(facts) > 0 {
		fmt.Fprintf(&b, " (%s)", strings.Join(facts, ", "))
	}
	return strings.TrimSpace(b.String())
}

// Temporary tells that the same call may succeed the next time, for a caller
// that has its tries elsewhere: see Repository.Retry.
func (e *Error) Temporary() bool {
	answer, ok := errors.AsType[*registryError](e.err)
	return ok && (answer.temporary() || answer.throttled() || answer.rejectedToken())
}

// Unwrap makes the reason and the cause visible to errors.Is and errors.As.
func (e *Error) Unwrap() []error {
	var errs []error
	for _, err := range []error{e.reason, e.err} {
		if err != nil {
			errs = append(errs, err)
		}
	}
	return errs
}

// plainCause is an error's text without the query of a URL in it, which could
// hold a signature.
func plainCause(err error) string {
	if long, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return fmt.Sprintf("the answer is longer than %d bytes", long.Limit)
	}
	if unread, ok := errors.AsType[*smithy.DeserializationError](err); ok && unread.Err != nil {
		return plainCause(unread.Err) // Without the snapshot of the answer.
	}
	if u, ok := errors.AsType[*url.Error](err); ok {
		return plainCause(u.Err)
	}
	return err.Error()
}

// newError classifies an error of the SDK or of the registry transport. An
// *Error is returned as it is, and so is an error that knows how to present
// itself (one of the configuration, which no request was made for).
func (r *Repository) newError(ctx context.Context, action string, err error) error {
	if err == nil {
		return nil
	}
	if unread, ok := errors.AsType[*contentError](err); ok && ctx.Err() == nil {
		return unread.err
	}
	if known, ok := errors.AsType[*Error](err); ok {
		return known
	}
	e := &Error{Action: action, Resource: r.URL.String(), err: err}
	if renewal, ok := errors.AsType[*tokenError](err); ok {
		e.Action, e.err, err = "ecr:GetAuthorizationToken", renewal.err, renewal.err
	}
	if answer, ok := errors.AsType[*registryError](err); ok {
		e.Code, e.Message, e.RequestID, e.StatusCode = answer.code, answer.message, answer.requestID, answer.status
		e.Action, e.reason = answer.action, cmp.Or(contextReason(ctx), registryReason(answer))
		return e
	}
	if response, ok := errors.AsType[*awshttp.ResponseError](err); ok {
		e.RequestID, e.StatusCode = excerpt([]byte(response.ServiceRequestID())), response.HTTPStatusCode()
	}
	if api, ok := errors.AsType[smithy.APIError](err); ok {
		e.Code, e.Message = excerpt([]byte(api.ErrorCode())), excerpt([]byte(api.ErrorMessage()))
	} else if e.StatusCode != 0 {
		e.Message = excerpt([]byte(plainCause(err)))
	}
	e.reason = sdkReason(ctx, e, err)
	return e
}

// errorf returns an error for an answer that AWS gave no error for.
func (r *Repository) errorf(action string, reason error, format string, args ...any) *Error {
	return &Error{Action: action, Resource: r.URL.String(), reason: reason, err: fmt.Errorf(format, args...)}
}

// sdkReason maps the error codes of the AWS JSON protocol (source: ECR API
// reference, common errors and the errors of each operation).
func sdkReason(ctx context.Context, e *Error, err error) error {
	if credentialsFailed(err) && ctx.Err() == nil {
		return ErrNoCredentials
	}
	switch e.Code {
	case "RepositoryNotFoundException":
		return ErrRepositoryNotFound
	case "ImageNotFoundException", "ImageNotFound":
		return ErrImageNotFound
	case "ImageTagAlreadyExistsException":
		return ErrTagImmutable
	case "AccessDeniedException", "AccessDenied", "UnauthorizedOperation":
		return ErrDenied
	case "ExpiredTokenException", "ExpiredToken", "RequestExpired", "UnrecognizedClientException", "InvalidSignatureException",
		"InvalidClientTokenId", "MissingAuthenticationTokenException", "IncompleteSignatureException", "OptInRequired":
		return ErrCredentials
	}
	if isThrottle(e.Code) || e.StatusCode == http.StatusTooManyRequests {
		return cmp.Or(contextReason(ctx), ErrThrottled)
	}
	for _, reason := range []error{ErrUnexpectedAnswer, ErrRegistryHost} {
		if errors.Is(err, reason) {
			return nil // The error itself says so.
		}
	}
	reason := networkReason(ctx, err)
	_, unread := errors.AsType[*smithy.DeserializationError](err)
	switch {
	case unread && (reason == nil || errors.Is(err, io.EOF)), e.StatusCode >= 300 && e.StatusCode < 400:
		return ErrUnexpectedAnswer // A whole one: what is cut off ends in io.ErrUnexpectedEOF.
	}
	return reason
}

// credentialsFailed tells whether an operation failed because another service
// was asked for credentials first, and what it said.
func credentialsFailed(err error) bool {
	outer, ok := errors.AsType[*smithy.OperationError](err)
	if !ok {
		return false
	}
	inner, ok := errors.AsType[*smithy.OperationError](outer.Err)
	return ok && inner.Service() != outer.Service()
}

// networkReason tells the failures in which no whole answer came.
func networkReason(ctx context.Context, err error) error {
	if reason := contextReason(ctx); reason != nil {
		return reason
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return ErrUnreachable
	}
	for _, cut := range []error{io.EOF, io.ErrUnexpectedEOF, net.ErrClosed} {
		if errors.Is(err, cut) {
			return ErrUnreachable
		}
	}
	return nil
}

func contextReason(ctx context.Context) error {
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return ErrTimeout
	case ctx.Err() != nil:
		return ErrCanceled
	}
	return nil
}

// registryReason maps an answer of the registry's /v2/ API. The codes are
// those of the OCI distribution specification; the texts are needed where ECR
// gives one code for several reasons.
func registryReason(answer *registryError) error {
	switch {
	case answer.code == "NAME_UNKNOWN":
		return ErrRepositoryNotFound
	case answer.code == "TAG_INVALID" && strings.Contains(answer.message, "immutable"):
		return ErrTagImmutable
	case answer.expiredToken(), answer.status == 401:
		return ErrCredentials
	case answer.code == "DENIED", answer.status == 403:
		return ErrDenied
	case answer.throttled():
		return ErrThrottled
	case answer.err != nil:
		return networkReasonOr(answer.err, ErrUnreachable)
	case answer.code == "":
		return ErrUnexpectedAnswer
	}
	return nil
}

func networkReasonOr(err, otherwise error) error {
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return ErrTimeout
	case errors.Is(err, context.Canceled):
		return ErrCanceled
	}
	return otherwise
}
