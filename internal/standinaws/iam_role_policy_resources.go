// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package standinaws

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	iamtypes "github.com/aws/aws-sdk-go-v2/service/iam/types"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// iamRolePolicyResource is aws_iam_role_policy, an inline policy.
type iamRolePolicyResource struct{ configuredResource }

// iamRolePolicyAttachmentResource is aws_iam_role_policy_attachment.
type iamRolePolicyAttachmentResource struct{ configuredResource }

var (
	_ resource.ResourceWithConfigure   = (*iamRolePolicyResource)(nil)
	_ resource.ResourceWithImportState = (*iamRolePolicyResource)(nil)
	_ resource.ResourceWithConfigure   = (*iamRolePolicyAttachmentResource)(nil)
	_ resource.ResourceWithImportState = (*iamRolePolicyAttachmentResource)(nil)
)

func newIAMRolePolicyResource() resource.Resource { return &iamRolePolicyResource{} }

func newIAMRolePolicyAttachmentResource() resource.Resource {
	return &iamRolePolicyAttachmentResource{}
}

type iamRolePolicyModel struct {
	ID         types.String `tfsdk:"id"`
	Name       types.String `tfsdk:"name"`
	NamePrefix types.String `tfsdk:"name_prefix"`
	Role       types.String `tfsdk:"role"`
	Policy     types.String `tfsdk:"policy"`
}

func (r *iamRolePolicyResource) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = "aws_iam_role_policy"
}

func (r *iamRolePolicyResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{Attributes: map[string]schema.Attribute{
		"id":          computedString(),
		"name":        optionalComputedReplacingString(),
		"name_prefix": optionalComputedReplacingString(),
		"role":        replacingString(),
		"policy":      requiredString(),
	}}
}

func (r *iamRolePolicyResource) write(ctx context.Context, m *iamRolePolicyModel) error {
	name := generatedName(m.Name, m.NamePrefix)
	_, err := r.clients.iam().PutRolePolicy(ctx, &iam.PutRolePolicyInput{
		RoleName: m.Role.ValueStringPointer(), PolicyName: &name, PolicyDocument: m.Policy.ValueStringPointer(),
	})
	if err != nil {
		return fmt.Errorf("putting IAM Role (%s) Policy (%s): %w", m.Role.ValueString(), name, err)
	}
	m.Name = types.StringValue(name)
	m.NamePrefix = types.StringValue(m.NamePrefix.ValueString())
	m.ID = types.StringValue(m.Role.ValueString() + ":" + name)
	return nil
}

