// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package sourceimage

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// The reasons for which a source cannot be copied, for errors.Is.
var (
	// ErrNotFound: the registry has no such image.
	ErrNotFound = errors.New("image not found")
	// ErrDenied: the registry does not let the image be read. Many say so of
	// repositories that do not exist, too.
	ErrDenied = errors.New("access denied")
	// ErrDockerHubLimit: Docker Hub's limit of pulls is used up.
	ErrDockerHubLimit = errors.New("the pull limit of Docker Hub is reached")
	// ErrThrottled: the registry had too many requests, to the last try.
	ErrThrottled = errors.New("too many requests")
	// ErrUnreachable: no answer came, or it broke off, to the last try.
	ErrUnreachable = errors.New("unreachable")
	// ErrFault: the registry failed, to the last try.
	ErrFault = errors.New("registry failed")
	// ErrUnexpectedAnswer: something answered, but not as a registry does.
	ErrUnexpectedAnswer = errors.New("unexpected answer")
	// ErrCorrupt: what the registry sent is not what its digest names.
	ErrCorrupt = errors.New("content does not match its digest")
	// ErrPlainHTTP: the registry, or where it redirects to, is not on TLS.
	ErrPlainHTTP = errors.New("not on TLS")
	// ErrPlatform: the source has no image for the architecture.
	ErrPlatform = errors.New("no image for the platform")
	// ErrUnsupported: the image is one that Lambda cannot run.
	ErrUnsupported = errors.New("not an image that Lambda can run")
	// ErrTimeout: the time limit of the operation passed.
	ErrTimeout = errors.New("timed out")
	// ErrCanceled: the operation was interrupted.
	ErrCanceled = errors.New("interrupted")
)

// Error is a failure to read a source image, or to use it.
type Error struct {
	// Source is the whole name of the image.
	Source string
	// Detail is what the registry or the network said, or what is wrong with
	// the image. It holds no secret.
	Detail string

	reason    error
	err       error
	temporary bool
}

// Error returns one line with all that is known.
func (e *Error) Error() string {
	text := e.Source
	if e.reason != nil {
		text += ": " + e.reason.Error()
	}
	if e.Detail != "" {
		text += ": " + e.Detail
	}
	return text
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

// Temporary tells that another try may succeed.
func (e *Error) Temporary() bool { return e.temporary }

func (c *client) errorf(reason error, format string, args ...any) *Error {
	return &Error{Source: c.ref.String(), Detail: excerpt(c.secrets.withhold(fmt.Sprintf(format, args...))), reason: reason}
}

// knownError is an error of the way that was handed in for ECR: it tells its
// reason itself.
type knownError interface {
	error
	Said() string
	Temporary() bool
}

// wayError is a failure to find the way that was handed in.
type wayError struct{ err error }

func (e *wayError) Error() string { return e.err.Error() }
func (e *wayError) Unwrap() error { return e.err }

// newError sorts the errors of go-containerregistry and of the network.
func (c *client) newError(ctx context.Context, err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	e := c.errorf(nil, "%s", c.said(ctx, err))
	if stalled(ctx) {
		e.temporary, e.reason = true, ErrUnreachable
		return e
	}
	if known, ok := errors.AsType[knownError](err); ok {
		e.err, e.temporary = known, known.Temporary()
		return e
	}
	if way, ok := errors.AsType[*wayError](err); ok {
		e.err = way.err
		return e
	}
	// Others are kept as text only: one of the connection may wrap io.EOF, which
	// a reader of a layer would take for its end.
	e.temporary, e.reason = c.reason(ctx, err)
	return e
}

// stalled tells that a try was given up because nothing came any more.
func stalled(ctx context.Context) bool { return errors.Is(context.Cause(ctx), errStalled) }

// reason is the reason of an error, and whether another try may succeed.
func (c *client) reason(ctx context.Context, err error) (temporary bool, reason error) {
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return false, ErrTimeout
	case ctx.Err() != nil:
		return false, ErrCanceled
	}
	if answer, ok := errors.AsType[*transport.Error](err); ok {
		return c.answerReason(answer)
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return false, ErrUnexpectedAnswer
	}
	if lookup, ok := errors.AsType[*net.DNSError](err); ok {
		return !lookup.IsNotFound, ErrUnreachable
	}
	if isTLS(err) {
		return false, ErrUnreachable
	}
	if _, ok := errors.AsType[*url.Error](err); ok || isNetwork(err) {
		return true, ErrUnreachable
	}
	return false, ErrUnexpectedAnswer
}

