// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package ecrrepo

import (
	"context"
	"errors"
	"net/http"
)

// What a copy into a repository needs in order to read its source, which may
// be another repository of ECR or a registry that is not AWS's.

// HTTP returns the connection to hosts that are not AWS's: the proxy, the
// certificates and the time limits are those of the provider.
func (r *Repository) HTTP() http.RoundTripper { return r.region.http }

// Retry makes a call to another registry, or several, by the rules that calls
// to ECR's registry are retried by. An error of the call is tried again where
// it has a method Temporary that returns true, and comes back as it is.
func (r *Repository) Retry(ctx context.Context, call func() error) error {
	err := r.region.policy.run(ctx, false, func() error {
		if err := call(); err != nil {
			return &contentError{err}
		}
		return nil
	})
	if unread, ok := errors.AsType[*contentError](err); ok {
		return unread.err
	}
	return err
}

// SameRegistry reports whether two repositories are in one registry: of one
// account and region or, for an emulator, on one host.
func (u RepositoryURL) SameRegistry(other RepositoryURL) bool { return u.sameRegistry(other.Host) }

// Reader returns a transport for go-containerregistry that reads from the
// repository. It needs no other authentication, and its errors are of type
// *Error.
func (r *Repository) Reader(ctx context.Context) (http.RoundTripper, error) {
	transport, err := r.transport(ctx, false)
	if err != nil {
		return nil, err
	}
	return &reader{repository: r, transport: transport}, nil
}

type reader struct {
	repository *Repository
	transport  *registryTransport
}

// RoundTrip implements http.RoundTripper.
func (t *reader) RoundTrip(req *http.Request) (*http.Response, error) {
	resp, err := t.transport.RoundTrip(t.atHost(req))
	if err == nil {
		resp.Request = req
		return resp, nil
	}
	err = t.repository.newError(req.Context(), registryAction(req), err)
	if e, ok := errors.AsType[*Error](err); ok && e.reason == nil && e.StatusCode == http.StatusNotFound {
		// Here 404 means that something is not there that is read by its name.
		e.reason = ErrImageNotFound
	}
	return nil, err
}

// atHost sends a request to the form of the registry's host that the provider
// block asks for: go-containerregistry asks the one that was written.
func (t *reader) atHost(req *http.Request) *http.Request {
	if req.URL.Host == t.transport.host || !t.repository.URL.sameRegistry(req.URL.Host) {
		return req
	}
	req = req.Clone(req.Context())
	req.URL.Host, req.Host = t.transport.host, t.transport.host
	return req
}
