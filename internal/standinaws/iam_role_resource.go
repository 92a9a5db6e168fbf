// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package standinaws

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64default"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// iamRoleResource is aws_iam_role.
type iamRoleResource struct{ configuredResource }

var (
	_ resource.ResourceWithConfigure   = (*iamRoleResource)(nil)
	_ resource.ResourceWithImportState = (*iamRoleResource)(nil)
	_ resource.ResourceWithModifyPlan  = (*iamRoleResource)(nil)
)

func newIAMRoleResource() resource.Resource { return &iamRoleResource{} }

type iamRoleModel struct {
	ID                  types.String `tfsdk:"id"`
	ARN                 types.String `tfsdk:"arn"`
	Name                types.String `tfsdk:"name"`
	NamePrefix          types.String `tfsdk:"name_prefix"`
	Path                types.String `tfsdk:"path"`
	Description         types.String `tfsdk:"description"`
	AssumeRolePolicy    types.String `tfsdk:"assume_role_policy"`
	MaxSessionDuration  types.Int64  `tfsdk:"max_session_duration"`
	PermissionsBoundary types.String `tfsdk:"permissions_boundary"`
	ForceDetachPolicies types.Bool   `tfsdk:"force_detach_policies"`
	CreateDate          types.String `tfsdk:"create_date"`
	UniqueID            types.String `tfsdk:"unique_id"`
	Tags                types.Map    `tfsdk:"tags"`
	TagsAll             types.Map    `tfsdk:"tags_all"`
}

func (r *iamRoleResource) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = "aws_iam_role"
}

func (r *iamRoleResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{Attributes: tagAttributes(map[string]schema.Attribute{
		"id":          computedString(),
		"arn":         computedString(),
		"name":        optionalComputedReplacingString(),
		"name_prefix": optionalComputedReplacingString(),
		"path": schema.StringAttribute{
			Optional: true, Computed: true, Default: stringdefault.StaticString("/"),
			PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplace()},
		},
		"description":           optionalString(),
		"assume_role_policy":    requiredString(),
		"max_session_duration":  schema.Int64Attribute{Optional: true, Computed: true, Default: int64default.StaticInt64(3600)},
		"permissions_boundary":  optionalString(),
		"force_detach_policies": schema.BoolAttribute{Optional: true, Computed: true, Default: booldefault.StaticBool(false)},
		"create_date":           computedString(),
		"unique_id":             computedString(),
	})}
}

func (r *iamRoleResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	r.planTagsAll(ctx, req, resp)
}

