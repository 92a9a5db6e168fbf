// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package standinaws

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// lambdaAliasResource is aws_lambda_alias.
type lambdaAliasResource struct{ configuredResource }

var (
	_ resource.ResourceWithConfigure   = (*lambdaAliasResource)(nil)
	_ resource.ResourceWithImportState = (*lambdaAliasResource)(nil)
)

func newLambdaAliasResource() resource.Resource { return &lambdaAliasResource{} }

type lambdaAliasModel struct {
	ID              types.String `tfsdk:"id"`
	ARN             types.String `tfsdk:"arn"`
	Name            types.String `tfsdk:"name"`
	Region          types.String `tfsdk:"region"`
	Description     types.String `tfsdk:"description"`
	FunctionName    types.String `tfsdk:"function_name"`
	FunctionVersion types.String `tfsdk:"function_version"`
	InvokeARN       types.String `tfsdk:"invoke_arn"`
}

func (r *lambdaAliasResource) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = "aws_lambda_alias"
}

func (r *lambdaAliasResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{Attributes: map[string]schema.Attribute{
		"id":               computedString(),
		"arn":              computedString(),
		"name":             replacingString(),
		"region":           regionAttribute(),
		"description":      optionalString(),
		"function_name":    replacingString(),
		"function_version": requiredString(),
		"invoke_arn":       computedString(),
	}}
}

func (r *lambdaAliasResource) fill(m *lambdaAliasModel, arn, version, description *string) {
	m.ID, m.ARN = types.StringPointerValue(arn), types.StringPointerValue(arn)
	m.FunctionVersion = types.StringPointerValue(version)
	m.Description = text(description, m.Description)
	m.InvokeARN = types.StringValue(r.clients.invokeARN(m.Region.ValueString(), aws.ToString(arn)))
}

func (r *lambdaAliasResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var m lambdaAliasModel
	if resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	m.Region = types.StringValue(r.clients.region(m.Region))
	out, err := r.clients.lambda(m.Region.ValueString()).CreateAlias(ctx, &lambda.CreateAliasInput{
		FunctionName:    m.FunctionName.ValueStringPointer(),
		FunctionVersion: m.FunctionVersion.ValueStringPointer(),
		Name:            m.Name.ValueStringPointer(),
		Description:     aws.String(m.Description.ValueString()),
	})
	if err != nil {
		resp.Diagnostics.AddError(fmt.Sprintf("creating Lambda Alias (%s): %s", m.Name.ValueString(), err), "")
		return
	}
	r.fill(&m, out.AliasArn, out.FunctionVersion, out.Description)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

func (r *lambdaAliasResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var m lambdaAliasModel
	if resp.Diagnostics.Append(req.State.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	if m.Name.IsNull() { // after an import of FUNCTION/ALIAS
		function, alias, _ := strings.Cut(m.ID.ValueString(), "/")
		m.FunctionName, m.Name = types.StringValue(function), types.StringValue(alias)
	}
	m.Region = types.StringValue(r.clients.region(m.Region))
	out, err := r.clients.lambda(m.Region.ValueString()).GetAlias(ctx, &lambda.GetAliasInput{
		FunctionName: m.FunctionName.ValueStringPointer(), Name: m.Name.ValueStringPointer(),
	})
	if isNoLambda(err) {
		resp.State.RemoveResource(ctx)
		return
	}
	if err != nil {
		resp.Diagnostics.AddError(fmt.Sprintf("reading Lambda Alias (%s): %s", m.ID.ValueString(), err), "")
		return
	}
	r.fill(&m, out.AliasArn, out.FunctionVersion, out.Description)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

func (r *lambdaAliasResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var m lambdaAliasModel
	if resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	out, err := r.clients.lambda(m.Region.ValueString()).UpdateAlias(ctx, &lambda.UpdateAliasInput{
		FunctionName:    m.FunctionName.ValueStringPointer(),
		FunctionVersion: m.FunctionVersion.ValueStringPointer(),
		Name:            m.Name.ValueStringPointer(),
		Description:     aws.String(m.Description.ValueString()),
	})
	if err != nil {
		resp.Diagnostics.AddError(fmt.Sprintf("updating Lambda Alias (%s): %s", m.ID.ValueString(), err), "")
		return
	}
	r.fill(&m, out.AliasArn, out.FunctionVersion, out.Description)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

func (r *lambdaAliasResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var m lambdaAliasModel
	if resp.Diagnostics.Append(req.State.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	_, err := r.clients.lambda(m.Region.ValueString()).DeleteAlias(ctx, &lambda.DeleteAliasInput{
		FunctionName: m.FunctionName.ValueStringPointer(), Name: m.Name.ValueStringPointer(),
	})
	if err != nil && !isNoLambda(err) {
		resp.Diagnostics.AddError(fmt.Sprintf("deleting Lambda Alias (%s): %s", m.ID.ValueString(), err), "")
	}
}

func (r *lambdaAliasResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	resource.ImportStatePassthroughID(ctx, path.Root("id"), req, resp)
}
