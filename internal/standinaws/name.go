// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package standinaws

import (
	"crypto/rand"
	"slices"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/types"
)

// generatedName is the name of a resource whose name may be left out: the name,
// the prefix with a random tail, or "terraform-" with one.
func generatedName(name, prefix types.String) string {
	if name.ValueString() != "" {
		return name.ValueString()
	}
	start := "terraform-"
	if prefix.ValueString() != "" {
		start = prefix.ValueString()
	}
	return start + strings.ToLower(rand.Text())
}

// reverseDNS turns "amazonaws.com.cn" into "cn.com.amazonaws".
func reverseDNS(name string) string {
	labels := strings.Split(name, ".")
	slices.Reverse(labels)
	return strings.Join(labels, ".")
}
