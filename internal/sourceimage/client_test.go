// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package sourceimage_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/sourceimage"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/sourceimage/sourcetest"
)

// hosts is a network of handlers by host and port, with TLS as good as there.
type hosts map[string]http.Handler

func (h hosts) RoundTrip(req *http.Request) (*http.Response, error) {
	handler, ok := h[req.URL.Scheme+"://"+req.URL.Host]
	if !ok {
		return nil, fmt.Errorf("the test has no host %s://%s", req.URL.Scheme, req.URL.Host)
	}
	w := httptest.NewRecorder()
	inner := req.Clone(req.Context())
	inner.Host = req.URL.Host
	if inner.Body == nil {
		inner.Body = http.NoBody
	}
	handler.ServeHTTP(w, inner)
	resp := w.Result()
	resp.Request = req
	return resp, nil
}

// https is a registry behind TLS, where its token service must be, too.
func https(r *sourcetest.Registry) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		server := httptest.NewRequestWithContext(req.Context(), req.Method, "https://"+req.Host+req.URL.RequestURI(), req.Body)
		server.Header = req.Header
		r.ServeHTTP(w, server)
	})
}

type fixedKeychain struct {
	auth authn.Authenticator
	err  error
}

func (k fixedKeychain) Resolve(authn.Resource) (authn.Authenticator, error) { return k.auth, k.err }

func TestLogin(t *testing.T) {
	t.Parallel()
	login := &authn.Basic{Username: "user", Password: "s3cret!"}
	for name, test := range map[string]struct {
		reference string
		change    func(*sourceimage.Options)
		reason    error
		want      string
	}{
		"source_auth":    {"ghcr.io/team/app:1", func(o *sourceimage.Options) { o.Auth = &sourceimage.Auth{Username: "user", Password: "s3cret!"} }, nil, ""},
		"keychain":       {"ghcr.io/team/app:1", func(o *sourceimage.Options) { o.Keychain = fixedKeychain{auth: login} }, nil, ""},
		"none":           {"ghcr.io/team/app:1", func(*sourceimage.Options) {}, sourceimage.ErrDenied, "ghcr.io answered with HTTP status 401: UNAUTHORIZED incorrect username or password"},
		"wrong password": {"ghcr.io/team/app:1", func(o *sourceimage.Options) { o.Auth = &sourceimage.Auth{Username: "user", Password: "wrong"} }, sourceimage.ErrDenied, "ghcr.io answered with HTTP status 401"},
		"broken keychain": {
			"ghcr.io/team/app:1", func(o *sourceimage.Options) {
				o.Keychain = fixedKeychain{err: errors.New(`exec: "docker-credential-desktop": executable file not found in $PATH`)}
			},
			sourceimage.ErrDenied,
			`(asked without a login, because the docker configuration could not be read: exec: "docker-credential-desktop": executable file not found in $PATH)`,
		},
		// Docker's configuration has logins of ECR Public that have expired.
		"ECR Public": {"public.ecr.aws/team/app:1", func(o *sourceimage.Options) { o.Keychain = fixedKeychain{auth: login} }, sourceimage.ErrDenied, "incorrect username or password"},
		"ECR Public with source_auth": {
			"public.ecr.aws/team/app:1", func(o *sourceimage.Options) { o.Auth = &sourceimage.Auth{Username: "user", Password: "s3cret!"} }, nil, "",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			registry := sourcetest.New()
			registry.Push(t, "team/app:1", sourcetest.OCI(t, amd64, "one"))
			registry.RequireLogin("user", "s3cret!")
			ref := parse(t, test.reference)
			o := sourceimage.Options{Transport: hosts{"https://" + ref.Registry(): https(registry)}}
			test.change(&o)
			img, err := sourceimage.Resolve(t.Context(), ref, "x86_64", o)
			if test.reason == nil {
				if err != nil {
					t.Fatal(err)
				}
				readAll(t, img)
				return
			}
			if !errors.Is(err, test.reason) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %v with %q", err, test.reason, test.want)
			}
		})
	}
}

// A public image can be had although docker's configuration is broken.
func TestLogin_brokenKeychainPublicImage(t *testing.T) {
	t.Parallel()
	registry := sourcetest.New()
	registry.Push(t, "library/alpine:3", sourcetest.OCI(t, amd64, "one"))
	o := sourceimage.Options{
		Transport: hosts{"https://index.docker.io": https(registry)},
		Keychain:  fixedKeychain{err: errors.New("no such helper")},
	}
	if _, err := sourceimage.Resolve(t.Context(), parse(t, "alpine:3"), "x86_64", o); err != nil {
		t.Error(err)
	}
}

