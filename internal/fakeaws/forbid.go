// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// forbidden holds the operations that a client must never call.
type forbidden struct {
	mu         sync.Mutex
	operations map[string]bool // "service:Operation"
	userAgent  string          // only clients whose User-Agent holds this
	violations []Request
}

// neverByLambdaseed is what the provider has no business with: it changes
// nothing but images, deletes through BatchDeleteImage only, and lists through
// the API only.
var neverByLambdaseed = []string{
	"ecr-registry:Catalog", "ecr-registry:ListImages", "ecr-registry:BatchDeleteImage",
	"ecr:CreateRepository", "ecr:DeleteRepository", "ecr:PutImageTagMutability",
	"ecr:SetRepositoryPolicy", "ecr:DeleteRepositoryPolicy",
	"ecr:PutLifecyclePolicy", "ecr:DeleteLifecyclePolicy",
	"ecr:TagResource", "ecr:UntagResource",
	"lambda:CreateFunction", "lambda:UpdateFunctionCode", "lambda:UpdateFunctionConfiguration",
	"lambda:DeleteFunction", "lambda:Invoke", "ssm:PutParameter", "ssm:DeleteParameter",
}

// Forbid adds operations, written "service:Operation" with the names that
// Request uses, to those that are answered with 500 and listed by Violations
// when a client whose User-Agent holds "lambdaseed" calls them. Those that the
// provider must never call are forbidden from the start.
func (s *Server) Forbid(operations ...string) {
	s.forbidden.mu.Lock()
	defer s.forbidden.mu.Unlock()
	for _, op := range operations {
		s.forbidden.operations[op] = true
	}
}

// Violations lists the forbidden requests since Start or ResetRequests.
func (s *Server) Violations() []Request {
	s.forbidden.mu.Lock()
	defer s.forbidden.mu.Unlock()
	return slices.Clone(s.forbidden.violations)
}

func (f *forbidden) reset() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.violations = nil
}

func (f *forbidden) violates(r Request) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !f.operations[r.Service+":"+r.Operation] || !strings.Contains(r.UserAgent, f.userAgent) {
		return false
	}
	f.violations = append(f.violations, r)
	return true
}

// refuse answers a violation so that no client mistakes it for AWS.
func (f *forbidden) refuse(w http.ResponseWriter, r Request) {
	http.Error(w, fmt.Sprintf("fakeaws: %s %s (%s:%s) must never be called by this client", r.Method, r.Path, r.Service, r.Operation),
		http.StatusInternalServerError)
}
