// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"errors"
	"strings"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/bootstrap/eventrules"
)

// kind is what an event is, in the words of the log, and how it is answered.
type kind struct {
	name    string
	headers eventrules.Headers
}

// The kinds of events that no rule tells.
var (
	other   = kind{eventrules.Other, eventrules.Fail}
	invalid = kind{"invalid", eventrules.Fail} // not JSON, or not clear what it says
)

// isHTTP reports whether whoever sent the event expects an HTTP answer.
func (k kind) isHTTP() bool {
	return k.headers != eventrules.Fail
}

// recognise tells what an event is, by the rules that all placeholders have.
func recognise(event []byte) kind {
	top, err := parseObject(event)
	switch {
	case errors.Is(err, errNotAnObject):
		return other
	case err != nil:
		return invalid
	}
	for _, rule := range eventrules.Rules {
		if top.fits(rule.Conditions) {
			return kind{rule.Kind, rule.Headers}
		}
	}
	return other
}

// fits reports whether all conditions hold. In an object whose keys are ambiguous
// none does.
func (o object) fits(conditions []eventrules.Condition) bool {
	for _, c := range conditions {
		owner, path := o, c.Path
		for {
			key, rest, deeper := strings.Cut(path, ".")
			if !deeper {
				break
			}
			owner, path = owner.object(key), rest
		}
		if !owner.passes(path, c.Test) {
			return false
		}
	}
	return true
}

// passes reports whether the member called key is there and is what a test wants.
func (o object) passes(key string, test eventrules.Test) bool {
	value, ok := o[key]
	switch {
	case !ok:
		return false
	case test == eventrules.Present:
		return true
	case test == eventrules.String:
		return value[0] == '"'
	case test == eventrules.Object:
		return o.object(key) != nil
	}
	return string(value) == `"`+string(test)+`"`
}
