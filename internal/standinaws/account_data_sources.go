// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package standinaws

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// callerIdentityDataSource is aws_caller_identity.
type callerIdentityDataSource struct{ configuredDataSource }

// regionDataSource is aws_region.
type regionDataSource struct{ configuredDataSource }

// partitionDataSource is aws_partition.
type partitionDataSource struct{ configuredDataSource }

var (
	_ datasource.DataSourceWithConfigure = (*callerIdentityDataSource)(nil)
	_ datasource.DataSourceWithConfigure = (*regionDataSource)(nil)
	_ datasource.DataSourceWithConfigure = (*partitionDataSource)(nil)
)

func newCallerIdentityDataSource() datasource.DataSource { return &callerIdentityDataSource{} }
func newRegionDataSource() datasource.DataSource         { return &regionDataSource{} }
func newPartitionDataSource() datasource.DataSource      { return &partitionDataSource{} }

type callerIdentityModel struct {
	ID        types.String `tfsdk:"id"`
	AccountID types.String `tfsdk:"account_id"`
	ARN       types.String `tfsdk:"arn"`
	UserID    types.String `tfsdk:"user_id"`
}

type regionModel struct {
	ID          types.String `tfsdk:"id"`
	Name        types.String `tfsdk:"name"`
	Region      types.String `tfsdk:"region"`
	Endpoint    types.String `tfsdk:"endpoint"`
	Description types.String `tfsdk:"description"`
}

type partitionModel struct {
	ID               types.String `tfsdk:"id"`
	Partition        types.String `tfsdk:"partition"`
	DNSSuffix        types.String `tfsdk:"dns_suffix"`
	ReverseDNSPrefix types.String `tfsdk:"reverse_dns_prefix"`
}

func (*callerIdentityDataSource) Metadata(_ context.Context, _ datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = "aws_caller_identity"
}

func (*callerIdentityDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	computed := schema.StringAttribute{Computed: true}
	resp.Schema = schema.Schema{Attributes: map[string]schema.Attribute{
		"id": computed, "account_id": computed, "arn": computed, "user_id": computed,
	}}
}

func (d *callerIdentityDataSource) Read(ctx context.Context, _ datasource.ReadRequest, resp *datasource.ReadResponse) {
	out, err := d.clients.sts().GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		resp.Diagnostics.AddError(fmt.Sprintf("reading STS Caller Identity: %s", err), "")
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &callerIdentityModel{
		ID:        types.StringPointerValue(out.Account),
		AccountID: types.StringPointerValue(out.Account),
		ARN:       types.StringPointerValue(out.Arn),
		UserID:    types.StringPointerValue(out.UserId),
	})...)
}

func (*regionDataSource) Metadata(_ context.Context, _ datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = "aws_region"
}

func (*regionDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	computed, either := schema.StringAttribute{Computed: true}, schema.StringAttribute{Optional: true, Computed: true}
	resp.Schema = schema.Schema{Attributes: map[string]schema.Attribute{
		"id": computed, "description": computed, "name": either, "region": either, "endpoint": either,
	}}
}

func (d *regionDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var m regionModel
	if resp.Diagnostics.Append(req.Config.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	name := d.clients.cfg.Region
	for _, given := range []types.String{m.Region, m.Name} {
		if given.ValueString() != "" {
			name = given.ValueString()
		}
	}
	m.ID, m.Name, m.Region = types.StringValue(name), types.StringValue(name), types.StringValue(name)
	m.Endpoint = types.StringValue("ec2." + name + "." + d.clients.partition.DNSSuffix())
	m.Description = types.StringValue(d.clients.partition.Regions()[name].Description())
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

func (*partitionDataSource) Metadata(_ context.Context, _ datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = "aws_partition"
}

func (*partitionDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	computed := schema.StringAttribute{Computed: true}
	resp.Schema = schema.Schema{Attributes: map[string]schema.Attribute{
		"id": computed, "partition": computed, "dns_suffix": computed, "reverse_dns_prefix": computed,
	}}
}

func (d *partitionDataSource) Read(ctx context.Context, _ datasource.ReadRequest, resp *datasource.ReadResponse) {
	id := types.StringValue(d.clients.partition.ID())
	suffix := d.clients.partition.DNSSuffix()
	resp.Diagnostics.Append(resp.State.Set(ctx, &partitionModel{
		ID: id, Partition: id,
		DNSSuffix:        types.StringValue(suffix),
		ReverseDNSPrefix: types.StringValue(reverseDNS(suffix)),
	})...)
}