// The way that is handed in for ECR is asked first, and says what went wrong in
// its own words.
func TestLogin_ECR(t *testing.T) {
	t.Parallel()
	registry := sourcetest.New()
	registry.Push(t, "team/app:1", sourcetest.OCI(t, amd64, "one"))
	const host = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
	o := options(t)
	o.ECR = func(_ context.Context, ref sourceimage.Reference) (http.RoundTripper, error) {
		if ref.Registry() != host || ref.Repository() != "team/app" {
			t.Errorf("asked for %s in %s", ref.Repository(), ref.Registry())
		}
		return hosts{"https://" + host: https(registry)}, nil
	}
	if _, err := sourceimage.Resolve(t.Context(), parse(t, host+"/team/app:1"), "x86_64", o); err != nil {
		t.Error(err)
	}
	o.ECR = func(context.Context, sourceimage.Reference) (http.RoundTripper, error) { return nil, ecrError{} }
	tries := 0
	o.Retry = func(_ context.Context, call func() error) error {
		for {
			tries++
			err := call()
			if temporary, ok := errors.AsType[interface {
				error
				Temporary() bool
			}](err); !ok || !temporary.Temporary() || tries > 2 {
				return err
			}
		}
	}
	_, err := sourceimage.Resolve(t.Context(), parse(t, host+"/team/app:1"), "x86_64", o)
	if !errors.Is(err, errOfECR) || !strings.HasSuffix(err.Error(), "/team/app:1: ECR said no") || tries != 3 {
		t.Errorf("got %v after %d tries", err, tries)
	}
}

var errOfECR = errors.New("the reason that ECR gave")

type ecrError struct{}

func (ecrError) Error() string   { return "ECR said no" }
func (ecrError) Said() string    { return "no" }
func (ecrError) Temporary() bool { return true }
func (ecrError) Unwrap() error   { return errOfECR }

// What a registry refuses is told by its reason, in its own words.
func TestRefusals(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		reference string
		answer    http.HandlerFunc
		reason    error
		temporary bool
		want      string
	}{
		"not there":    {"ghcr.io/app:1", sourcetest.Refuse(http.StatusNotFound, "MANIFEST_UNKNOWN", "manifest unknown"), sourceimage.ErrNotFound, false, "ghcr.io answered with HTTP status 404: MANIFEST_UNKNOWN manifest unknown"},
		"denied":       {"ghcr.io/app:1", sourcetest.Refuse(http.StatusForbidden, "DENIED", "requested access to the resource is denied"), sourceimage.ErrDenied, false, "ghcr.io answered with HTTP status 403: DENIED requested access to the resource is denied"},
		"Docker Hub":   {"alpine", sourcetest.Refuse(http.StatusTooManyRequests, "TOOMANYREQUESTS", "You have reached your pull rate limit."), sourceimage.ErrDockerHubLimit, false, "the pull limit of Docker Hub is reached: index.docker.io answered with HTTP status 429: TOOMANYREQUESTS You have reached your pull rate limit."},
		"Docker Hub 1": {"registry-1.docker.io/library/alpine", sourcetest.Refuse(http.StatusTooManyRequests, "TOOMANYREQUESTS", "You have reached your pull rate limit."), sourceimage.ErrDockerHubLimit, false, "the pull limit of Docker Hub is reached"},
		"Docker abuse": {"alpine", func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "Too Many Requests", http.StatusTooManyRequests)
		}, sourceimage.ErrThrottled, true, "too many requests: index.docker.io answered with HTTP status 429"},
		"throttled":     {"public.ecr.aws/a/b", sourcetest.Refuse(http.StatusTooManyRequests, "TOOMANYREQUESTS", "Rate exceeded"), sourceimage.ErrThrottled, true, "public.ecr.aws answered with HTTP status 429"},
		"broken":        {"ghcr.io/app:1", sourcetest.Refuse(http.StatusBadGateway, "UNAVAILABLE", "try again"), sourceimage.ErrFault, true, "HTTP status 502: UNAVAILABLE try again"},
		"strange":       {"ghcr.io/app:1", sourcetest.Refuse(http.StatusTeapot, "TEAPOT", "short and stout"), sourceimage.ErrUnexpectedAnswer, false, "HTTP status 418"},
		"echoes secret": {"ghcr.io/app:1", sourcetest.Refuse(http.StatusForbidden, "DENIED", "no login with s3cret! here"), sourceimage.ErrDenied, false, "no login with (withheld) here"},
		"talkative":     {"ghcr.io/app:1", sourcetest.Refuse(http.StatusForbidden, "DENIED", strings.Repeat("no ", 10000)), sourceimage.ErrDenied, false, "no no no"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ref := parse(t, test.reference)
			o := sourceimage.Options{
				Transport: hosts{"https://" + ref.Registry(): http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if r.URL.Path != "/v2/" {
						test.answer(w, r)
					}
				})},
				Auth: &sourceimage.Auth{Username: "user", Password: "s3cret!"},
			}
			_, err := sourceimage.Resolve(t.Context(), ref, "x86_64", o)
			e, ok := errors.AsType[*sourceimage.Error](err)
			if !ok || !errors.Is(err, test.reason) || e.Temporary() != test.temporary || !strings.Contains(err.Error(), test.want) || len(err.Error()) > 900 {
				t.Errorf("got %v, want %v with %q", err, test.reason, test.want)
			}
		})
	}
}

