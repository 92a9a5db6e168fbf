// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package standinaws

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// ssmParameterResource is aws_ssm_parameter. With ignore_changes = [value] it
// is the mail box of a CDK-style hand-over.
type ssmParameterResource struct{ configuredResource }

var (
	_ resource.ResourceWithConfigure   = (*ssmParameterResource)(nil)
	_ resource.ResourceWithImportState = (*ssmParameterResource)(nil)
	_ resource.ResourceWithModifyPlan  = (*ssmParameterResource)(nil)
)

func newSSMParameterResource() resource.Resource { return &ssmParameterResource{} }

type ssmParameterModel struct {
	ID             types.String `tfsdk:"id"`
	ARN            types.String `tfsdk:"arn"`
	Name           types.String `tfsdk:"name"`
	Region         types.String `tfsdk:"region"`
	Type           types.String `tfsdk:"type"`
	Value          types.String `tfsdk:"value"`
	InsecureValue  types.String `tfsdk:"insecure_value"`
	AllowedPattern types.String `tfsdk:"allowed_pattern"`
	DataType       types.String `tfsdk:"data_type"`
	Description    types.String `tfsdk:"description"`
	KeyID          types.String `tfsdk:"key_id"`
	Overwrite      types.Bool   `tfsdk:"overwrite"`
	Tier           types.String `tfsdk:"tier"`
	Version        types.Int64  `tfsdk:"version"`
	Tags           types.Map    `tfsdk:"tags"`
	TagsAll        types.Map    `tfsdk:"tags_all"`
}

func (r *ssmParameterResource) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = "aws_ssm_parameter"
}

func (r *ssmParameterResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	exactlyOne := stringvalidator.ExactlyOneOf(path.MatchRoot("value"), path.MatchRoot("insecure_value"))
	resp.Schema = schema.Schema{Attributes: tagAttributes(map[string]schema.Attribute{
		"id":     computedString(),
		"arn":    computedString(),
		"name":   replacingString(),
		"region": regionAttribute(),
		"type": schema.StringAttribute{Required: true, Validators: []validator.String{
			stringvalidator.OneOf("String", "StringList", "SecureString"),
		}},
		"value": schema.StringAttribute{
			Optional: true, Computed: true, Sensitive: true, Validators: []validator.String{exactlyOne},
			PlanModifiers: []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
		},
		"insecure_value": schema.StringAttribute{
			Optional: true, Computed: true, Validators: []validator.String{exactlyOne},
			PlanModifiers: []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
		},
		"allowed_pattern": optionalString(),
		"data_type":       optionalComputedReplacingString(),
		"description":     optionalString(),
		"key_id":          optionalComputedString(),
		"overwrite":       optionalBool(),
		"tier":            optionalComputedString(),
		"version":         computedInt(),
	})}
}

func (r *ssmParameterResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	r.planTagsAll(ctx, req, resp)
	if req.Plan.Raw.IsNull() || req.State.Raw.IsNull() {
		return
	}
	if changed(resp.Plan.Raw, req.State.Raw, "value", "insecure_value", "description", "type") {
		unknown(ctx, &resp.Plan, req.Config, &resp.Diagnostics, "version")
	}
	if changed(resp.Plan.Raw, req.State.Raw, "insecure_value") {
		unknown(ctx, &resp.Plan, req.Config, &resp.Diagnostics, "value")
	}
}

func (m *ssmParameterModel) put(overwrite bool) *ssm.PutParameterInput {
	value := m.Value.ValueString()
	if m.InsecureValue.ValueString() != "" {
		value = m.InsecureValue.ValueString()
	}
	in := &ssm.PutParameterInput{
		Name:           m.Name.ValueStringPointer(),
		Type:           ssmtypes.ParameterType(m.Type.ValueString()),
		Value:          &value,
		AllowedPattern: nonEmpty(m.AllowedPattern),
		DataType:       nonEmpty(m.DataType),
		Description:    nonEmpty(m.Description),
		Overwrite:      &overwrite,
		Tier:           ssmtypes.ParameterTier(m.Tier.ValueString()),
	}
	if in.Type == ssmtypes.ParameterTypeSecureString {
		in.KeyId = nonEmpty(m.KeyID)
	}
	return in
}

