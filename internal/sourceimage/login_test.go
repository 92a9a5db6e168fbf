// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package sourceimage_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/sourceimage"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/sourceimage/sourcetest"
)

// Only the registry's own silence is one: what comes before it is asked, the
// credentials for ECR for instance, has as long as the operation.
func TestStall_notOfCredentials(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		registry := sourcetest.New()
		registry.Push(t, "team/app:1", sourcetest.OCI(t, amd64, "one"))
		o := sourceimage.Options{ECR: func(ctx context.Context, ref sourceimage.Reference) (http.RoundTripper, error) {
			select {
			case <-ctx.Done():
				return nil, ctx.Err()
			case <-time.After(10 * time.Minute):
				return hosts{"https://" + ref.Registry(): https(registry)}, nil
			}
		}}
		if _, err := sourceimage.Resolve(t.Context(), parse(t, "ghcr.io/team/app:1"), "x86_64", o); err != nil {
			t.Error(err)
		}
	})
}

// silent answers nothing, and says in ECR's words that it was interrupted.
type silent struct{}

func (silent) RoundTrip(req *http.Request) (*http.Response, error) {
	<-req.Context().Done()
	return nil, interruptedECR{}
}

type interruptedECR struct{ ecrError }

func (interruptedECR) Temporary() bool { return false }

// A silence of ECR is one as that of any other registry: given up, and tried
// again.
func TestStall_ofECR(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := sourceimage.Options{ECR: func(context.Context, sourceimage.Reference) (http.RoundTripper, error) { return silent{}, nil }}
		_, err := sourceimage.Resolve(t.Context(), parse(t, "ghcr.io/team/app:1"), "x86_64", o)
		e, ok := errors.AsType[*sourceimage.Error](err)
		if !ok || !e.Temporary() || !errors.Is(err, sourceimage.ErrUnreachable) || !strings.HasSuffix(err.Error(), ": nothing came for 1m0s") {
			t.Errorf("got %v", err)
		}
	})
}

// blockedKeychain is a credential helper that waits for somebody to type.
type blockedKeychain struct{ until chan struct{} }

func (k blockedKeychain) Resolve(authn.Resource) (authn.Authenticator, error) {
	<-k.until
	return authn.Anonymous, nil
}

// A credential helper that does not answer holds up nobody who interrupts it,
// no operation beyond its time limit, and a public image for a minute.
func TestLogin_helperThatBlocks(t *testing.T) {
	t.Parallel()
	const unread = "the docker configuration could not be read: its credential helper does not answer"
	for name, test := range map[string]struct {
		limit  time.Duration
		end    func(cancel func())
		login  bool
		reason error
		want   string
	}{
		"interrupted":   {time.Hour, func(cancel func()) { cancel() }, true, sourceimage.ErrCanceled, ": interrupted: " + unread},
		"time limit":    {time.Second, nil, true, sourceimage.ErrTimeout, ": timed out: " + unread},
		"public image":  {time.Hour, nil, false, nil, ""},
		"private image": {time.Hour, nil, true, sourceimage.ErrDenied, "(asked without a login, because " + unread + ")"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				registry := sourcetest.New()
				registry.Push(t, "team/app:1", sourcetest.OCI(t, amd64, "one"))
				if test.login {
					registry.RequireLogin("user", "s3cret!")
				}
				until := make(chan struct{})
				defer close(until)
				ctx, cancel := context.WithTimeout(t.Context(), test.limit)
				defer cancel()
				if test.end != nil {
					time.AfterFunc(time.Second, func() { test.end(cancel) })
				}
				begun := time.Now()
				_, err := sourceimage.Resolve(ctx, parse(t, "ghcr.io/team/app:1"), "x86_64", sourceimage.Options{
					Transport: hosts{"https://ghcr.io": https(registry)}, Keychain: blockedKeychain{until},
				})
				if !errors.Is(err, test.reason) || err != nil && !strings.Contains(err.Error(), test.want) {
					t.Errorf("got %v, want %v with %q", err, test.reason, test.want)
				}
				if took := time.Since(begun); took > time.Minute {
					t.Errorf("it took %s", took)
				}
			})
		})
	}
}

