// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package standinaws

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/mapplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// configured is embedded in every resource and data source: it receives the
// provider's clients.
type configured struct{ clients *clients }

func (c *configured) take(data any, diags *diag.Diagnostics) {
	if data == nil { // Terraform validates before it configures
		return
	}
	got, ok := data.(*clients)
	if !ok {
		diags.AddError("Unexpected provider data", fmt.Sprintf("Expected *clients, got %T. This is a bug in the stand-in.", data))
		return
	}
	c.clients = got
}

type configuredResource struct{ configured }

func (c *configuredResource) Configure(_ context.Context, req resource.ConfigureRequest, resp *resource.ConfigureResponse) {
	c.take(req.ProviderData, &resp.Diagnostics)
}

type configuredDataSource struct{ configured }

func (c *configuredDataSource) Configure(_ context.Context, req datasource.ConfigureRequest, resp *datasource.ConfigureResponse) {
	c.take(req.ProviderData, &resp.Diagnostics)
}

// Attributes, in the few shapes that this provider needs. A computed attribute
// keeps its value until a resource's ModifyPlan says otherwise, as in SDKv2.

func requiredString() schema.StringAttribute { return schema.StringAttribute{Required: true} }

func optionalString() schema.StringAttribute { return schema.StringAttribute{Optional: true} }

func replacingString() schema.StringAttribute {
	return schema.StringAttribute{Required: true, PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplace()}}
}

func optionalReplacingString() schema.StringAttribute {
	return schema.StringAttribute{Optional: true, PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplace()}}
}

func computedString() schema.StringAttribute {
	return schema.StringAttribute{Computed: true, PlanModifiers: []planmodifier.String{stringplanmodifier.UseStateForUnknown()}}
}

func optionalComputedString() schema.StringAttribute {
	a := computedString()
	a.Optional = true
	return a
}

func optionalComputedReplacingString() schema.StringAttribute {
	a := optionalComputedString()
	a.PlanModifiers = append(a.PlanModifiers, stringplanmodifier.RequiresReplace())
	return a
}

func optionalBool() schema.BoolAttribute { return schema.BoolAttribute{Optional: true} }

func optionalInt() schema.Int64Attribute { return schema.Int64Attribute{Optional: true} }

func computedInt() schema.Int64Attribute {
	return schema.Int64Attribute{Computed: true, PlanModifiers: []planmodifier.Int64{int64planmodifier.UseStateForUnknown()}}
}

func optionalComputedInt() schema.Int64Attribute {
	a := computedInt()
	a.Optional = true
	return a
}

// regionAttribute is the `region` that v6 of the original gave to every
// regional resource.
func regionAttribute() schema.StringAttribute { return optionalComputedReplacingString() }

func tagAttributes(attributes map[string]schema.Attribute) map[string]schema.Attribute {
	attributes["tags"] = schema.MapAttribute{Optional: true, ElementType: types.StringType}
	attributes["tags_all"] = schema.MapAttribute{
		Computed: true, ElementType: types.StringType,
		PlanModifiers: []planmodifier.Map{mapplanmodifier.UseStateForUnknown()},
	}
	return attributes
}

// planTagsAll plans tags_all as the provider's default tags plus the resource's
// own. It does nothing when the resource is being destroyed.
func (c *configuredResource) planTagsAll(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() || c.clients == nil {
		return
	}
	var tags types.Map
	resp.Diagnostics.Append(resp.Plan.GetAttribute(ctx, path.Root("tags"), &tags)...)
	if tags.IsUnknown() {
		resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("tags_all"), types.MapUnknown(types.StringType))...)
		return
	}
	for _, value := range tags.Elements() {
		if value.IsUnknown() {
			resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("tags_all"), types.MapUnknown(types.StringType))...)
			return
		}
	}
	resp.Diagnostics.Append(resp.Plan.SetAttribute(ctx, path.Root("tags_all"), c.allTags(ctx, tags, &resp.Diagnostics))...)
}

// allTags merges a resource's tags over the provider's default tags.
func (c *configuredResource) allTags(ctx context.Context, own types.Map, diags *diag.Diagnostics) map[string]string {
	all := maps.Clone(c.clients.defaultTags)
	if all == nil {
		all = map[string]string{}
	}
	maps.Copy(all, stringMap(ctx, own, diags))
	return all
}