// isTLS tells a host that cannot show who it is.
func isTLS(err error) bool {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return true
	}
	_, ok := errors.AsType[tls.RecordHeaderError](err)
	return ok
}

// isNetwork tells that the connection could not be made, or broke.
func isNetwork(err error) bool {
	if _, ok := errors.AsType[net.Error](err); ok {
		return true
	}
	return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed)
}

func (c *client) answerReason(answer *transport.Error) (temporary bool, reason error) {
	switch status := answer.StatusCode; {
	case status == http.StatusNotFound:
		return false, ErrNotFound
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		return false, ErrDenied
	case status == http.StatusTooManyRequests && c.ref.isDockerHub() && saysTooMany(answer):
		// Counted by the hour: waiting here helps nobody. The limit of requests,
		// which ends soon, is answered without an error document (Docker docs,
		// "Docker Hub usage and limits").
		return false, ErrDockerHubLimit
	case status == http.StatusTooManyRequests:
		return true, ErrThrottled
	case status >= http.StatusInternalServerError, status == http.StatusRequestTimeout:
		return true, ErrFault
	}
	return false, ErrUnexpectedAnswer
}

func saysTooMany(answer *transport.Error) bool {
	return slices.ContainsFunc(answer.Errors, func(d transport.Diagnostic) bool { return d.Code == transport.TooManyRequestsErrorCode })
}

// said is what is worth telling of an error.
func (c *client) said(ctx context.Context, err error) string {
	if stalled(ctx) {
		return fmt.Sprintf("nothing came for %s", c.options.StallTime)
	}
	if known, ok := errors.AsType[knownError](err); ok {
		return known.Error()
	}
	var text string
	if answer, ok := errors.AsType[*transport.Error](err); ok {
		text = saidAnswer(answer)
	} else if long, ok := errors.AsType[*http.MaxBytesError](err); ok {
		text = fmt.Sprintf("the answer is longer than %d bytes", long.Limit)
	} else if text = withoutURL(err).Error(); strings.HasPrefix(text, "no token in bearer response") {
		text = "the token service answered without a token" // What follows is the answer, which may hold secrets.
	}
	if c.access != nil && c.access.unread != nil {
		text += fmt.Sprintf(" (asked without a login, because %s)", c.access.unread)
	}
	return text
}

func saidAnswer(answer *transport.Error) string {
	host := ""
	if answer.Request != nil && answer.Request.URL != nil {
		host = answer.Request.URL.Host + " "
	}
	text := fmt.Sprintf("%sanswered with HTTP status %d", host, answer.StatusCode)
	var said []string
	for _, diagnostic := range answer.Errors {
		said = append(said, strings.TrimSpace(string(diagnostic.Code)+" "+diagnostic.Message))
	}
	if len(said) > 0 {
		text += ": " + strings.Join(said, "; ")
	}
	return text
}

// withoutURL takes the URL out of an error, which may hold a signature.
func withoutURL(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return withoutURL(u.Err)
	}
	return err
}

// excerpt is the beginning of a text, in one line and without characters that
// would steer a terminal.
func excerpt(text string) string {
	const most = 600
	text = strings.ToValidUTF8(text[:min(len(text), 8*most)], "?")
	text = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text)
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "..."
	}
	return text
}
