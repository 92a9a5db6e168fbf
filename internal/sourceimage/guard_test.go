// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package sourceimage_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/sourceimage"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/sourceimage/sourcetest"
)

// Where a registry redirects to another host, as for blobs, the login stays
// behind, and so does the token.
func TestRedirect_dropsLogin(t *testing.T) {
	t.Parallel()
	for scheme, require := range map[string]func(*sourcetest.Registry, string, string){
		"Bearer": (*sourcetest.Registry).RequireLogin,
		"Basic":  (*sourcetest.Registry).RequireBasic,
	} {
		t.Run(scheme, func(t *testing.T) {
			t.Parallel()
			registry := sourcetest.New()
			img := sourcetest.OCI(t, amd64, "one", "two")
			registry.Push(t, "app:1", img)
			require(registry, "user", "s3cret!")
			storage := sourcetest.New()
			storage.Push(t, "app:1", img)
			registry.Hook(func(w http.ResponseWriter, r *http.Request) bool {
				if !strings.Contains(r.URL.Path, "/blobs/") || !strings.HasPrefix(r.Header.Get("Authorization"), scheme+" ") {
					return false
				}
				w.Header().Set("Location", "https://storage.example.com"+r.URL.Path+"?signature=secret")
				w.WriteHeader(http.StatusTemporaryRedirect)
				return true
			})
			o := sourceimage.Options{
				Transport: hosts{"https://ghcr.io": https(registry), "https://storage.example.com": https(storage)},
				Auth:      &sourceimage.Auth{Username: "user", Password: "s3cret!"},
			}
			got, err := sourceimage.Resolve(t.Context(), parse(t, "ghcr.io/app:1"), "x86_64", o)
			if err != nil {
				t.Fatal(err)
			}
			readAll(t, got)
			if n := storage.Count(http.MethodGet, "/blobs/"); n != 3 {
				t.Fatalf("%d blobs were redirected, want the config and two layers", n)
			}
			for _, request := range storage.Requests() {
				if request.Authorization != "" {
					t.Errorf("%s %s on the other host carried %q", request.Method, request.Path, request.Authorization)
				}
			}
		})
	}
}

// The ways by which a registry could lead somewhere that it should not.
func TestGuard(t *testing.T) {
	t.Parallel()
	redirect := func(to string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusTemporaryRedirect) }
	}
	challenge := func(realm string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Www-Authenticate", fmt.Sprintf("Bearer realm=%q", realm))
			w.WriteHeader(http.StatusUnauthorized)
		}
	}
	endless := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", string(types.OCIManifestSchema1))
		_, _ = w.Write(bytes.Repeat([]byte(" "), 5<<20))
	}
	at := func(part string, do http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.Path, part) {
				do(w, r)
			}
		}
	}
	for name, test := range map[string]struct {
		handler http.HandlerFunc
		reason  error
		want    string
	}{
		"redirect to plain HTTP":       {redirect("http://storage.example.com/"), sourceimage.ErrPlainHTTP, "storage.example.com is asked for over plain HTTP, which is accepted for this machine (loopback) only"},
		"redirect to metadata service": {redirect("https://169.254.169.254/latest/meta-data"), sourceimage.ErrUnexpectedAnswer, "registry.example.com redirects to the private address 169.254.169.254"},
		"redirect to private address":  {redirect("https://10.1.2.3/"), sourceimage.ErrUnexpectedAnswer, "redirects to the private address 10.1.2.3"},
		"redirect to this machine":     {redirect("http://localhost:8080/"), sourceimage.ErrUnexpectedAnswer, "redirects to the private address localhost:8080"},
		"redirect in disguise":         {redirect("https://0x7f.1/"), sourceimage.ErrUnexpectedAnswer, "redirects to the private address 0x7f.1"},
		"redirects without end":        {at("/manifests/", redirect("https://registry.example.com/v2/app/manifests/1")), sourceimage.ErrUnexpectedAnswer, "more than 10 redirects"},
		"token over plain HTTP":        {challenge("http://auth.example.com/token"), sourceimage.ErrUnexpectedAnswer, "not allowed for a secure registry; use https"},
		"token from private address":   {challenge("https://192.168.0.1/token"), sourceimage.ErrUnexpectedAnswer, "private or link-local address"},
		"endless manifest":             {at("/manifests/", endless), sourceimage.ErrUnexpectedAnswer, "the answer is longer than 4194304 bytes"},
		"endless token": {
			func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/token" {
					endless(w, r)
				} else {
					challenge("https://registry.example.com/token")(w, r)
				}
			},
			sourceimage.ErrUnexpectedAnswer, "body exceeds 65536 byte limit",
		},
		"page of a proxy": {
			func(w http.ResponseWriter, _ *http.Request) {
				_, _ = io.WriteString(w, "<html>Please log in to the network</html>")
			},
			sourceimage.ErrUnexpectedAnswer, "is not JSON",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := sourceimage.Options{Transport: hosts{"https://registry.example.com": test.handler}, Auth: &sourceimage.Auth{Username: "user", Password: "s3cret!"}}
			_, err := sourceimage.Resolve(t.Context(), parse(t, "registry.example.com/app:1"), "x86_64", o)
			if !errors.Is(err, test.reason) || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %v with %q", err, test.reason, test.want)
			}
		})
	}
}

// A registry that is named by a private address, which go-containerregistry
// would ask over plain HTTP, is not.
func TestGuard_privateRegistry(t *testing.T) {
	t.Parallel()
	asked := false
	o := sourceimage.Options{
		Transport: hosts{"http://10.0.0.5:5000": http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked = true })},
		Auth:      &sourceimage.Auth{Username: "user", Password: "s3cret!"},
	}
	_, err := sourceimage.Resolve(t.Context(), parse(t, "10.0.0.5:5000/app:1"), "x86_64", o)
	if !errors.Is(err, sourceimage.ErrPlainHTTP) || asked {
		t.Errorf("got %v, asked %t", err, asked)
	}
}
