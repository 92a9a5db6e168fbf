// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
)

// policies holds the identity policy of each principal that has one.
type policies struct {
	mu sync.Mutex
	of map[string]policyDocument // by access key, principal ARN or role ARN
}

// policyDocument is an IAM policy, as far as it is evaluated here: Effect,
// Principal, (Not)Action and (Not)Resource with wildcards.
type policyDocument struct {
	Version   string            `json:"Version,omitempty"`
	Statement statementList     `json:"Statement"`
	Raw       map[string]string `json:"-"`
}

type statementList []policyStatement

type policyStatement struct {
	Sid         string          `json:"Sid,omitempty"`
	Effect      string          `json:"Effect"`
	Principal   json.RawMessage `json:"Principal,omitempty"`
	Action      stringList      `json:"Action,omitempty"`
	NotAction   stringList      `json:"NotAction,omitempty"`
	Resource    stringList      `json:"Resource,omitempty"`
	NotResource stringList      `json:"NotResource,omitempty"`
	Condition   json.RawMessage `json:"Condition,omitempty"`
}

// stringList is a JSON string or list of strings, as IAM takes either.
type stringList []string

// UnmarshalJSON accepts "a" and ["a","b"].
func (l *stringList) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*l = stringList{one}
		return nil
	}
	return json.Unmarshal(data, (*[]string)(l))
}

// UnmarshalJSON accepts one statement or a list of them.
func (l *statementList) UnmarshalJSON(data []byte) error {
	var one policyStatement
	if json.Unmarshal(data, &one) == nil {
		*l = statementList{one}
		return nil
	}
	return json.Unmarshal(data, (*[]policyStatement)(l))
}

func parsePolicy(document string) (policyDocument, error) {
	var p policyDocument
	if err := json.Unmarshal([]byte(document), &p); err != nil {
		return p, fmt.Errorf("policy document: %w", err)
	}
	if len(p.Statement) == 0 {
		return p, errors.New("policy document: no statement")
	}
	for _, st := range p.Statement {
		if st.Effect != "Allow" && st.Effect != "Deny" {
			return p, fmt.Errorf("policy document: effect %q is neither Allow nor Deny", st.Effect)
		}
		if len(st.Action) == 0 && len(st.NotAction) == 0 {
			return p, errors.New("policy document: a statement has no action")
		}
	}
	return p, nil
}

// SetPolicy gives a principal an identity policy, as JSON, and so ends its
// being allowed everything. who is an access key, a user's ARN or, for all
// sessions of a role, the role's ARN. An empty document takes the policy away.
// Conditions cannot be evaluated here and are an error.
func (s *Server) SetPolicy(who, document string) error {
	s.policies.mu.Lock()
	defer s.policies.mu.Unlock()
	if document == "" {
		delete(s.policies.of, who)
		return nil
	}
	p, err := parsePolicy(document)
	if err != nil {
		return err
	}
	for _, st := range p.Statement {
		if len(st.Condition) > 0 {
			return errors.New("policy document: fakeaws does not evaluate conditions")
		}
		if len(st.Resource) == 0 && len(st.NotResource) == 0 {
			return errors.New("policy document: a statement has no resource")
		}
	}
	s.policies.of[who] = p
	return nil
}

// AllowPolicy writes the policy that allows actions on one resource.
func AllowPolicy(resource string, actions ...string) string {
	document, err := json.Marshal(policyDocument{Version: "2012-10-17", Statement: statementList{
		{Effect: "Allow", Action: actions, Resource: stringList{resource}},
	}})
	if err != nil {
		panic(err) // strings always encode
	}
	return string(document)
}

func (s *Server) policyOf(who principal) (policyDocument, bool) {
	s.policies.mu.Lock()
	defer s.policies.mu.Unlock()
	for _, key := range []string{who.AccessKey, who.ARN, who.RoleARN} {
		if p, ok := s.policies.of[key]; ok && key != "" {
			return p, true
		}
	}
	return policyDocument{}, false
}