func (r *iamRolePolicyResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var m iamRolePolicyModel
	if resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	if err := r.write(ctx, &m); err != nil {
		resp.Diagnostics.AddError(err.Error(), "")
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

func (r *iamRolePolicyResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var m iamRolePolicyModel
	if resp.Diagnostics.Append(req.State.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	role, name, _ := strings.Cut(m.ID.ValueString(), ":")
	out, err := r.clients.iam().GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: &role, PolicyName: &name})
	if isNoEntity(err) {
		resp.State.RemoveResource(ctx)
		return
	}
	if err != nil {
		resp.Diagnostics.AddError(fmt.Sprintf("reading IAM Role Policy (%s): %s", m.ID.ValueString(), err), "")
		return
	}
	document, err := url.PathUnescape(aws.ToString(out.PolicyDocument))
	if err != nil {
		resp.Diagnostics.AddError(fmt.Sprintf("reading IAM Role Policy (%s): %s", m.ID.ValueString(), err), "")
		return
	}
	m.Role, m.Name = types.StringValue(role), types.StringValue(name)
	m.NamePrefix = types.StringValue(m.NamePrefix.ValueString())
	m.Policy = samePolicy(document, m.Policy)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

func (r *iamRolePolicyResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var m iamRolePolicyModel
	if resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	if err := r.write(ctx, &m); err != nil {
		resp.Diagnostics.AddError(err.Error(), "")
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

func (r *iamRolePolicyResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var m iamRolePolicyModel
	if resp.Diagnostics.Append(req.State.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	_, err := r.clients.iam().DeleteRolePolicy(ctx, &iam.DeleteRolePolicyInput{
		RoleName: m.Role.ValueStringPointer(), PolicyName: m.Name.ValueStringPointer(),
	})
	if err != nil && !isNoEntity(err) {
		resp.Diagnostics.AddError(fmt.Sprintf("deleting IAM Role Policy (%s): %s", m.ID.ValueString(), err), "")
	}
}

func (r *iamRolePolicyResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	resource.ImportStatePassthroughID(ctx, path.Root("id"), req, resp)
}

type iamRolePolicyAttachmentModel struct {
	ID        types.String `tfsdk:"id"`
	Role      types.String `tfsdk:"role"`
	PolicyARN types.String `tfsdk:"policy_arn"`
}

func (r *iamRolePolicyAttachmentResource) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = "aws_iam_role_policy_attachment"
}

func (r *iamRolePolicyAttachmentResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{Attributes: map[string]schema.Attribute{
		"id":         computedString(),
		"role":       replacingString(),
		"policy_arn": replacingString(),
	}}
}

func (r *iamRolePolicyAttachmentResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var m iamRolePolicyAttachmentModel
	if resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	_, err := r.clients.iam().AttachRolePolicy(ctx, &iam.AttachRolePolicyInput{
		RoleName: m.Role.ValueStringPointer(), PolicyArn: m.PolicyARN.ValueStringPointer(),
	})
	if err != nil {
		resp.Diagnostics.AddError(fmt.Sprintf("attaching IAM Policy (%s) to IAM Role (%s): %s", m.PolicyARN.ValueString(), m.Role.ValueString(), err), "")
		return
	}
	m.ID = types.StringValue(m.Role.ValueString() + "/" + m.PolicyARN.ValueString())
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

func (r *iamRolePolicyAttachmentResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var m iamRolePolicyAttachmentModel
	if resp.Diagnostics.Append(req.State.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	if m.Role.IsNull() { // after an import
		role, arn, _ := strings.Cut(m.ID.ValueString(), "/")
		m.Role, m.PolicyARN = types.StringValue(role), types.StringValue(arn)
	}
	out, err := r.clients.iam().ListAttachedRolePolicies(ctx, &iam.ListAttachedRolePoliciesInput{RoleName: m.Role.ValueStringPointer()})
	if err != nil && !isNoEntity(err) {
		resp.Diagnostics.AddError(fmt.Sprintf("reading IAM Role (%s) Policy Attachment (%s): %s", m.Role.ValueString(), m.PolicyARN.ValueString(), err), "")
		return
	}
	if err == nil {
		for _, policy := range out.AttachedPolicies {
			if aws.ToString(policy.PolicyArn) == m.PolicyARN.ValueString() {
				resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
				return
			}
		}
	}
	resp.State.RemoveResource(ctx)
}

// Update is never called: every argument replaces the attachment.
func (r *iamRolePolicyAttachmentResource) Update(context.Context, resource.UpdateRequest, *resource.UpdateResponse) {
}

func (r *iamRolePolicyAttachmentResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var m iamRolePolicyAttachmentModel
	if resp.Diagnostics.Append(req.State.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	_, err := r.clients.iam().DetachRolePolicy(ctx, &iam.DetachRolePolicyInput{
		RoleName: m.Role.ValueStringPointer(), PolicyArn: m.PolicyARN.ValueStringPointer(),
	})
	if err != nil && !isNoEntity(err) {
		resp.Diagnostics.AddError(fmt.Sprintf("detaching IAM Policy (%s) from IAM Role (%s): %s", m.PolicyARN.ValueString(), m.Role.ValueString(), err), "")
	}
}

func (r *iamRolePolicyAttachmentResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	resource.ImportStatePassthroughID(ctx, path.Root("id"), req, resp)
}

func isNoEntity(err error) bool {
	_, ok := errors.AsType[*iamtypes.NoSuchEntityException](err)
	return ok
}