func (r *iamRoleResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var m iamRoleModel
	if resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	name := generatedName(m.Name, m.NamePrefix)
	in := &iam.CreateRoleInput{
		RoleName:                 &name,
		Path:                     m.Path.ValueStringPointer(),
		AssumeRolePolicyDocument: m.AssumeRolePolicy.ValueStringPointer(),
		Description:              m.Description.ValueStringPointer(),
		MaxSessionDuration:       aws.Int32(int32(m.MaxSessionDuration.ValueInt64())), // #nosec G115 -- IAM allows 43200 at most
		PermissionsBoundary:      m.PermissionsBoundary.ValueStringPointer(),
		Tags:                     iamTags(r.allTags(ctx, m.Tags, &resp.Diagnostics)),
	}
	out, err := r.clients.iam().CreateRole(ctx, in)
	if err != nil {
		resp.Diagnostics.AddError(fmt.Sprintf("creating IAM Role (%s): %s", name, err), "")
		return
	}
	m.fill(out.Role)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

func (m *iamRoleModel) fill(role *iamtypes.Role) {
	m.ID = types.StringPointerValue(role.RoleName)
	m.ARN = types.StringPointerValue(role.Arn)
	m.Name = types.StringPointerValue(role.RoleName)
	m.NamePrefix = types.StringValue(m.NamePrefix.ValueString())
	m.Path = types.StringPointerValue(role.Path)
	m.Description = text(role.Description, m.Description)
	m.UniqueID = types.StringPointerValue(role.RoleId)
	m.CreateDate = types.StringValue(aws.ToTime(role.CreateDate).UTC().Format(time.RFC3339))
	if role.MaxSessionDuration != nil {
		m.MaxSessionDuration = types.Int64Value(int64(*role.MaxSessionDuration))
	}
	// IAM returns the document URL-encoded.
	if document, err := url.PathUnescape(aws.ToString(role.AssumeRolePolicyDocument)); err == nil {
		m.AssumeRolePolicy = samePolicy(document, m.AssumeRolePolicy)
	}
	if m.ForceDetachPolicies.IsNull() {
		m.ForceDetachPolicies = types.BoolValue(false)
	}
}

func (r *iamRoleResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var m iamRoleModel
	if resp.Diagnostics.Append(req.State.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	out, err := r.clients.iam().GetRole(ctx, &iam.GetRoleInput{RoleName: m.ID.ValueStringPointer()})
	if _, gone := errors.AsType[*iamtypes.NoSuchEntityException](err); gone {
		resp.State.RemoveResource(ctx)
		return
	}
	if err != nil {
		resp.Diagnostics.AddError(fmt.Sprintf("reading IAM Role (%s): %s", m.ID.ValueString(), err), "")
		return
	}
	m.fill(out.Role)
	reported := map[string]string{}
	for _, tag := range out.Role.Tags {
		reported[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	m.Tags = r.ownTags(ctx, reported, m.Tags, &resp.Diagnostics)
	m.TagsAll = mapOf(ctx, reported, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

func (r *iamRoleResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan, state iamRoleModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	if err := r.update(ctx, req, &plan, &state, &resp.Diagnostics); err != nil {
		resp.Diagnostics.AddError(fmt.Sprintf("updating IAM Role (%s): %s", state.ID.ValueString(), err), "")
	}
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
}

func (r *iamRoleResource) update(ctx context.Context, req resource.UpdateRequest, plan, state *iamRoleModel, diags *diag.Diagnostics) error {
	client, name := r.clients.iam(), state.ID.ValueStringPointer()
	if changed(req.Plan.Raw, req.State.Raw, "assume_role_policy") {
		_, err := client.UpdateAssumeRolePolicy(ctx, &iam.UpdateAssumeRolePolicyInput{
			RoleName: name, PolicyDocument: plan.AssumeRolePolicy.ValueStringPointer(),
		})
		if err != nil {
			return err
		}
	}
	if changed(req.Plan.Raw, req.State.Raw, "description", "max_session_duration") {
		_, err := client.UpdateRole(ctx, &iam.UpdateRoleInput{
			RoleName:           name,
			Description:        aws.String(plan.Description.ValueString()),
			MaxSessionDuration: aws.Int32(int32(plan.MaxSessionDuration.ValueInt64())), // #nosec G115 -- IAM allows 43200 at most
		})
		if err != nil {
			return err
		}
	}
	remove, set := tagDifference(stringMap(ctx, state.TagsAll, diags), stringMap(ctx, plan.TagsAll, diags))
	if len(remove) > 0 {
		if _, err := client.UntagRole(ctx, &iam.UntagRoleInput{RoleName: name, TagKeys: remove}); err != nil {
			return err
		}
	}
	if len(set) > 0 {
		if _, err := client.TagRole(ctx, &iam.TagRoleInput{RoleName: name, Tags: iamTags(set)}); err != nil {
			return err
		}
	}
	return nil
}

func (r *iamRoleResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var m iamRoleModel
	if resp.Diagnostics.Append(req.State.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	client, name := r.clients.iam(), m.ID.ValueStringPointer()
	if m.ForceDetachPolicies.ValueBool() {
		if err := detachAll(ctx, client, name); err != nil {
			resp.Diagnostics.AddError(fmt.Sprintf("deleting IAM Role (%s): %s", *name, err), "")
			return
		}
	}
	_, err := client.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: name})
	if _, gone := errors.AsType[*iamtypes.NoSuchEntityException](err); err != nil && !gone {
		resp.Diagnostics.AddError(fmt.Sprintf("deleting IAM Role (%s): %s", *name, err), "")
	}
}

func detachAll(ctx context.Context, client *iam.Client, role *string) error {
	attached, err := client.ListAttachedRolePolicies(ctx, &iam.ListAttachedRolePoliciesInput{RoleName: role})
	if err != nil {
		return err
	}
	for _, policy := range attached.AttachedPolicies {
		if _, err := client.DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{RoleName: role, PolicyArn: policy.PolicyArn}); err != nil {
			return err
		}
	}
	inline, err := client.ListRolePolicies(ctx, &iam.ListRolePoliciesInput{RoleName: role})
	if err != nil {
		return err
	}
	for _, policy := range inline.PolicyNames {
		if _, err := client.DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{RoleName: role, PolicyName: &policy}); err != nil {
			return err
		}
	}
	return nil
}

func (r *iamRoleResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	resource.ImportStatePassthroughID(ctx, path.Root("id"), req, resp)
}

func iamTags(tags map[string]string) []iamtypes.Tag {
	var out []iamtypes.Tag
	for key, value := range tags {
		out = append(out, iamtypes.Tag{Key: &key, Value: &value})
	}
	return out
}
