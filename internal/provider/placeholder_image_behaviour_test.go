// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"reflect"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/fakeaws"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/seedimage"
)

// Where it is not known for sure what ECR does, the provider works with either:
// each switch of the server in turn, so that a new one is covered by itself.
func TestPlaceholderImage_uncertainFacts(t *testing.T) {
	t.Parallel()
	switches := reflect.TypeFor[fakeaws.Behaviour]()
	for i := range switches.NumField() {
		t.Run(switches.Field(i).Name, func(t *testing.T) {
			var behaviour fakeaws.Behaviour
			reflect.ValueOf(&behaviour).Elem().Field(i).SetBool(true)
			w := newWorld(t, fakeaws.WithBehaviour(behaviour))
			w.createRepository("app", types.ImageTagMutabilityMutable)
			w.push("app", "other-stack", placeholder(t, "x86_64", seedimage.Response{}))
			x86 := digestOf(t, placeholder(t, "x86_64", seedimage.Response{}))
			arm := digestOf(t, placeholder(t, "arm64", seedimage.Response{}))
			w.testWith(resource.TestCase{
				Steps: []resource.TestStep{
					// Its layer is there already, from another stack.
					{Config: seedOnly(""), Check: w.contains("app", map[string]string{defaultImageTag: x86, "other-stack": x86})},
					{Config: seedOnly(`architectures = ["arm64"]`), Check: w.contains("app", map[string]string{defaultImageTag: arm, "other-stack": x86})},
				},
				CheckDestroy: w.contains("app", map[string]string{"other-stack": x86}),
			})
		})
	}
}
