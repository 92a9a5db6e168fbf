// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package exampletest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	tfjson "github.com/hashicorp/terraform-json"
)

// Change returns the planned change of a resource, nil if the plan has none.
func (p *Plan) Change(address string) *tfjson.Change {
	for _, r := range p.ResourceChanges {
		if r.Address == address && !r.Change.Actions.NoOp() && !r.Change.Actions.Read() {
			return r.Change
		}
	}
	return nil
}

// Changes says in a line what the plan would do, "" for an empty one.
func (p *Plan) Changes() string {
	var changes []string
	for _, r := range p.ResourceChanges {
		if r.Change.Actions.NoOp() {
			continue
		}
		words := make([]string, len(r.Change.Actions))
		for i, action := range r.Change.Actions {
			words[i] = string(action)
		}
		changes = append(changes, strings.Join(words, "/")+" "+r.Address)
	}
	return strings.Join(changes, ", ")
}

// Imports tells whether the plan imports a resource.
func (p *Plan) Imports(address string) bool {
	return slices.ContainsFunc(p.ResourceChanges, func(r *tfjson.ResourceChange) bool {
		return r.Address == address && r.Change.Importing != nil
	})
}

// Planned returns what an attribute of a resource will be; known is false for
// one that only the apply will tell.
func (p *Plan) Planned(address, attribute string) (value any, known bool) {
	change := p.Change(address)
	if change == nil {
		return nil, false
	}
	if unknown, ok := change.AfterUnknown.(map[string]any); ok && unknown[attribute] == true {
		return nil, false
	}
	after, _ := change.After.(map[string]any)
	return after[attribute], true
}

// Empty fails the test unless the plan does nothing.
func Empty(t *testing.T, p *Plan) {
	t.Helper()
	if changes := p.Changes(); changes != "" {
		t.Errorf("the plan is not empty: %s", changes)
	}
}

// Does fails the test unless the plan does just this: changes as Changes says
// them, in any order.
func Does(t *testing.T, p *Plan, changes ...string) {
	t.Helper()
	got := map[string]int{}
	for change := range strings.SplitSeq(p.Changes(), ", ") {
		if change != "" {
			got[change]++
		}
	}
	for _, change := range changes {
		got[change]--
	}
	for _, n := range got {
		if n != 0 {
			t.Errorf("the plan does: %s\nwant: %s", p.Changes(), strings.Join(changes, ", "))
			return
		}
	}
}

// Untouched fails the test if the plan changes a resource.
func Untouched(t *testing.T, p *Plan, address string) {
	t.Helper()
	if p.Change(address) != nil {
		t.Errorf("%s is in the plan: %s", address, p.Changes())
	}
}

// Attribute returns an attribute of a resource or data source in the state of
// the root module.
func Attribute(state *tfjson.State, address, attribute string) (any, error) {
	if state.Values != nil && state.Values.RootModule != nil {
		for _, r := range state.Values.RootModule.Resources {
			if r.Address == address {
				return r.AttributeValues[attribute], nil
			}
		}
	}
	return nil, fmt.Errorf("%s is not in the state", address)
}