// A registry that sends back what it was sent, with what would clear a screen.
func TestEcho(t *testing.T) {
	t.Parallel()
	registry := sourcetest.New()
	registry.Push(t, "team/app:1", sourcetest.OCI(t, amd64, "one"))
	registry.RequireLogin("user", "s3cret!")
	for name, test := range map[string]struct{ at, scheme string }{"token service": {"/token", "Basic"}, "registry": {"/manifests/", "Bearer"}} {
		t.Run(name, func(t *testing.T) {
			echo := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				sent := r.Header.Get("Authorization")
				if !strings.Contains(r.URL.Path, test.at) || !strings.HasPrefix(sent, test.scheme) {
					https(registry).ServeHTTP(w, r)
					return
				}
				_, password, _ := r.BasicAuth()
				sourcetest.Refuse(http.StatusForbidden, "DENIED", "\x1b[2Jyou sent "+sent+" "+password)(w, r)
			})
			o := sourceimage.Options{
				Transport: hosts{"https://ghcr.io": echo},
				Auth:      &sourceimage.Auth{Username: "user", Password: "s3cret!"},
			}
			_, err := sourceimage.Resolve(t.Context(), parse(t, "ghcr.io/team/app:1"), "x86_64", o)
			if err == nil || !strings.Contains(err.Error(), "you sent "+test.scheme+" (withheld)") {
				t.Fatalf("got %v", err)
			}
			for _, secret := range []string{"s3cret!", "dXNlcjpzM2NyZXQh", "a-token-of-the-source-registry", "\x1b"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("%q holds %q", err, secret)
				}
			}
		})
	}
}

func TestUnreachable(t *testing.T) {
	t.Parallel()
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	_, err := resolve(t, strings.TrimPrefix(closed.URL, "http://")+"/app:1", "x86_64")
	if e, ok := errors.AsType[*sourceimage.Error](err); !ok || !errors.Is(err, sourceimage.ErrUnreachable) || !e.Temporary() {
		t.Errorf("got %v for a port that nobody listens at", err)
	}
	untrusted := httptest.NewUnstartedServer(http.NotFoundHandler())
	untrusted.Config.ErrorLog = log.New(io.Discard, "", 0)
	untrusted.StartTLS()
	t.Cleanup(untrusted.Close)
	host := strings.Replace(strings.TrimPrefix(untrusted.URL, "https://"), "127.0.0.1", "example.com", 1)
	o := options(t)
	transport, ok := o.Transport.(*http.Transport)
	if !ok {
		t.Fatal("the transport is another one")
	}
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, untrusted.Listener.Addr().String())
	}
	_, err = sourceimage.Resolve(t.Context(), parse(t, host+"/app:1"), "x86_64", o)
	if e, ok := errors.AsType[*sourceimage.Error](err); !ok || !errors.Is(err, sourceimage.ErrUnreachable) || e.Temporary() || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("got %v for a certificate that nobody trusts", err)
	}
}

func TestInterrupted(t *testing.T) {
	t.Parallel()
	registry := sourcetest.New()
	host := registry.Start(t)
	ctx, cancel := context.WithCancel(t.Context())
	registry.Hook(func(_ http.ResponseWriter, r *http.Request) bool {
		cancel()
		<-r.Context().Done()
		return true
	})
	if _, err := sourceimage.Resolve(ctx, parse(t, host+"/app:1"), "x86_64", options(t)); !errors.Is(err, sourceimage.ErrCanceled) {
		t.Errorf("got %v after an interruption", err)
	}
	ctx, cancel = context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	if _, err := sourceimage.Resolve(ctx, parse(t, host+"/app:1"), "x86_64", options(t)); !errors.Is(err, sourceimage.ErrTimeout) {
		t.Errorf("got %v after the time limit", err)
	}
}

// A manifest that is not the one that was asked for by its digest.
func TestWrongManifest(t *testing.T) {
	t.Parallel()
	registry := sourcetest.New()
	host := registry.Start(t)
	registry.Push(t, "app:1", sourcetest.OCI(t, amd64, "one"))
	digest := registry.Push(t, "app:2", sourcetest.OCI(t, amd64, "two"))
	registry.Hook(func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/manifests/"+digest) {
			r.URL.Path = "/v2/app/manifests/1"
		}
		return false
	})
	_, err := resolve(t, host+"/app@"+digest, "x86_64")
	if !errors.Is(err, sourceimage.ErrCorrupt) {
		t.Errorf("got %v", err)
	}
}

func TestAuthShowsNoPassword(t *testing.T) {
	t.Parallel()
	auth := sourceimage.Auth{Username: "user", Password: "s3cret!"}
	for _, text := range []string{fmt.Sprint(auth), fmt.Sprintf("%+v", &auth), fmt.Sprintf("%#v", auth), fmt.Sprintf("%+v", sourceimage.Options{Auth: &auth})} {
		if strings.Contains(text, "s3cret") {
			t.Errorf("%s shows the password", text)
		}
	}
}
