// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"os"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/awsconfig"
)

var _ provider.ProviderWithValidateConfig = (*lambdaseedProvider)(nil)

// ValidateConfig checks what concerns several arguments at once, as far as
// their values are known.
func (p *lambdaseedProvider) ValidateConfig(ctx context.Context, req provider.ValidateConfigRequest, resp *provider.ValidateConfigResponse) {
	var m providerModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	validateRegion(m, &resp.Diagnostics)
	validateProxies(m, &resp.Diagnostics)
	validateAssumeRole(ctx, m.AssumeRole, &resp.Diagnostics)
	validateEndpoints(ctx, m.Endpoints, &resp.Diagnostics)
}

func validateRegion(m providerModel, diags *diag.Diagnostics) {
	if m.SkipRegionValidation.IsUnknown() || m.SkipRegionValidation.ValueBool() || m.Region.ValueString() == "" {
		return
	}
	if err := awsconfig.CheckRegion(m.Region.ValueString()); err != nil {
		diags.AddAttributeError(path.Root("region"), err.Summary, err.Detail)
	}
}

func validateProxies(m providerModel, diags *diag.Diagnostics) {
	if m.HTTPProxy.ValueString() == "" || !m.HTTPSProxy.IsNull() || os.Getenv("HTTPS_PROXY") != "" || os.Getenv("https_proxy") != "" {
		return
	}
	diags.AddAttributeWarning(path.Root("http_proxy"), "No proxy for HTTPS",
		"http_proxy is set and https_proxy is not, so that HTTPS goes through http_proxy too. "+
			"Say what is meant: set https_proxy to the same URL, or to \"\" for no proxy.")
}

// validateAssumeRole takes one block without a role for "no role", as
// hashicorp/aws does: modules use it with a variable that may be empty. In a
// chain it can only be a mistake.
func validateAssumeRole(ctx context.Context, list types.List, diags *diag.Diagnostics) {
	if list.IsUnknown() {
		return
	}
	var roles []types.Object
	diags.Append(list.ElementsAs(ctx, &roles, false)...)
	for i, role := range roles {
		if role.IsUnknown() {
			continue
		}
		arn, ok := role.Attributes()["role_arn"].(types.String)
		if !ok || arn.IsUnknown() || arn.ValueString() != "" {
			continue
		}
		at := path.Root("assume_role").AtListIndex(i).AtName("role_arn")
		if len(roles) == 1 {
			diags.AddAttributeWarning(at, "No role to assume",
				"The assume_role block has no role_arn, so that no role is assumed and the credentials are used as they are.")
		} else {
			diags.AddAttributeError(at, "No role to assume",
				fmt.Sprintf("Block %d of %d in the chain of assume_role blocks has no role_arn. Set it, or remove the block.", i+1, len(roles)))
		}
	}
}

func validateEndpoints(ctx context.Context, set types.Set, diags *diag.Diagnostics) {
	if set.IsUnknown() {
		return
	}
	var blocks []types.Object
	diags.Append(set.ElementsAs(ctx, &blocks, true)...)
	seen := map[string]string{}
	for _, block := range blocks {
		for service, value := range block.Attributes() {
			url, ok := value.(types.String)
			if !ok || url.ValueString() == "" {
				continue
			}
			if other, ok := seen[service]; ok && other != url.ValueString() {
				diags.AddAttributeError(path.Root("endpoints"), "Two endpoints for one service",
					fmt.Sprintf("The endpoints blocks give two URLs for %s: %s and %s. Leave one of them.", service, min(other, url.ValueString()), max(other, url.ValueString())))
			}
			seen[service] = url.ValueString()
		}
	}
}
