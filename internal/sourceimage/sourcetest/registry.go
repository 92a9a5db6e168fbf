// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

// Package sourcetest is the registry that tests copy from: go-containerregistry's
// own, with logins, with faults, and with layers of any size that are made while
// they are read. It is never part of the provider.
package sourcetest

import (
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// Registry is a registry in memory. It is an http.Handler for any host name.
type Registry struct {
	inner http.Handler

	mu       sync.Mutex
	login    *login
	hook     func(http.ResponseWriter, *http.Request) bool
	requests []Request
	blobs    map[string]Blob
}

// login is what a registry wants to see: a token from the service at realm, ""
// for its own, or with basic the login itself. Without a username the token
// service lets everyone in who comes without a login.
type login struct {
	username, password, realm string
	basic                     bool
}

// Request is what a client asked for.
type Request struct {
	Method, Host, Path string
	Authorization      string
	UserAgent          string
}

// Blob is content that is made while it is read.
type Blob struct {
	Digest v1.Hash
	Size   int64
	Open   func() io.Reader
}

// Token is what the token service gives to all whom it lets in.
const Token = "a-token-of-the-source-registry"

// New returns an empty registry that everyone may read.
func New() *Registry {
	return &Registry{
		inner: registry.New(registry.Logger(log.New(io.Discard, "", 0))),
		blobs: map[string]Blob{},
	}
}

// Start serves the registry on loopback over plain HTTP, until the test ends,
// and returns its host and port.
func (r *Registry) Start(tb testing.TB) string {
	tb.Helper()
	server := httptest.NewServer(r)
	tb.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// RequireLogin makes the registry want a token from its own token service, and
// that want this login.
func (r *Registry) RequireLogin(username, password string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.login = &login{username: username, password: password}
}

// RequireToken makes the registry want a token from the token service at realm,
// a URL at any host that the registry is served at, which gives it to everyone:
// the way of Docker Hub and ECR Public.
func (r *Registry) RequireToken(realm string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.login = &login{realm: realm}
}

// RequireBasic makes the registry want the login itself, with every request.
func (r *Registry) RequireBasic(username, password string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.login = &login{username: username, password: password, basic: true}
}

// Hook lets f answer requests first; it returns whether it has.
func (r *Registry) Hook(f func(http.ResponseWriter, *http.Request) bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.hook = f
}

// AddBlob serves a blob from every repository.
func (r *Registry) AddBlob(b Blob) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.blobs[b.Digest.String()] = b
}

// Requests returns what was asked for so far.
func (r *Registry) Requests() []Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.requests)
}

// Forget forgets the requests.
func (r *Registry) Forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests = nil
}

// Count returns how many requests were made with a method for a path that
// contains part.
func (r *Registry) Count(method, part string) int {
	n := 0
	for _, request := range r.Requests() {
		if request.Method == method && strings.Contains(request.Path, part) {
			n++
		}
	}
	return n
}

// Push puts an image or an index at REPOSITORY:TAG, past login and hook, and
// returns its digest.
func (r *Registry) Push(tb testing.TB, reference string, content remote.Taggable) string {
	tb.Helper()
	ref, err := name.ParseReference("registry.test/" + reference)
	if err != nil {
		tb.Fatal(err)
	}
	options := []remote.Option{remote.WithTransport(direct{r.inner}), remote.WithContext(tb.Context())}
	switch content := content.(type) {
	case v1.ImageIndex:
		err = remote.WriteIndex(ref, content, options...)
	case v1.Image:
		err = remote.Write(ref, content, options...)
	default:
		err = remote.Put(ref, content, options...)
	}
	if err != nil {
		tb.Fatal(err)
	}
	raw, err := content.RawManifest()
	if err != nil {
		tb.Fatal(err)
	}
	digest, _, err := v1.SHA256(strings.NewReader(string(raw)))
	if err != nil {
		tb.Fatal(err)
	}
	return digest.String()
}

// ServeHTTP implements http.Handler.
func (r *Registry) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	r.requests = append(r.requests, Request{
		Method: req.Method, Host: req.Host, Path: req.URL.Path,
		Authorization: req.Header.Get("Authorization"), UserAgent: req.UserAgent(),
	})
	hook, login := r.hook, r.login
	r.mu.Unlock()

	if hook != nil && hook(w, req) {
		return
	}
	if login != nil && !r.letIn(w, req, *login) {
		return
	}
	if blob, ok := r.blob(req); ok {
		w.Header().Set("Content-Length", fmt.Sprint(blob.Size))
		if req.Method == http.MethodGet {
			_, _ = io.Copy(w, blob.Open()) // the client may be gone
		}
		return
	}
	r.inner.ServeHTTP(w, req)
}

func (r *Registry) blob(req *http.Request) (Blob, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, digest, ok := strings.Cut(req.URL.Path, "/blobs/")
	blob, found := r.blobs[digest]
	return blob, ok && found
}

// letIn is the way of Docker Hub: a token for a login, and the token for all
// else; or, with basic, the login for all.
func (r *Registry) letIn(w http.ResponseWriter, req *http.Request, want login) bool {
	at := url.URL{Scheme: "http", Host: req.Host, Path: req.URL.Path}
	if req.TLS != nil {
		at.Scheme = "https"
	}
	realm := want.realm
	if realm == "" {
		realm = at.Scheme + "://" + at.Host + "/token"
	}
	username, password, _ := req.BasicAuth()
	loggedIn := username == want.username && password == want.password
	switch {
	case want.basic && loggedIn, !want.basic && req.Header.Get("Authorization") == "Bearer "+Token:
		return true
	case want.basic:
		w.Header().Set("Www-Authenticate", `Basic realm="source"`)
	case at.String() == realm && loggedIn:
		_, _ = fmt.Fprintf(w, `{"token":%q}`, Token)
		return false
	case at.String() == realm:
		refuse(w, http.StatusUnauthorized, "UNAUTHORIZED", "incorrect username or password")
		return false
	default:
		w.Header().Set("Www-Authenticate", fmt.Sprintf(`Bearer realm=%q,service="source"`, realm))
	}
	refuse(w, http.StatusUnauthorized, "UNAUTHORIZED", "authentication required")
	return false
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	body, err := json.Marshal(map[string]any{"errors": []map[string]string{{"code": code, "message": message}}})
	if err != nil {
		panic(err) // strings always encode
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// Refuse answers as a registry that does not do what it was asked for.
func Refuse(status int, code, message string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { refuse(w, status, code, message) }
}

// direct calls a handler without a network.
type direct struct{ handler http.Handler }

// RoundTrip implements http.RoundTripper.
func (d direct) RoundTrip(req *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	if req.Body == nil {
		req.Body = http.NoBody
	}
	d.handler.ServeHTTP(w, req)
	resp := w.Result()
	resp.Request = req
	return resp, nil
}
