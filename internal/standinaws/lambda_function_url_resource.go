// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package standinaws

import (
	"context"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// lambdaFunctionURLResource is aws_lambda_function_url, without CORS.
type lambdaFunctionURLResource struct{ configuredResource }

var (
	_ resource.ResourceWithConfigure   = (*lambdaFunctionURLResource)(nil)
	_ resource.ResourceWithImportState = (*lambdaFunctionURLResource)(nil)
)

func newLambdaFunctionURLResource() resource.Resource { return &lambdaFunctionURLResource{} }

type lambdaFunctionURLModel struct {
	ID                types.String `tfsdk:"id"`
	Region            types.String `tfsdk:"region"`
	FunctionName      types.String `tfsdk:"function_name"`
	FunctionARN       types.String `tfsdk:"function_arn"`
	Qualifier         types.String `tfsdk:"qualifier"`
	AuthorizationType types.String `tfsdk:"authorization_type"`
	InvokeMode        types.String `tfsdk:"invoke_mode"`
	FunctionURL       types.String `tfsdk:"function_url"`
	URLID             types.String `tfsdk:"url_id"`
}

func (r *lambdaFunctionURLResource) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = "aws_lambda_function_url"
}

func (r *lambdaFunctionURLResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{Attributes: map[string]schema.Attribute{
		"id":                 computedString(),
		"region":             regionAttribute(),
		"function_name":      replacingString(),
		"function_arn":       computedString(),
		"qualifier":          optionalReplacingString(),
		"authorization_type": requiredString(),
		"invoke_mode":        schema.StringAttribute{Optional: true, Computed: true, Default: stringdefault.StaticString("BUFFERED")},
		"function_url":       computedString(),
		"url_id":             computedString(),
	}}
}

func (m *lambdaFunctionURLModel) fill(arn, url *string, authorization lambdatypes.FunctionUrlAuthType, mode lambdatypes.InvokeMode) {
	m.ID = m.FunctionName
	m.FunctionARN = types.StringPointerValue(arn)
	m.FunctionURL = types.StringPointerValue(url)
	m.AuthorizationType = types.StringValue(string(authorization))
	m.InvokeMode = types.StringValue(string(mode))
	id, _, _ := strings.Cut(strings.TrimPrefix(aws.ToString(url), "https://"), ".")
	m.URLID = types.StringValue(id)
}

func (r *lambdaFunctionURLResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var m lambdaFunctionURLModel
	if resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	m.Region = types.StringValue(r.clients.region(m.Region))
	out, err := r.clients.lambda(m.Region.ValueString()).CreateFunctionUrlConfig(ctx, &lambda.CreateFunctionUrlConfigInput{
		FunctionName: m.FunctionName.ValueStringPointer(),
		Qualifier:    m.Qualifier.ValueStringPointer(),
		AuthType:     lambdatypes.FunctionUrlAuthType(m.AuthorizationType.ValueString()),
		InvokeMode:   lambdatypes.InvokeMode(m.InvokeMode.ValueString()),
	})
	if err != nil {
		resp.Diagnostics.AddError(fmt.Sprintf("creating Lambda Function URL (%s): %s", m.FunctionName.ValueString(), err), "")
		return
	}
	m.fill(out.FunctionArn, out.FunctionUrl, out.AuthType, out.InvokeMode)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

func (r *lambdaFunctionURLResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var m lambdaFunctionURLModel
	if resp.Diagnostics.Append(req.State.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	m.FunctionName = m.ID
	m.Region = types.StringValue(r.clients.region(m.Region))
	out, err := r.clients.lambda(m.Region.ValueString()).GetFunctionUrlConfig(ctx, &lambda.GetFunctionUrlConfigInput{
		FunctionName: m.FunctionName.ValueStringPointer(), Qualifier: m.Qualifier.ValueStringPointer(),
	})
	if isNoLambda(err) {
		resp.State.RemoveResource(ctx)
		return
	}
	if err != nil {
		resp.Diagnostics.AddError(fmt.Sprintf("reading Lambda Function URL (%s): %s", m.ID.ValueString(), err), "")
		return
	}
	m.fill(out.FunctionArn, out.FunctionUrl, out.AuthType, out.InvokeMode)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

func (r *lambdaFunctionURLResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var m lambdaFunctionURLModel
	if resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	out, err := r.clients.lambda(m.Region.ValueString()).UpdateFunctionUrlConfig(ctx, &lambda.UpdateFunctionUrlConfigInput{
		FunctionName: m.FunctionName.ValueStringPointer(),
		Qualifier:    m.Qualifier.ValueStringPointer(),
		AuthType:     lambdatypes.FunctionUrlAuthType(m.AuthorizationType.ValueString()),
		InvokeMode:   lambdatypes.InvokeMode(m.InvokeMode.ValueString()),
	})
	if err != nil {
		resp.Diagnostics.AddError(fmt.Sprintf("updating Lambda Function URL (%s): %s", m.ID.ValueString(), err), "")
		return
	}
	m.fill(out.FunctionArn, out.FunctionUrl, out.AuthType, out.InvokeMode)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

func (r *lambdaFunctionURLResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var m lambdaFunctionURLModel
	if resp.Diagnostics.Append(req.State.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	_, err := r.clients.lambda(m.Region.ValueString()).DeleteFunctionUrlConfig(ctx, &lambda.DeleteFunctionUrlConfigInput{
		FunctionName: m.FunctionName.ValueStringPointer(), Qualifier: m.Qualifier.ValueStringPointer(),
	})
	if err != nil && !isNoLambda(err) {
		resp.Diagnostics.AddError(fmt.Sprintf("deleting Lambda Function URL (%s): %s", m.ID.ValueString(), err), "")
	}
}

func (r *lambdaFunctionURLResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	resource.ImportStatePassthroughID(ctx, path.Root("id"), req, resp)
}
