// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package ecrrepo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"unicode"
)

const (
	// answerLimit bounds what is read of an answer that is not a blob or a
	// manifest: registry errors are short.
	answerLimit = 64 << 10
	// manifestLimit is ECR's own limit for a manifest (ECR API reference,
	// PutImage: 4,194,304 characters).
	manifestLimit = 4 << 20
)

// registryTransport carries go-containerregistry's requests to one registry.
// It adds the token to requests for that registry's host and to no other, and
// saves the requests that cannot tell anything new:
//
//   - the ping of /v2/, whose answer for ECR is known: Basic authentication;
//   - the look for a blob that cannot be there yet (only when told so);
//   - the PATCH of an upload, whose body is sent with the closing PUT instead,
//     as containerd uploads blobs.
//
// An answer that is no success comes back as a *registryError rather than as a
// response, with its request id and with a bounded part of its body; the one
// exception is 404 to HEAD, which means "not there".
type registryTransport struct {
	base   http.RoundTripper
	host   string
	scheme string
	tokens *tokenSource
	// absent tells that the repository has none of the blobs to be sent.
	absent bool

	mu sync.Mutex
	// held are the bodies of PATCH requests by upload path.
	held map[string]heldBody
}

type heldBody struct {
	open func() (io.ReadCloser, error)
	size int64
}

// RoundTrip implements http.RoundTripper.
func (t *registryTransport) RoundTrip(req *http.Request) (*http.Response, error) {
	switch first, redirects := origin(req); {
	case redirects > 0 && !reads(first):
		return nil, fmt.Errorf("%w: the registry %s redirects a %s request", ErrUnexpectedAnswer, t.host, first.Method)
	case redirects > redirectLimit:
		return nil, fmt.Errorf("%w: the registry %s redirects again and again", ErrUnexpectedAnswer, t.host)
	}
	if req.URL.Host != t.host {
		return t.elsewhere(req)
	}
	switch {
	case req.Method == http.MethodGet && req.URL.Path == "/v2/":
		return answer(req, http.StatusOK, nil), nil
	case t.absent && req.Method == http.MethodHead && strings.Contains(req.URL.Path, "/blobs/"):
		return answer(req, http.StatusNotFound, nil), nil
	case req.Method == http.MethodPatch && req.GetBody != nil && req.ContentLength > 0:
		return t.hold(req), nil
	}
	return t.send(req)
}

// redirectLimit bounds a chain of redirects; ECR's has one, to a blob's place
// in S3. go-containerregistry sets no bound.
const redirectLimit = 3

// origin follows the redirects that have led to a request back to the first.
func origin(req *http.Request) (first *http.Request, redirects int) {
	for req.Response != nil && req.Response.Request != nil {
		req = req.Response.Request
		redirects++
	}
	return req, redirects
}

func reads(req *http.Request) bool {
	return req.Method == http.MethodGet || req.Method == http.MethodHead
}

// hold keeps the body of a PATCH for the PUT that closes the upload.
func (t *registryTransport) hold(req *http.Request) *http.Response {
	_ = req.Body.Close()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.held == nil {
		t.held = map[string]heldBody{}
	}
	t.held[req.URL.Path] = heldBody{open: req.GetBody, size: req.ContentLength}
	return answer(req, http.StatusAccepted, http.Header{"Location": {req.URL.RequestURI()}})
}

func (t *registryTransport) release(path string) (heldBody, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	body, ok := t.held[path]
	delete(t.held, path)
	return body, ok
}

