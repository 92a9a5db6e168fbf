// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package standinaws

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// ecrRepositoryDataSource is aws_ecr_repository.
type ecrRepositoryDataSource struct{ configuredDataSource }

// ssmParameterDataSource is aws_ssm_parameter. A parameter that does not exist
// is an error, as in the original.
type ssmParameterDataSource struct{ configuredDataSource }

var (
	_ datasource.DataSourceWithConfigure = (*ecrRepositoryDataSource)(nil)
	_ datasource.DataSourceWithConfigure = (*ssmParameterDataSource)(nil)
)

func newECRRepositoryDataSource() datasource.DataSource { return &ecrRepositoryDataSource{} }
func newSSMParameterDataSource() datasource.DataSource  { return &ssmParameterDataSource{} }

type ecrRepositoryDataModel struct {
	ID                 types.String `tfsdk:"id"`
	ARN                types.String `tfsdk:"arn"`
	Name               types.String `tfsdk:"name"`
	Region             types.String `tfsdk:"region"`
	RegistryID         types.String `tfsdk:"registry_id"`
	RepositoryURL      types.String `tfsdk:"repository_url"`
	ImageTagMutability types.String `tfsdk:"image_tag_mutability"`
}

func (*ecrRepositoryDataSource) Metadata(_ context.Context, _ datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = "aws_ecr_repository"
}

func (*ecrRepositoryDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	computed, either := schema.StringAttribute{Computed: true}, schema.StringAttribute{Optional: true, Computed: true}
	resp.Schema = schema.Schema{Attributes: map[string]schema.Attribute{
		"id": computed, "arn": computed, "name": schema.StringAttribute{Required: true}, "region": either,
		"registry_id": either, "repository_url": computed, "image_tag_mutability": computed,
	}}
}

func (d *ecrRepositoryDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var m ecrRepositoryDataModel
	if resp.Diagnostics.Append(req.Config.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	m.Region = types.StringValue(d.clients.region(m.Region))
	repo, err := describeRepository(ctx, d.clients.ecr(m.Region.ValueString()), m.Name.ValueString())
	if err != nil {
		resp.Diagnostics.AddError(fmt.Sprintf("reading ECR Repository (%s): %s", m.Name.ValueString(), err), "")
		return
	}
	m.ID = types.StringPointerValue(repo.RepositoryName)
	m.ARN = types.StringPointerValue(repo.RepositoryArn)
	m.RegistryID = types.StringPointerValue(repo.RegistryId)
	m.RepositoryURL = types.StringPointerValue(repo.RepositoryUri)
	m.ImageTagMutability = types.StringValue(string(repo.ImageTagMutability))
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

type ssmParameterDataModel struct {
	ID             types.String `tfsdk:"id"`
	ARN            types.String `tfsdk:"arn"`
	Name           types.String `tfsdk:"name"`
	Region         types.String `tfsdk:"region"`
	Type           types.String `tfsdk:"type"`
	Value          types.String `tfsdk:"value"`
	InsecureValue  types.String `tfsdk:"insecure_value"`
	Version        types.Int64  `tfsdk:"version"`
	WithDecryption types.Bool   `tfsdk:"with_decryption"`
}

func (*ssmParameterDataSource) Metadata(_ context.Context, _ datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = "aws_ssm_parameter"
}

func (*ssmParameterDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	computed := schema.StringAttribute{Computed: true}
	resp.Schema = schema.Schema{Attributes: map[string]schema.Attribute{
		"id": computed, "arn": computed, "name": schema.StringAttribute{Required: true},
		"region": schema.StringAttribute{Optional: true, Computed: true}, "type": computed,
		"value": schema.StringAttribute{Computed: true, Sensitive: true}, "insecure_value": computed,
		"version": schema.Int64Attribute{Computed: true}, "with_decryption": schema.BoolAttribute{Optional: true, Computed: true},
	}}
}

func (d *ssmParameterDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var m ssmParameterDataModel
	if resp.Diagnostics.Append(req.Config.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	if m.WithDecryption.IsNull() {
		m.WithDecryption = types.BoolValue(true)
	}
	m.Region = types.StringValue(d.clients.region(m.Region))
	out, err := d.clients.ssm(m.Region.ValueString()).GetParameter(ctx, &ssm.GetParameterInput{
		Name: m.Name.ValueStringPointer(), WithDecryption: m.WithDecryption.ValueBoolPointer(),
	})
	if isNoParameter(err) {
		resp.Diagnostics.AddError(fmt.Sprintf("reading SSM Parameter (%s): couldn't find resource", m.Name.ValueString()), "")
		return
	}
	if err != nil {
		resp.Diagnostics.AddError(fmt.Sprintf("reading SSM Parameter (%s): %s", m.Name.ValueString(), err), "")
		return
	}
	m.ID = types.StringPointerValue(out.Parameter.Name)
	m.ARN = types.StringPointerValue(out.Parameter.ARN)
	m.Type = types.StringValue(string(out.Parameter.Type))
	m.Value = types.StringPointerValue(out.Parameter.Value)
	m.InsecureValue = types.StringNull()
	if m.Type.ValueString() != "SecureString" {
		m.InsecureValue = m.Value
	}
	m.Version = types.Int64Value(out.Parameter.Version)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}
