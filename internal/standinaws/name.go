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
// the prefix with a random tail, or the fallback prefix with one.
func generatedName(name, prefix types.String, fallback string) string {
	if name.ValueString() != "" {
		return name.ValueString()
	}
	if prefix.ValueString() != "" {
		fallback = prefix.ValueString()
	}
	return fallback + strings.ToLower(rand.Text())
}

// reverseDNS turns "amazonaws.com.cn" into "cn.com.amazonaws".
func reverseDNS(name string) string {
	labels := strings.Split(name, ".")
	slices.Reverse(labels)
	return strings.Join(labels, ".")
}
