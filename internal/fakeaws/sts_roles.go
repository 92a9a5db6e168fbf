// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

import (
	"slices"
	"sync"
)

// roleRules says which roles cannot be assumed. All others can: IAM's trust
// policies are not modelled.
type roleRules struct {
	mu    sync.Mutex
	never []string
}

// DenyAssumeRole makes AssumeRole and AssumeRoleWithWebIdentity refuse a role.
func (s *Server) DenyAssumeRole(roleARN string) {
	s.roles.mu.Lock()
	defer s.roles.mu.Unlock()
	s.roles.never = append(s.roles.never, roleARN)
}

func (r *roleRules) denied(roleARN string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Contains(r.never, roleARN)
}

// webIdentityRules says which web identity tokens are taken.
type webIdentityRules struct {
	mu   sync.Mutex
	only []string
}

// AcceptWebIdentity makes AssumeRoleWithWebIdentity refuse every token but
// these; without it any token is taken.
func (s *Server) AcceptWebIdentity(tokens ...string) {
	s.webIdentity.mu.Lock()
	defer s.webIdentity.mu.Unlock()
	s.webIdentity.only = append(s.webIdentity.only, tokens...)
}

func (w *webIdentityRules) accepts(token string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.only == nil || slices.Contains(w.only, token)
}
