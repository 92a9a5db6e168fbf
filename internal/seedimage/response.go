// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package seedimage

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// The answer that HTTP callers of a placeholder get unless it is configured
// otherwise, and the limits of what can be configured.
const (
	DefaultStatusCode  = 503
	DefaultContentType = "application/json"

	// MinStatusCode and MaxStatusCode bound the status code: API Gateway and
	// load balancers pass on final answers only, so 1xx is not one.
	MinStatusCode = 200
	MaxStatusCode = 599
	// MaxBodySize is the limit of a configured body in bytes.
	MaxBodySize = 16 << 10
)

// Response is what a placeholder answers to HTTP callers. The zero value stands
// for the defaults.
type Response struct {
	// StatusCode is the HTTP status code; 0 stands for DefaultStatusCode.
	StatusCode int
	// ContentType is the Content-Type header; "" stands for DefaultContentType.
	ContentType string
	// Body is the body, at most MaxBodySize bytes of UTF-8. Nil stands for a JSON
	// message, made at run time, that names the function.
	Body *string
}

// WithDefaults returns r with every default spelled out, apart from the body,
// whose default depends on the function.
func (r Response) WithDefaults() Response {
	if r.StatusCode == 0 {
		r.StatusCode = DefaultStatusCode
	}
	if r.ContentType == "" {
		r.ContentType = DefaultContentType
	}
	return r
}

// Validate returns an error that says what is wrong with r, or nil.
func (r Response) Validate() error {
	r = r.WithDefaults()
	if r.StatusCode < MinStatusCode || r.StatusCode > MaxStatusCode {
		return fmt.Errorf("the status code must be between %d and %d, got %d", MinStatusCode, MaxStatusCode, r.StatusCode)
	}
	if strings.ContainsFunc(r.ContentType, notPrintableASCII) {
		return fmt.Errorf("the content type must consist of printable ASCII characters, got %q", r.ContentType)
	}
	if r.Body == nil {
		return nil
	}
	if len(*r.Body) > MaxBodySize {
		return fmt.Errorf("the body must have at most %d bytes, got %d", MaxBodySize, len(*r.Body))
	}
	if !utf8.ValidString(*r.Body) {
		return errors.New("the body must be valid UTF-8")
	}
	return nil
}

// notPrintableASCII reports whether r must not be in the value of an HTTP header.
func notPrintableASCII(r rune) bool {
	return r < ' ' || r > '~'
}
