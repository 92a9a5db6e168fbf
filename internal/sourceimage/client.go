// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package sourceimage

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// stallTime is how long a registry may send nothing, in the middle of an answer
// or before it, until the try is given up.
const stallTime = time.Minute

// Options are how a source is read.
type Options struct {
	// Transport is the connection to registries: proxy, certificates. Required.
	Transport http.RoundTripper
	// ECR, where it is not nil, is asked for the transport of a registry first.
	// It returns nil for one that is not ECR's; one that it returns needs no
	// other authentication.
	ECR func(ctx context.Context, ref Reference) (http.RoundTripper, error)
	// Auth is the login for the source's registry, nil for none.
	Auth *Auth
	// Keychain tells the login where Auth is nil; nil for none.
	Keychain authn.Keychain
	// Retry makes calls and tries again what failed with an error that is
	// Temporary. Where it is nil, calls are made once.
	Retry func(ctx context.Context, call func() error) error
	// UserAgent names the program to the registry.
	UserAgent string
	// StallTime changes how long a registry may send nothing; 0 for a minute.
	StallTime time.Duration
}

// client reads one repository of a registry. It is made ready by the first call
// to retry; from then on streams may share it.
type client struct {
	ref     Reference
	options Options
	secrets secrets
	access  *access

	http   *http.Client
	puller *remote.Puller
}

func newClient(ref Reference, o Options) *client {
	if o.Retry == nil {
		o.Retry = func(_ context.Context, call func() error) error { return call() }
	}
	if o.StallTime == 0 {
		o.StallTime = stallTime
	}
	return &client{ref: ref, options: o}
}

// retry makes a call by the rules that were handed in; its error is an *Error.
func (c *client) retry(ctx context.Context, call func(ctx context.Context) error) error {
	return c.options.Retry(ctx, func() error {
		// Not watched: other services are asked for it, which may take their time.
		if err := c.login(ctx); err != nil {
			return c.newError(ctx, err)
		}
		w := c.watch(ctx)
		defer w.close()
		err := c.connect(w.ctx)
		if err == nil {
			err = call(w.ctx)
		}
		if err != nil {
			return c.newError(w.ctx, err)
		}
		return nil
	})
}

// connect finds out how the registry wants to be asked, once.
func (c *client) connect(ctx context.Context) error {
	if c.puller != nil {
		return nil
	}
	repository := c.ref.name.Context()
	base := transport.NewUserAgent(&guard{client: c, base: c.access.transport}, c.options.UserAgent)
	// Asks for a token where the registry wants one, and sends it, or the login,
	// to that registry alone.
	authorised, err := transport.NewWithContext(ctx, repository.Registry, c.access.auth, base, []string{repository.Scope(transport.PullScope)})
	if err != nil {
		return err
	}
	puller, err := remote.NewPuller(remote.WithTransport(authorised))
	if err != nil {
		return err
	}
	c.http = &http.Client{
		Transport: authorised,
		// The guard decides about redirects.
		CheckRedirect: func(*http.Request, []*http.Request) error { return nil },
	}
	c.puller = puller
	return nil
}

// manifest reads a manifest: that of the reference, or that of a digest in the
// same repository.
func (c *client) manifest(ctx context.Context, digest string) (*remote.Descriptor, error) {
	var found *remote.Descriptor
	err := c.retry(ctx, func(ctx context.Context) error {
		ref := c.ref.name
		if digest != "" {
			ref = ref.Context().Digest(digest)
		}
		var err error
		found, err = c.puller.Get(ctx, ref)
		if err == nil {
			return nil
		}
		return c.corrupt(err)
	})
	return found, err
}

// corrupt recognises that go-containerregistry found another digest than the
// one that was asked for, which it has no type of error for.
func (c *client) corrupt(err error) error {
	if strings.Contains(err.Error(), "does not match requested digest") {
		return c.errorf(ErrCorrupt, "the manifest's digest is another one than was asked for")
	}
	return err
}

// blob opens a blob. Its content is not verified here.
func (c *client) blob(ctx context.Context, digest v1.Hash, size int64) (io.ReadCloser, error) {
	registry := c.ref.name.Context()
	at := url.URL{
		Scheme: registry.Scheme(),
		Host:   registry.RegistryStr(),
		Path:   fmt.Sprintf("/v2/%s/blobs/%s", registry.RepositoryStr(), digest),
	}
	req, err := http.NewRequestWithContext(context.WithValue(ctx, layerKey{}, true), http.MethodGet, at.String(), http.NoBody)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	err = transport.CheckError(resp, http.StatusOK)
	if err == nil && resp.ContentLength >= 0 && resp.ContentLength != size {
		err = c.errorf(ErrCorrupt, "the blob %s has %d bytes instead of the %d that the manifest says", digest, resp.ContentLength, size)
	}
	if err != nil {
		return nil, errors.Join(err, resp.Body.Close())
	}
	return resp.Body, nil
}

// errStalled is why a try was given up in which nothing came any more.
var errStalled = errors.New("nothing came for too long")

// watch is a context that ends when nothing has happened for the stall time.
type watch struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	timer  *time.Timer
	limit  time.Duration
}

func (c *client) watch(ctx context.Context) *watch {
	ctx, cancel := context.WithCancelCause(ctx)
	return &watch{
		ctx: ctx, cancel: cancel, limit: c.options.StallTime,
		timer: time.AfterFunc(c.options.StallTime, func() { cancel(errStalled) }),
	}
}

// pause stops the clock while it is not the registry that is waited for.
func (w *watch) pause() { w.timer.Stop() }

// resume starts the clock anew.
func (w *watch) resume() { w.timer.Reset(w.limit) }

func (w *watch) close() {
	w.timer.Stop()
	w.cancel(context.Canceled)
}
