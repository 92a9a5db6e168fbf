// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package eventrules_test

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/bootstrap/eventrules"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/bootstrap/eventtable"
)

// recognise reads the rules as every placeholder has to, as plainly as can be.
func recognise(t *testing.T, event []byte) (kind string, headers eventrules.Headers) {
	t.Helper()
	var value any
	if err := json.Unmarshal(event, &value); err != nil {
		t.Fatal(err)
	}
	for _, rule := range eventrules.Rules {
		if !slices.ContainsFunc(rule.Conditions, func(c eventrules.Condition) bool { return !holds(value, c) }) {
			return rule.Kind, rule.Headers
		}
	}
	return eventrules.Other, eventrules.Fail
}

func holds(value any, c eventrules.Condition) bool {
	for key := range strings.SplitSeq(c.Path, ".") {
		object, _ := value.(map[string]any)
		member, ok := object[key]
		if !ok {
			return false
		}
		value = member
	}
	switch c.Test {
	case eventrules.Present:
		return true
	case eventrules.String:
		_, ok := value.(string)
		return ok
	case eventrules.Object:
		_, ok := value.(map[string]any)
		return ok
	}
	return value == string(c.Test)
}

func TestRulesFitTheEventTable(t *testing.T) {
	t.Parallel()
	answers := map[eventrules.Headers]eventtable.Answer{
		eventrules.Fail:   eventtable.FunctionError,
		eventrules.Single: eventtable.HTTP,
		eventrules.Multi:  eventtable.HTTPMultiValue,
	}
	used := map[string]bool{}
	for _, event := range eventtable.All() {
		kind, headers := recognise(t, event.JSON)
		if kind != event.Kind || answers[headers] != event.Answer {
			t.Errorf("%s: got %s, %q, want %s, %s", event.Name, kind, headers, event.Kind, event.Answer)
		}
		used[kind] = true
	}
	for _, rule := range eventrules.Rules {
		if !used[rule.Kind] {
			t.Errorf("no event is of the kind %s", rule.Kind)
		}
	}
}

// TestRulesAreWellFormed keeps to what the programs can read: they get the table
// as text and split it at some characters.
func TestRulesAreWellFormed(t *testing.T) {
	t.Parallel()
	path := regexp.MustCompile(`^[A-Za-z-]+(\.[A-Za-z-]+){0,2}$`)
	kind := regexp.MustCompile(`^[a-z][a-z0-9-]*$`)
	tests := []eventrules.Test{eventrules.Present, eventrules.String, eventrules.Object, eventrules.Version2}
	mayFail := true
	for _, rule := range eventrules.Rules {
		if !kind.MatchString(rule.Kind) || len(rule.Conditions) == 0 {
			t.Errorf("%+v is not a rule", rule)
		}
		for _, c := range rule.Conditions {
			if !path.MatchString(c.Path) || !slices.Contains(tests, c.Test) {
				t.Errorf("%s: %+v is not a condition", rule.Kind, c)
			}
		}
		if rule.Headers == eventrules.Fail && !mayFail {
			t.Errorf("%s: a rule that says no comes after one that says yes", rule.Kind)
		}
		mayFail = rule.Headers == eventrules.Fail
	}
}