func (r *ssmParameterResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var m ssmParameterModel
	if resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	m.Region = types.StringValue(r.clients.region(m.Region))
	client := r.clients.ssm(m.Region.ValueString())
	in := m.put(m.Overwrite.ValueBool())
	tags := r.allTags(ctx, m.Tags, &resp.Diagnostics)
	if !m.Overwrite.ValueBool() { // SSM takes no tags together with overwrite
		in.Tags = ssmTags(tags)
	}
	if _, err := client.PutParameter(ctx, in); err != nil {
		resp.Diagnostics.AddError(fmt.Sprintf("creating SSM Parameter (%s): %s", m.Name.ValueString(), err), "")
		return
	}
	m.ID = m.Name
	if m.Overwrite.ValueBool() && len(tags) > 0 {
		if err := tagParameter(ctx, client, m.Name.ValueString(), nil, tags); err != nil {
			resp.Diagnostics.AddError(fmt.Sprintf("setting SSM Parameter (%s) tags: %s", m.Name.ValueString(), err), "")
			return
		}
	}
	r.refreshed(ctx, client, &m, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

// refreshed reads a parameter that must exist.
func (r *ssmParameterResource) refreshed(ctx context.Context, client *ssm.Client, m *ssmParameterModel, diags *diag.Diagnostics) {
	if !r.refresh(ctx, client, m, diags) && !diags.HasError() {
		diags.AddError(fmt.Sprintf("reading SSM Parameter (%s): couldn't find resource", m.ID.ValueString()), "")
	}
}

// refresh takes over what SSM reports; false when there is no such parameter.
func (r *ssmParameterResource) refresh(ctx context.Context, client *ssm.Client, m *ssmParameterModel, diags *diag.Diagnostics) bool {
	name := m.ID.ValueString()
	out, err := client.GetParameter(ctx, &ssm.GetParameterInput{Name: &name, WithDecryption: aws.Bool(true)})
	if isNoParameter(err) {
		return false
	}
	if err != nil {
		diags.AddError(fmt.Sprintf("reading SSM Parameter (%s): %s", name, err), "")
		return true
	}
	described, err := client.DescribeParameters(ctx, &ssm.DescribeParametersInput{ParameterFilters: []ssmtypes.ParameterStringFilter{{
		Key: aws.String("Name"), Option: aws.String("Equals"), Values: []string{name},
	}}})
	if err != nil {
		diags.AddError(fmt.Sprintf("reading SSM Parameter metadata (%s): %s", name, err), "")
		return true
	}
	if len(described.Parameters) != 1 {
		return false
	}
	tags, err := client.ListTagsForResource(ctx, &ssm.ListTagsForResourceInput{
		ResourceId: &name, ResourceType: ssmtypes.ResourceTypeForTaggingParameter,
	})
	if err != nil {
		diags.AddError(fmt.Sprintf("listing tags for SSM Parameter (%s): %s", name, err), "")
		return true
	}
	m.fill(out.Parameter, &described.Parameters[0])
	reported := map[string]string{}
	for _, tag := range tags.TagList {
		reported[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	m.Tags = r.ownTags(ctx, reported, m.Tags, diags)
	m.TagsAll = mapOf(ctx, reported, diags)
	return true
}

func (m *ssmParameterModel) fill(parameter *ssmtypes.Parameter, metadata *ssmtypes.ParameterMetadata) {
	m.ARN = types.StringPointerValue(parameter.ARN)
	m.Name = types.StringPointerValue(parameter.Name)
	m.Type = types.StringValue(string(parameter.Type))
	m.Version = types.Int64Value(parameter.Version)
	if m.InsecureValue.ValueString() != "" && parameter.Type != ssmtypes.ParameterTypeSecureString {
		m.InsecureValue = types.StringPointerValue(parameter.Value)
		m.Value = types.StringNull()
	} else {
		m.Value = types.StringPointerValue(parameter.Value)
		m.InsecureValue = types.StringNull()
	}
	m.AllowedPattern = text(metadata.AllowedPattern, m.AllowedPattern)
	m.DataType = types.StringValue(aws.ToString(metadata.DataType))
	m.Description = text(metadata.Description, m.Description)
	m.KeyID = types.StringValue(aws.ToString(metadata.KeyId))
	if m.Tier.ValueString() != "Intelligent-Tiering" {
		m.Tier = types.StringValue(string(metadata.Tier))
	}
}

func (r *ssmParameterResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var m ssmParameterModel
	if resp.Diagnostics.Append(req.State.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	m.Region = types.StringValue(r.clients.region(m.Region))
	exists := r.refresh(ctx, r.clients.ssm(m.Region.ValueString()), &m, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	if !exists {
		resp.State.RemoveResource(ctx)
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

func (r *ssmParameterResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var m, state ssmParameterModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	m.Region = types.StringValue(r.clients.region(state.Region))
	client := r.clients.ssm(m.Region.ValueString())
	if changed(req.Plan.Raw, req.State.Raw, "type", "value", "insecure_value", "allowed_pattern", "description", "key_id", "tier", "arn") {
		// An existing parameter is overwritten unless that is forbidden in so many words.
		overwrite := m.Overwrite.IsNull() || m.Overwrite.ValueBool()
		if _, err := client.PutParameter(ctx, m.put(overwrite)); err != nil {
			resp.Diagnostics.AddError(fmt.Sprintf("updating SSM Parameter (%s): %s", m.ID.ValueString(), err), "")
			return
		}
	}
	remove, set := tagDifference(stringMap(ctx, state.TagsAll, &resp.Diagnostics), stringMap(ctx, m.TagsAll, &resp.Diagnostics))
	if err := tagParameter(ctx, client, m.ID.ValueString(), remove, set); err != nil {
		resp.Diagnostics.AddError(fmt.Sprintf("updating tags for SSM Parameter (%s): %s", m.ID.ValueString(), err), "")
		return
	}
	r.refreshed(ctx, client, &m, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

func (r *ssmParameterResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var m ssmParameterModel
	if resp.Diagnostics.Append(req.State.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	_, err := r.clients.ssm(r.clients.region(m.Region)).DeleteParameter(ctx, &ssm.DeleteParameterInput{Name: m.Name.ValueStringPointer()})
	if err != nil && !isNoParameter(err) {
		resp.Diagnostics.AddError(fmt.Sprintf("deleting SSM Parameter (%s): %s", m.ID.ValueString(), err), "")
	}
}

func (r *ssmParameterResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	resource.ImportStatePassthroughID(ctx, path.Root("id"), req, resp)
}

func isNoParameter(err error) bool {
	_, gone := errors.AsType[*ssmtypes.ParameterNotFound](err)
	return gone
}

func ssmTags(tags map[string]string) []ssmtypes.Tag {
	var out []ssmtypes.Tag
	for key, value := range tags {
		out = append(out, ssmtypes.Tag{Key: &key, Value: &value})
	}
	return out
}

func tagParameter(ctx context.Context, client *ssm.Client, name string, remove []string, set map[string]string) error {
	if len(remove) > 0 {
		_, err := client.RemoveTagsFromResource(ctx, &ssm.RemoveTagsFromResourceInput{
			ResourceId: &name, ResourceType: ssmtypes.ResourceTypeForTaggingParameter, TagKeys: remove,
		})
		if err != nil {
			return err
		}
	}
	if len(set) > 0 {
		_, err := client.AddTagsToResource(ctx, &ssm.AddTagsToResourceInput{
			ResourceId: &name, ResourceType: ssmtypes.ResourceTypeForTaggingParameter, Tags: ssmTags(set),
		})
		return err
	}
	return nil
}