// What docker's configuration holds is a secret in each of its forms, and so is
// what a token service answers.
func TestLogin_secretsOfTheKeychain(t *testing.T) {
	t.Parallel()
	const secret = "s3cret+token/of=docker"
	for name, test := range map[string]struct {
		login authn.AuthConfig
		token http.HandlerFunc
		want  string
	}{
		"identity token": {
			authn.AuthConfig{Username: "<token>", IdentityToken: secret},
			func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				sourcetest.Refuse(http.StatusForbidden, "DENIED", fmt.Sprintf("not with %s or %s", body, secret))(w, r)
			},
			"refresh_token=(withheld)",
		},
		"password": {
			authn.AuthConfig{Username: "user", Password: secret},
			func(w http.ResponseWriter, r *http.Request) {
				_, password, _ := r.BasicAuth()
				sourcetest.Refuse(http.StatusForbidden, "DENIED", r.Header.Get("Authorization")+" "+password)(w, r)
			},
			"Basic (withheld) (withheld)",
		},
		"registry token": {
			authn.AuthConfig{RegistryToken: secret},
			nil,
			"not with Bearer (withheld)",
		},
		"answer without a token": {
			authn.AuthConfig{Username: "user", Password: "password"},
			func(w http.ResponseWriter, _ *http.Request) { _, _ = fmt.Fprintf(w, `{"refresh_token":%q}`, secret) },
			"the token service answered without a token",
		},
		"answer that is no JSON": {
			authn.AuthConfig{Username: "user", Password: "password"},
			func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, secret) },
			"ghcr.io/team/app:1: unexpected answer: ",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch {
				case r.URL.Path == "/token":
					test.token(w, r)
				case r.Header.Get("Authorization") != "":
					sourcetest.Refuse(http.StatusForbidden, "DENIED", "not with "+r.Header.Get("Authorization"))(w, r)
				default:
					w.Header().Set("Www-Authenticate", `Bearer realm="https://ghcr.io/token"`)
					w.WriteHeader(http.StatusUnauthorized)
				}
			})
			_, err := sourceimage.Resolve(t.Context(), parse(t, "ghcr.io/team/app:1"), "x86_64", sourceimage.Options{
				Transport: hosts{"https://ghcr.io": handler}, Keychain: fixedKeychain{auth: authn.FromConfig(test.login)},
			})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Fatalf("got %v, want %q", err, test.want)
			}
			for _, text := range []string{secret, "s3cret%2Btoken", "czNjcmV0"} {
				if strings.Contains(err.Error(), text) {
					t.Errorf("%q holds %q", err, text)
				}
			}
		})
	}
}

// An identity token is in the body of a request, which a redirect would repeat.
func TestLogin_isNotRedirected(t *testing.T) {
	t.Parallel()
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/token" {
			http.Redirect(w, r, "https://elsewhere.example.com/token", http.StatusTemporaryRedirect)
			return
		}
		w.Header().Set("Www-Authenticate", `Bearer realm="https://ghcr.io/token"`)
		w.WriteHeader(http.StatusUnauthorized)
	})
	elsewhere := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("%s %s was asked for", r.Method, r.URL)
	})
	_, err := sourceimage.Resolve(t.Context(), parse(t, "ghcr.io/team/app:1"), "x86_64", sourceimage.Options{
		Transport: hosts{"https://ghcr.io": handler, "https://elsewhere.example.com": elsewhere},
		Keychain:  fixedKeychain{auth: authn.FromConfig(authn.AuthConfig{IdentityToken: "s3cret!"})},
	})
	if !errors.Is(err, sourceimage.ErrUnexpectedAnswer) || !strings.Contains(err.Error(), "ghcr.io sends a login on to elsewhere.example.com") {
		t.Errorf("got %v", err)
	}
}

// The usual way of the two large public registries: nobody logs in, and a token
// comes from a service that may be at another host, which gets nothing itself.
func TestLogin_anonymousToken(t *testing.T) {
	t.Parallel()
	for reference, realm := range map[string]string{
		"alpine:3":                     "https://auth.docker.io/token",
		"public.ecr.aws/docker/app:3":  "https://public.ecr.aws/token/",
		"registry.example.com/a/app:3": "https://registry.example.com/token",
	} {
		t.Run(reference, func(t *testing.T) {
			t.Parallel()
			registry := sourcetest.New()
			ref := parse(t, reference)
			registry.Push(t, ref.Repository()+":3", sourcetest.OCI(t, amd64, "one", "two"))
			registry.RequireToken(realm)
			service, err := url.Parse(realm)
			if err != nil {
				t.Fatal(err)
			}
			img, err := sourceimage.Resolve(t.Context(), ref, "x86_64", sourceimage.Options{
				Transport: hosts{"https://" + ref.Registry(): https(registry), "https://" + service.Host: https(registry)},
			})
			if err != nil {
				t.Fatal(err)
			}
			readAll(t, img)
			tokens := 0
			for _, request := range registry.Requests() {
				switch {
				case request.Host == service.Host && request.Path == service.Path:
					tokens++
					if request.Authorization != "" {
						t.Errorf("the token service was sent %q", request.Authorization)
					}
				case request.Path != "/v2/" && request.Authorization != "Bearer "+sourcetest.Token:
					t.Errorf("%s %s came with %q", request.Host, request.Path, request.Authorization)
				}
			}
			if tokens != 1 {
				t.Errorf("%d tokens were asked for, want 1", tokens)
			}
		})
	}
}
