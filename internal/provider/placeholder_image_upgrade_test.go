// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/seedimage"
)

// A version of the provider with other bytes in its placeholder makes no diff,
// and still owns what the older one pushed.
func TestPlaceholderImage_providerUpgrade(t *testing.T) {
	t.Parallel()
	older := factories(WithPlaceholder(func(architecture string, _ seedimage.Response) (v1.Image, error) {
		return olderPlaceholder(t, architecture), nil
	}))
	for name, form := range functionForms {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			digest := digestOf(t, olderPlaceholder(t, "x86_64"))
			arm := digestOf(t, placeholder(t, "arm64", seedimage.Response{}))
			config, changed := w.hcl(firstApply("", form)), w.hcl(firstApply(`architectures = ["arm64"]`, form))
			resource.UnitTest(t, resource.TestCase{
				Steps: []resource.TestStep{
					{
						ProtoV6ProviderFactories: older,
						Config:                   config,
						ConfigStateChecks:        []statecheck.StateCheck{seedValue("image_digest", knownvalue.StringExact(digest))},
					},
					{
						ProtoV6ProviderFactories: factories(),
						PreConfig:                func() { w.ResetRequests() },
						Config:                   config,
						ConfigPlanChecks:         emptyPlan(),
						ConfigStateChecks: []statecheck.StateCheck{
							seedValue("image_digest", knownvalue.StringExact(digest)),
							seedValue("is_placeholder", knownvalue.Bool(true)),
						},
						Check: w.wroteNothing,
					},
					{
						ProtoV6ProviderFactories: factories(),
						Config:                   changed,
						ConfigPlanChecks:         resource.ConfigPlanChecks{PreApply: updatesSeedAlone()},
						Check:                    w.contains("app", map[string]string{defaultImageTag: arm, "<untagged 1>": digest}),
					},
				},
				CheckDestroy: w.repositoryGone,
			})
		})
	}
}
