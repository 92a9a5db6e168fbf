// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"encoding/base64"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/bootstrap/eventrules"
)

// The environment variables that configure the answer; documented, and set, by
// internal/bootstrap and internal/seedimage.
const (
	envStatusCode  = "LAMBDASEED_HTTP_STATUS_CODE"
	envContentType = "LAMBDASEED_HTTP_CONTENT_TYPE"
	envBodyBase64  = "LAMBDASEED_HTTP_BODY_BASE64"
)

// The answer to HTTP callers when nothing is configured.
const (
	defaultStatusCode  = 503
	defaultContentType = "application/json"
)

// retryAfter is what the header Retry-After asks callers to wait, in seconds.
const retryAfter = "60"

// The types of errors as Lambda reports them. They begin with Function because the
// function, not the runtime, is what is missing.
const (
	errorType     = "Function.PlaceholderImage"
	initErrorType = "Function.PlaceholderImageInit"
)

// placeholder knows what to say in place of the application.
type placeholder struct {
	function    string // name of the function, "" if the environment has none
	statusCode  int
	contentType string
	body        string
}

// newPlaceholder reads the environment. Values that make no sense are replaced by
// the defaults and described in problems, without repeating them.
func newPlaceholder(lookupEnv func(string) (string, bool)) (p placeholder, problems []string) {
	p.statusCode, p.contentType = defaultStatusCode, defaultContentType
	p.function, _ = lookupEnv("AWS_LAMBDA_FUNCTION_NAME")
	p.body = p.defaultBody()

	if value, ok := lookupEnv(envStatusCode); ok {
		code, err := strconv.ParseUint(value, 10, 16)
		if err == nil && len(value) == 3 && code >= 200 && code <= 599 {
			p.statusCode = int(code)
		} else {
			problems = append(problems, ignored(envStatusCode, "an HTTP status code between 200 and 599"))
		}
	}
	if value, ok := lookupEnv(envContentType); ok {
		if value != "" && !strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r > '~' }) {
			p.contentType = value
		} else {
			problems = append(problems, ignored(envContentType, "a line of printable ASCII characters"))
		}
	}
	if value, ok := lookupEnv(envBodyBase64); ok {
		body, err := base64.StdEncoding.DecodeString(value)
		if err == nil && utf8.Valid(body) {
			p.body = string(body)
		} else {
			problems = append(problems, ignored(envBodyBase64, "UTF-8 text in base64"))
		}
	}
	if len(problems) > 0 {
		// Half of an answer may say something that nobody meant.
		p.statusCode, p.contentType, p.body = defaultStatusCode, defaultContentType, p.defaultBody()
	}
	return p, problems
}

func ignored(variable, wanted string) string {
	return variable + " is not " + wanted + ": HTTP callers get the default answer"
}

// subject names the function at the beginning of a sentence.
func (p placeholder) subject() string {
	if p.function == "" {
		return "This Lambda function"
	}
	return "The Lambda function " + p.function
}

func (p placeholder) defaultBody() string {
	b := appendString([]byte(`{"message":`), p.subject()+
		" still runs its placeholder image: the application has not been deployed yet. Try again later.")
	return string(append(b, '}'))
}

// answer returns the answer to an HTTP request, with its headers as the service
// behind it expects them.
func (p placeholder) answer(headers eventrules.Headers) []byte {
	b := append([]byte(`{"statusCode":`), strconv.Itoa(p.statusCode)...)
	multiValue := headers == eventrules.Multi
	b = append(appendString(append(b, ','), string(headers)), ":{"...)
	for i, f := range p.headers() {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, f.name)
		b = append(b, ':')
		if multiValue {
			b = append(appendString(append(b, '['), f.value), ']')
		} else {
			b = appendString(b, f.value)
		}
	}
	b = appendString(append(b, `},"body":`...), p.body)
	return append(b, `,"isBase64Encoded":false}`...)
}

// headers returns the header fields of an answer. No cache may keep it: it is wrong
// as soon as the application is deployed.
func (p placeholder) headers() header {
	h := header{
		{"Content-Type", p.contentType},
		{"Cache-Control", "no-store"},
	}
	if p.statusCode == 503 || p.statusCode == 429 {
		h = append(h, field{"Retry-After", retryAfter})
	}
	return h
}

// failure returns the function error for every event that is not an HTTP request.
func (p placeholder) failure() []byte {
	name := p.function
	if name == "" {
		name = "FUNCTION"
	}
	return errorPayload(errorType, p.subject()+
		" still runs its placeholder image, so this event was not processed. Deploy the application's image, for example with"+
		" \"aws lambda update-function-code --function-name "+name+" --image-uri IMAGE_URI\".")
}

// errorPayload returns an error in the form of the Runtime API (source: Lambda
// Developer Guide, "Using the Lambda runtime API", invocation error).
func errorPayload(errorType, message string) []byte {
	b := appendString([]byte(`{"errorMessage":`), message)
	b = appendString(append(b, `,"errorType":`...), errorType)
	return append(b, `,"stackTrace":[]}`...)
}
