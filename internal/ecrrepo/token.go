// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package ecrrepo

import (
	"context"
	"encoding/base64"
	"fmt"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
)

// renewBefore is how long before its end a token is renewed, so that it does
// not end in the middle of an upload. ECR's tokens last twelve hours (ECR API
// reference, GetAuthorizationToken); one that lasts less is kept for three
// quarters of its time.
const renewBefore = 30 * time.Minute

// withheld stands where a server has sent a password back.
const withheld = "[withheld]"

// token is what GetAuthorizationToken gives.
type token struct {
	// authorization is the value of an Authorization header, a secret.
	authorization string
	// secrets takes the password, in both its forms, out of a text.
	secrets *strings.Replacer
	// endpoint is the registry that ECR names for it.
	endpoint *url.URL
	// renewAt is when a new one is asked for.
	renewAt time.Time
}

// String keeps the secret out of anything that prints a token.
func (t *token) String() string { return "ECR token for " + t.endpoint.Host }

// GoString does the same for %#v.
func (t *token) GoString() string { return t.String() }

// tokenSource gets a registry's token once and again before it ends. Callers
// that arrive together wait for one request; one that is interrupted does not
// fail the others.
type tokenSource struct {
	api *api
	// registryIDs is nil for the caller's own registry.
	registryIDs []string
	now         func() time.Time

	busy    chan struct{} // a mutex that can be waited for with a context
	mu      sync.Mutex
	current *token
}

func newTokenSource(api *api, registryIDs []string, now func() time.Time) *tokenSource {
	return &tokenSource{api: api, registryIDs: registryIDs, now: now, busy: make(chan struct{}, 1)}
}

func (s *tokenSource) valid() *token {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current == nil || !s.now().Before(s.current.renewAt) {
		return nil
	}
	return s.current
}

// get returns a token that is not near its end.
func (s *tokenSource) get(ctx context.Context) (*token, error) {
	if t := s.valid(); t != nil {
		return t, nil
	}
	select {
	case s.busy <- struct{}{}:
		defer func() { <-s.busy }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if t := s.valid(); t != nil {
		return t, nil
	}
	t, err := s.request(ctx)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.current = t
	s.mu.Unlock()
	return t, nil
}

// drop forgets a token that the registry has refused, unless a newer one has
// taken its place.
func (s *tokenSource) drop(refused *token) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current == refused {
		s.current = nil
	}
}

func (s *tokenSource) request(ctx context.Context) (*token, error) {
	out, err := s.api.getAuthorizationToken(ctx, &ecr.GetAuthorizationTokenInput{
		RegistryIds: s.registryIDs, //nolint:staticcheck // The only way to have ECR name another account's registry.
	})
	if err != nil {
		return nil, err
	}
	if len(out.AuthorizationData) == 0 {
		return nil, fmt.Errorf("%w: GetAuthorizationToken gave no authorization data", ErrUnexpectedAnswer)
	}
	return parseToken(out.AuthorizationData[0], s.now())
}

// parseToken reads what ECR gives. Its error must not carry what was decoded.
func parseToken(data types.AuthorizationData, now time.Time) (*token, error) {
	encoded := aws.ToString(data.AuthorizationToken)
	// The header takes it as it comes.
	decoded, err := base64.StdEncoding.DecodeString(encoded)
	_, password, found := strings.Cut(string(decoded), ":")
	// The decoder skips line ends, which a header cannot have.
	if err != nil || !found || password == "" || strings.ContainsAny(encoded, "\r\n") {
		return nil, fmt.Errorf("%w: GetAuthorizationToken gave a token that is not base64 of user and password", ErrUnexpectedAnswer)
	}
	endpoint, err := url.Parse(aws.ToString(data.ProxyEndpoint))
	if err != nil || endpoint.Host == "" {
		return nil, fmt.Errorf("%w: GetAuthorizationToken named no registry endpoint", ErrUnexpectedAnswer)
	}
	lifetime := aws.ToTime(data.ExpiresAt).Sub(now)
	return &token{
		authorization: "Basic " + encoded,
		secrets:       strings.NewReplacer(encoded, withheld, password, withheld),
		endpoint:      endpoint,
		renewAt:       now.Add(lifetime - min(renewBefore, lifetime/4)),
	}, nil
}

// isLoopback reports whether a host, with or without port, can only be this
// machine.
func isLoopback(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	host = strings.Trim(host, "[]")
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