// ownTags takes the default tags out of what AWS reports. prior keeps a null
// map null.
func (c *configuredResource) ownTags(ctx context.Context, reported map[string]string, prior types.Map, diags *diag.Diagnostics) types.Map {
	own := maps.Clone(reported)
	before := stringMap(ctx, prior, diags)
	maps.DeleteFunc(own, func(key, value string) bool {
		_, mine := before[key]
		return !mine && c.clients.defaultTags[key] == value && value != ""
	})
	if len(own) == 0 && len(prior.Elements()) == 0 {
		return prior
	}
	out, d := types.MapValueFrom(ctx, types.StringType, own)
	diags.Append(d...)
	return out
}

func stringMap(ctx context.Context, m types.Map, diags *diag.Diagnostics) map[string]string {
	out := map[string]string{}
	if !m.IsNull() && !m.IsUnknown() {
		diags.Append(m.ElementsAs(ctx, &out, false)...)
	}
	return out
}

func mapOf(ctx context.Context, m map[string]string, diags *diag.Diagnostics) types.Map {
	if m == nil {
		m = map[string]string{}
	}
	out, d := types.MapValueFrom(ctx, types.StringType, m)
	diags.Append(d...)
	return out
}

func stringList(ctx context.Context, l types.List, diags *diag.Diagnostics) []string {
	var out []string
	if !l.IsNull() && !l.IsUnknown() {
		diags.Append(l.ElementsAs(ctx, &out, false)...)
	}
	return out
}

func listOf[T ~string](ctx context.Context, l []T, diags *diag.Diagnostics) types.List {
	plain := make([]string, 0, len(l))
	for _, v := range l {
		plain = append(plain, string(v))
	}
	out, d := types.ListValueFrom(ctx, types.StringType, plain)
	diags.Append(d...)
	return out
}

// text is what AWS reports for an optional argument: nothing and "" are the
// same to the original, so what was written before stays.
func text(reported *string, prior types.String) types.String {
	if aws.ToString(reported) == "" && prior.ValueString() == "" && !prior.IsUnknown() {
		return prior
	}
	return types.StringValue(aws.ToString(reported))
}

// tagDifference tells which keys have to be removed and which pairs set.
func tagDifference(before, after map[string]string) (remove []string, set map[string]string) {
	set = map[string]string{}
	for key, value := range after {
		if old, ok := before[key]; !ok || old != value {
			set[key] = value
		}
	}
	for key := range before {
		if _, ok := after[key]; !ok {
			remove = append(remove, key)
		}
	}
	slices.Sort(remove)
	return remove, set
}

// changed tells whether one of the named attributes differs between plan and
// state, with SDKv2's eyes: null, "", 0, false and empty collections are alike,
// and an unknown value is a change.
func changed(plan, state tftypes.Value, names ...string) bool {
	var before, after map[string]tftypes.Value
	if plan.IsNull() || state.IsNull() || plan.As(&after) != nil || state.As(&before) != nil {
		return true
	}
	return slices.ContainsFunc(names, func(name string) bool {
		if isZero(after[name]) && isZero(before[name]) {
			return false
		}
		return !after[name].Equal(before[name])
	})
}

func isZero(v tftypes.Value) bool {
	if v.IsNull() {
		return true
	}
	if !v.IsFullyKnown() {
		return false
	}
	var (
		s    string
		b    bool
		list []tftypes.Value
		dict map[string]tftypes.Value
	)
	switch {
	case v.Type().Is(tftypes.String):
		return v.As(&s) == nil && s == ""
	case v.Type().Is(tftypes.Bool):
		return v.As(&b) == nil && !b
	case v.Type().Is(tftypes.Number):
		return v.Equal(tftypes.NewValue(tftypes.Number, 0))
	case v.As(&list) == nil:
		return len(list) == 0
	case v.As(&dict) == nil:
		return len(dict) == 0
	}
	return false
}

// unknown marks attributes as known after apply, unless they are configured.
func unknown(ctx context.Context, plan *tfsdk.Plan, config tfsdk.Config, diags *diag.Diagnostics, names ...string) {
	for _, name := range names {
		p := path.Root(name)
		at := config.Schema.GetAttributes()[name]
		value, err := tftypesAttribute(config.Raw, name)
		if err == nil && !value.IsNull() && at.IsOptional() {
			continue
		}
		switch {
		case at.GetType().Equal(types.Int64Type):
			diags.Append(plan.SetAttribute(ctx, p, types.Int64Unknown())...)
		default:
			diags.Append(plan.SetAttribute(ctx, p, types.StringUnknown())...)
		}
	}
}

func tftypesAttribute(object tftypes.Value, name string) (tftypes.Value, error) {
	var attributes map[string]tftypes.Value
	if err := object.As(&attributes); err != nil {
		return tftypes.Value{}, err
	}
	value, ok := attributes[name]
	if !ok {
		return tftypes.Value{}, fmt.Errorf("no attribute %q", name)
	}
	return value, nil
}
