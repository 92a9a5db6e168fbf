// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package standinaws

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// lambdaPermissionResource is aws_lambda_permission: one statement of a
// function's policy.
type lambdaPermissionResource struct{ configuredResource }

var _ resource.ResourceWithConfigure = (*lambdaPermissionResource)(nil)

func newLambdaPermissionResource() resource.Resource { return &lambdaPermissionResource{} }

type lambdaPermissionModel struct {
	ID                  types.String `tfsdk:"id"`
	Region              types.String `tfsdk:"region"`
	StatementID         types.String `tfsdk:"statement_id"`
	StatementIDPrefix   types.String `tfsdk:"statement_id_prefix"`
	Action              types.String `tfsdk:"action"`
	FunctionName        types.String `tfsdk:"function_name"`
	FunctionURLAuthType types.String `tfsdk:"function_url_auth_type"`
	Principal           types.String `tfsdk:"principal"`
	Qualifier           types.String `tfsdk:"qualifier"`
	SourceAccount       types.String `tfsdk:"source_account"`
	SourceARN           types.String `tfsdk:"source_arn"`
}

func (r *lambdaPermissionResource) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = "aws_lambda_permission"
}

func (r *lambdaPermissionResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{Attributes: map[string]schema.Attribute{
		"id":                     computedString(),
		"region":                 regionAttribute(),
		"statement_id":           optionalComputedReplacingString(),
		"statement_id_prefix":    optionalReplacingString(),
		"action":                 replacingString(),
		"function_name":          replacingString(),
		"function_url_auth_type": optionalReplacingString(),
		"principal":              replacingString(),
		"qualifier":              optionalReplacingString(),
		"source_account":         optionalReplacingString(),
		"source_arn":             optionalReplacingString(),
	}}
}

func (r *lambdaPermissionResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var m lambdaPermissionModel
	if resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	m.Region = types.StringValue(r.clients.region(m.Region))
	m.StatementID = types.StringValue(generatedName(m.StatementID, m.StatementIDPrefix))
	_, err := r.clients.lambda(m.Region.ValueString()).AddPermission(ctx, &lambda.AddPermissionInput{
		StatementId:         m.StatementID.ValueStringPointer(),
		Action:              m.Action.ValueStringPointer(),
		FunctionName:        m.FunctionName.ValueStringPointer(),
		FunctionUrlAuthType: lambdatypes.FunctionUrlAuthType(m.FunctionURLAuthType.ValueString()),
		Principal:           m.Principal.ValueStringPointer(),
		Qualifier:           nonEmpty(m.Qualifier),
		SourceAccount:       nonEmpty(m.SourceAccount),
		SourceArn:           nonEmpty(m.SourceARN),
	})
	if err != nil {
		resp.Diagnostics.AddError(fmt.Sprintf("adding Lambda Permission (%s/%s): %s", m.FunctionName.ValueString(), m.StatementID.ValueString(), err), "")
		return
	}
	m.ID = m.StatementID
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

func (r *lambdaPermissionResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var m lambdaPermissionModel
	if resp.Diagnostics.Append(req.State.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	out, err := r.clients.lambda(m.Region.ValueString()).GetPolicy(ctx, &lambda.GetPolicyInput{
		FunctionName: m.FunctionName.ValueStringPointer(), Qualifier: nonEmpty(m.Qualifier),
	})
	if err != nil && !isNoLambda(err) {
		resp.Diagnostics.AddError(fmt.Sprintf("reading Lambda Permission (%s/%s): %s", m.FunctionName.ValueString(), m.ID.ValueString(), err), "")
		return
	}
	var policy struct{ Statement []struct{ Sid string } }
	if err == nil {
		if err := json.Unmarshal([]byte(aws.ToString(out.Policy)), &policy); err != nil {
			resp.Diagnostics.AddError(fmt.Sprintf("reading Lambda Permission (%s/%s): %s", m.FunctionName.ValueString(), m.ID.ValueString(), err), "")
			return
		}
	}
	for _, statement := range policy.Statement {
		if statement.Sid == m.StatementID.ValueString() {
			return
		}
	}
	resp.State.RemoveResource(ctx)
}

// Update is never called: every argument replaces the statement.
func (r *lambdaPermissionResource) Update(context.Context, resource.UpdateRequest, *resource.UpdateResponse) {
}

func (r *lambdaPermissionResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var m lambdaPermissionModel
	if resp.Diagnostics.Append(req.State.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	_, err := r.clients.lambda(m.Region.ValueString()).RemovePermission(ctx, &lambda.RemovePermissionInput{
		FunctionName: m.FunctionName.ValueStringPointer(), StatementId: m.StatementID.ValueStringPointer(), Qualifier: nonEmpty(m.Qualifier),
	})
	if err != nil && !isNoLambda(err) {
		resp.Diagnostics.AddError(fmt.Sprintf("removing Lambda Permission (%s/%s): %s", m.FunctionName.ValueString(), m.ID.ValueString(), err), "")
	}
}
