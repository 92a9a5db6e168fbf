// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package sourceimage

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/authn"
)

// Auth is a login.
type Auth struct{ Username, Password string }

// String keeps the password out of anything that prints a login.
func (a Auth) String() string { return "login of " + a.Username }

// GoString does the same for %#v.
func (a Auth) GoString() string { return a.String() }

// access is the connection and the login for the registry.
type access struct {
	transport http.RoundTripper
	auth      authn.Authenticator
	// unread is why docker's configuration did not tell the login. That does not
	// stand in the way of a public image, and is told where it matters.
	unread error
}

// login finds the access, once.
func (c *client) login(ctx context.Context) error {
	if c.access != nil {
		return nil
	}
	if auth := c.options.Auth; auth != nil {
		c.access = &access{transport: c.options.Transport, auth: &authn.Basic{Username: auth.Username, Password: auth.Password}}
		return nil
	}
	if c.options.ECR != nil {
		way, err := c.options.ECR(ctx, c.ref)
		if err != nil {
			return &wayError{err}
		}
		if way != nil {
			c.access = &access{transport: way, auth: authn.Anonymous}
			return nil
		}
	}
	found := &access{transport: c.options.Transport, auth: authn.Anonymous}
	// ECR Public takes everyone, but not one who comes with a login that has
	// expired, as those of docker's configuration soon are.
	if c.options.Keychain != nil && c.ref.Registry() != "public.ecr.aws" {
		auth, err := c.resolve(ctx)
		switch {
		case err == nil:
			found.auth = auth
		case ctx.Err() != nil:
			return err
		}
		found.unread = err
	}
	c.access = found
	return nil
}

var errHelper = errors.New("its credential helper does not answer")

// resolve asks docker's configuration for a login. It may start a program that
// waits for somebody to type, and that no context ends: then that is left
// behind, with its answer.
func (c *client) resolve(ctx context.Context) (authn.Authenticator, error) {
	type answer struct {
		auth authn.Authenticator
		err  error
	}
	w := c.watch(ctx)
	defer w.close()
	answers := make(chan answer, 1)
	go func() {
		auth, err := authn.Resolve(w.ctx, c.options.Keychain, c.ref.name.Context())
		if err == nil {
			err = c.noteLogin(w.ctx, auth)
		}
		answers <- answer{auth, err}
	}()
	var got answer
	select {
	case got = <-answers:
	case <-w.ctx.Done():
		got.err = errHelper
	}
	if got.err != nil {
		return nil, fmt.Errorf("the docker configuration could not be read: %w", got.err)
	}
	return got.auth, nil
}

// noteLogin remembers what a login holds that is not sent as a header.
func (c *client) noteLogin(ctx context.Context, auth authn.Authenticator) error {
	login, err := authn.Authorization(ctx, auth)
	if err != nil {
		return err
	}
	c.secrets.add(login.IdentityToken)
	c.secrets.add(login.RegistryToken)
	return nil
}

// secrets are what was sent to a registry to be let in, to be kept out of texts
// should the registry send it back.
type secrets struct {
	mu    sync.Mutex
	texts map[string]bool
}

// note remembers the credentials of a request: what is behind the scheme.
func (s *secrets) note(authorization string) {
	_, credentials, _ := strings.Cut(authorization, " ")
	s.add(credentials)
	if login, err := base64.StdEncoding.DecodeString(credentials); err == nil {
		_, password, _ := strings.Cut(string(login), ":")
		s.add(password)
	}
}

// add remembers a secret, as it is and as it stands in a form.
func (s *secrets) add(secret string) {
	if secret == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.texts == nil {
		s.texts = map[string]bool{}
	}
	s.texts[secret], s.texts[url.QueryEscape(secret)] = true, true
}

// withhold takes the secrets out of a text.
func (s *secrets) withhold(text string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for secret := range s.texts {
		text = strings.ReplaceAll(text, secret, "(withheld)")
	}
	return text
}