// decision is what a policy says about one action on one resource.
type decision int

const (
	silent decision = iota
	allowed
	denied
)

func (p policyDocument) decide(need permission, matchesPrincipal func(json.RawMessage) bool) decision {
	result := silent
	for _, st := range p.Statement {
		if matchesPrincipal != nil && !matchesPrincipal(st.Principal) {
			continue
		}
		if !matchesEither(st.Action, st.NotAction, need.Action, true) {
			continue
		}
		// A resource policy stands for the resource that it is attached to.
		if matchesPrincipal == nil && !matchesEither(st.Resource, st.NotResource, need.Resource, false) {
			continue
		}
		if st.Effect == "Deny" {
			return denied
		}
		result = allowed
	}
	return result
}

func matchesEither(patterns, not []string, value string, fold bool) bool {
	if len(not) > 0 {
		return !matchesAny(not, value, fold)
	}
	return matchesAny(patterns, value, fold)
}

func matchesAny(patterns []string, value string, fold bool) bool {
	for _, pattern := range patterns {
		if fold {
			pattern, value = strings.ToLower(pattern), strings.ToLower(value)
		}
		if wildcard(pattern, value) {
			return true
		}
	}
	return false
}

// wildcard matches * (any run) and ? (one character).
func wildcard(pattern, value string) bool {
	star, mark := -1, 0
	p, v := 0, 0
	for v < len(value) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, v
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == value[v]):
			p++
			v++
		case star >= 0:
			mark++
			p, v = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// principalMatcher tells whether a Principal element names who.
func principalMatcher(who principal) func(json.RawMessage) bool {
	names := []string{"*", who.ARN, who.RoleARN, who.Account}
	if account := who.ARN; account != "" {
		partition, _, _ := strings.Cut(strings.TrimPrefix(account, "arn:"), ":")
		names = append(names, "arn:"+partition+":iam::"+who.Account+":root")
	}
	return func(raw json.RawMessage) bool {
		var star string
		if json.Unmarshal(raw, &star) == nil {
			return star == "*"
		}
		var byKind map[string]stringList
		if json.Unmarshal(raw, &byKind) != nil {
			return false
		}
		for _, name := range byKind["AWS"] {
			for _, mine := range names {
				if mine != "" && name == mine {
					return true
				}
			}
		}
		return false
	}
}

// serviceMatcher tells whether a Principal element names an AWS service, such
// as lambda.amazonaws.com.
func serviceMatcher(service string) func(json.RawMessage) bool {
	return func(raw json.RawMessage) bool {
		var star string
		if json.Unmarshal(raw, &star) == nil {
			return star == "*"
		}
		var byKind map[string]stringList
		return json.Unmarshal(raw, &byKind) == nil && matchesAny(byKind["Service"], service, false)
	}
}

// authorize asks the caller's identity policy and, for another account's
// resource, the resource's policy ("" if it has none). The text of a refusal
// is the one users report for ECR (osscontainertools/kaniko#1455,
// aws-actions/amazon-ecr-login#232).
func (s *Server) authorize(who principal, need permission, resourceAccount, resourcePolicy string) (refusal string, ok bool) {
	text := fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %s", who.ARN, need.Action, need.Resource)
	onResource := silent
	if resourcePolicy != "" {
		if p, err := parsePolicy(resourcePolicy); err == nil {
			onResource = p.decide(need, principalMatcher(who))
		}
	}
	if onResource == denied {
		return text + " with an explicit deny in a resource-based policy", false
	}
	if p, limited := s.policyOf(who); limited {
		switch p.decide(need, nil) {
		case denied:
			return text + " with an explicit deny in an identity-based policy", false
		case silent:
			if onResource != allowed || resourceAccount != who.Account {
				return text + " because no identity-based policy allows the " + need.Action + " action", false
			}
		case allowed:
		}
	}
	if resourceAccount != "" && resourceAccount != who.Account && onResource != allowed {
		return text + " because no resource-based policy allows the " + need.Action + " action", false
	}
	return "", true
}