// send authorises a request for the registry and turns a refusal into an
// error.
func (t *registryTransport) send(in *http.Request) (*http.Response, error) {
	tok, err := t.tokens.get(in.Context())
	if err != nil {
		return nil, &tokenError{err}
	}
	req := in.Clone(in.Context())
	req.URL.Scheme = t.scheme
	content := &content{}
	if req.Method == http.MethodPut {
		if body, ok := t.release(req.URL.Path); ok {
			req.GetBody, req.ContentLength = content.opener(body.open), body.size
			if req.Body, err = req.GetBody(); err != nil {
				return nil, err
			}
		}
	}
	req.Header.Set("Authorization", tok.authorization)
	resp, err := t.base.RoundTrip(req)
	if err != nil {
		// Where the content could not be read, that is why the request failed.
		if unread := content.failure(); unread != nil {
			return nil, unread
		}
		return nil, newCutOff(req, err)
	}
	// A redirect is followed by the client, which asks this transport again;
	// the request it copies is the one without the token.
	resp.Request = in
	if expected(req.Method, resp.StatusCode) {
		resp.Body = bound(req, resp.Body)
		return resp, nil
	}
	refusal := readRefusal(req, resp, tok.secrets)
	if refusal.rejectedToken() {
		t.tokens.drop(tok)
	}
	return nil, refusal
}

// expected tells the statuses that a registry answers with where it does what
// it was asked for, or sends the client on; 404 to HEAD is an answer as well
// (source: OCI distribution specification). Any other is a refusal, or comes
// from something in between.
func expected(method string, status int) bool {
	switch {
	case status >= 300 && status < 400:
		return true // Judged by what follows.
	case method == http.MethodGet:
		return status == http.StatusOK || status == http.StatusPartialContent
	case method == http.MethodHead:
		return status == http.StatusOK || status == http.StatusNotFound
	}
	return status == http.StatusCreated || status == http.StatusAccepted || status == http.StatusNoContent
}

// elsewhere follows a redirect to another host, as ECR gives for blobs, never
// with the token and only over TLS.
func (t *registryTransport) elsewhere(req *http.Request) (*http.Response, error) {
	if !reads(req) {
		return nil, fmt.Errorf("%w: the registry %s sent a %s request on to %s", ErrRegistryHost, t.host, req.Method, req.URL.Host)
	}
	if req.URL.Scheme != "https" && !isLoopback(req.URL.Host) {
		return nil, fmt.Errorf("%w: the registry %s redirects to %s over plain HTTP", ErrRegistryHost, t.host, req.URL.Host)
	}
	req = req.Clone(req.Context())
	req.Header.Del("Authorization")
	resp, err := t.base.RoundTrip(req)
	if err != nil {
		return nil, newCutOff(req, err)
	}
	if resp.StatusCode >= 400 {
		return nil, readRefusal(req, resp, nil)
	}
	return resp, nil
}

// bound limits an answer's body to what its kind can have. Blobs are not
// bounded here: their size is known and checked where they are read.
func bound(req *http.Request, body io.ReadCloser) io.ReadCloser {
	limit := int64(answerLimit)
	switch {
	case req.Method == http.MethodGet && strings.Contains(req.URL.Path, "/blobs/"):
		return body
	case strings.Contains(req.URL.Path, "/manifests/"):
		limit = manifestLimit
	}
	return http.MaxBytesReader(nil, body, limit)
}

// answer makes a response that did not come over the network.
func answer(req *http.Request, status int, header http.Header) *http.Response {
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{
		Status:     fmt.Sprintf("%d %s", status, http.StatusText(status)),
		StatusCode: status,
		Proto:      "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:  header,
		Body:    http.NoBody,
		Request: req,
	}
}

// tokenError is a failure to get a token on the way to another request.
type tokenError struct{ err error }

func (e *tokenError) Error() string { return e.err.Error() }
func (e *tokenError) Unwrap() error { return e.err }

// registryError is a refusal by the registry, or a request that got no answer.
type registryError struct {
	action                   string
	status                   int
	code, message, requestID string
	// mute tells the answer to HEAD, which comes without its text.
	mute bool
	// err is set when no whole answer came.
	err error
}

// Error implements error; it names no URL, since an upload's may be long and
// is of no use to a reader.
func (e *registryError) Error() string {
	if e.err != nil {
		return plainCause(e.err)
	}
	return fmt.Sprintf("HTTP status %d %s %s", e.status, e.code, e.message)
}

// Unwrap returns the network's error.
func (e *registryError) Unwrap() error { return e.err }

