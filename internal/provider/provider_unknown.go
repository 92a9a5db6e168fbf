// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// unknownArguments names every argument of a configuration whose value is not
// known yet, as a user writes it: "region", "assume_role[0].role_arn". It reads
// the raw value instead of the model, so that no argument can be forgotten.
func unknownArguments(config tftypes.Value) []string {
	var names []string
	// The callback returns no error, and a value that came through the wire
	// has no other reason to give one.
	_ = tftypes.Walk(config, func(p *tftypes.AttributePath, v tftypes.Value) (bool, error) {
		if v.IsKnown() {
			return true, nil
		}
		if name := argumentName(p); !slices.Contains(names, name) {
			names = append(names, name)
		}
		return false, nil
	})
	slices.Sort(names)
	return names
}

// argumentName leaves out which element of a set or map is meant: sets have no
// names for their elements, and their values would be of no help.
func argumentName(p *tftypes.AttributePath) string {
	var b strings.Builder
	for _, step := range p.Steps() {
		switch step := step.(type) {
		case tftypes.AttributeName:
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(string(step))
		case tftypes.ElementKeyInt:
			fmt.Fprintf(&b, "[%d]", step)
		}
	}
	return b.String()
}
