// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
)

// A seed at an immutable "latest" is in the pipeline's way for ever, which is
// told, in every mode of mutability; no other tag and no tag that can be moved
// is worth a warning.
func TestPlaceholderImage_latestForEver(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		mode       types.ImageTagMutability
		exclusions []string
		tag        string
		warns      bool
	}{
		"IMMUTABLE":                              {types.ImageTagMutabilityImmutable, nil, "latest", true},
		"IMMUTABLE, another tag":                 {types.ImageTagMutabilityImmutable, nil, defaultImageTag, false},
		"MUTABLE":                                {types.ImageTagMutabilityMutable, nil, "latest", false},
		"IMMUTABLE_WITH_EXCLUSION of latest":     {types.ImageTagMutabilityImmutableWithExclusion, []string{"dev-*", "lat*"}, "latest", false},
		"IMMUTABLE_WITH_EXCLUSION of others":     {types.ImageTagMutabilityImmutableWithExclusion, []string{"dev-*", "late"}, "latest", true},
		"MUTABLE_WITH_EXCLUSION of latest":       {types.ImageTagMutabilityMutableWithExclusion, []string{"v*", "latest"}, "latest", true},
		"MUTABLE_WITH_EXCLUSION of others":       {types.ImageTagMutabilityMutableWithExclusion, []string{"v*", "latest-*"}, "latest", false},
		"MUTABLE_WITH_EXCLUSION, any other seed": {types.ImageTagMutabilityMutableWithExclusion, []string{"*"}, defaultImageTag, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.createRepository("app", test.mode, test.exclusions...)
			got := w.managed(seedType, nil).apply(seedBlock(block{"image_tag": test.tag}))
			if w.at("app", test.tag) == "" {
				t.Fatalf("nothing was pushed: %v", got)
			}
			if !test.warns {
				if len(got) > 0 {
					t.Errorf("%s: %s", got[0].Summary, got[0].Detail)
				}
				return
			}
			want := tfprotov6.Diagnostic{
				Severity: tfprotov6.DiagnosticSeverityWarning,
				Summary:  `Immutable tag "latest" is taken by the placeholder image`,
				Detail: "Tags of the repository " + testRepository + " are immutable (" + string(test.mode) + "), so that no pipeline can push \"latest\" " +
					"while the placeholder image holds it. Choose another image_tag; the default is \"" + defaultImageTag + "\".",
			}
			if len(got) != 1 || got[0].Severity != want.Severity || got[0].Summary != want.Summary || got[0].Detail != want.Detail ||
				got[0].Attribute == nil || argumentName(got[0].Attribute) != "image_tag" {
				t.Errorf("got %v, want %v", got, &want)
			}
		})
	}
}