// expiredToken tells the answer to a token that has ended (403 with a text, as
// clients print it; the status is uncertain, so the text decides).
func (e *registryError) expiredToken() bool {
	return strings.Contains(strings.ToLower(e.message), "authorization token has expired")
}

// rejectedToken tells that a new token may be taken. Where the text is missing,
// 403 may mean an expired one as well as a denied action: then a new token is
// asked for, and what is refused with that one is denied.
func (e *registryError) rejectedToken() bool {
	return e.status == http.StatusUnauthorized || e.expiredToken() || e.mute && e.status == http.StatusForbidden
}

func (e *registryError) throttled() bool {
	return e.status == http.StatusTooManyRequests || e.code == "TOOMANYREQUESTS"
}

// temporary tells the failures after which the same call may succeed: no
// answer, a server's fault, an upload that has to be started anew, and a
// repository that the registry does not know yet (it is asked only after the
// API has found the repository).
func (e *registryError) temporary() bool {
	switch {
	case e.err != nil:
		return !errors.Is(e.err, context.Canceled) && !errors.Is(e.err, context.DeadlineExceeded)
	case e.status >= 500, e.status == http.StatusRequestTimeout:
		return true
	}
	return e.code == "BLOB_UPLOAD_INVALID" || e.code == "BLOB_UPLOAD_UNKNOWN" || e.code == "NAME_UNKNOWN"
}

func newCutOff(req *http.Request, err error) *registryError {
	return &registryError{action: registryAction(req), err: err}
}

// readRefusal reads the error document of the OCI distribution specification,
// or what stands in its place. It closes the body.
//
// What a server sends back of the password, as a badly made proxy may, does not
// get into an error; secrets is nil for a request that carried none.
func readRefusal(req *http.Request, resp *http.Response, secrets *strings.Replacer) *registryError {
	defer func() { _ = resp.Body.Close() }()
	quote := func(text string) string {
		if secrets != nil {
			text = secrets.Replace(text)
		}
		return excerpt([]byte(text))
	}
	e := &registryError{
		action:    registryAction(req),
		status:    resp.StatusCode,
		mute:      req.Method == http.MethodHead,
		requestID: quote(resp.Header.Get("X-Amzn-Requestid")),
	}
	body, _ := io.ReadAll(io.LimitReader(resp.Body, answerLimit))
	var document struct {
		Errors []struct {
			Code    string `json:"code"`
			Message string `json:"message"`
		} `json:"errors"`
	}
	if json.Unmarshal(body, &document) == nil && len(document.Errors) > 0 {
		e.code, e.message = quote(document.Errors[0].Code), quote(document.Errors[0].Message)
		return e
	}
	e.message = quote(string(body))
	return e
}

// excerpt is the beginning of a text that is meant for people, in one line and
// without characters that would steer a terminal.
func excerpt(body []byte) string {
	const most = 600
	body = bytes.ToValidUTF8(body[:min(len(body), 8*most)], []byte("?"))
	text := strings.Join(strings.Fields(string(body)), " ")
	text = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '?'
		}
		return r
	}, text)
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "..."
	}
	return text
}

// registryAction is the IAM action behind a request to /v2/ (source: the ECR
// user guide's policy for pushing; the mapping of verbs is inferred from it).
func registryAction(req *http.Request) string {
	blob := strings.Contains(req.URL.Path, "/blobs/")
	switch {
	case blob && req.Method == http.MethodHead:
		return "ecr:BatchCheckLayerAvailability"
	case blob && req.Method == http.MethodPost:
		return "ecr:InitiateLayerUpload"
	case blob && req.Method == http.MethodPatch:
		return "ecr:UploadLayerPart"
	case blob && req.Method == http.MethodPut && req.ContentLength > 0:
		return "ecr:UploadLayerPart"
	case blob && req.Method == http.MethodPut:
		return "ecr:CompleteLayerUpload"
	case blob:
		return "ecr:GetDownloadUrlForLayer"
	case req.Method == http.MethodPut:
		return "ecr:PutImage"
	}
	return "ecr:BatchGetImage"
}
