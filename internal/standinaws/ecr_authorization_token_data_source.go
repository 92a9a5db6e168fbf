// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package standinaws

import (
	"context"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// ecrAuthorizationTokenDataSource is aws_ecr_authorization_token, which hands
// the registry's password to other providers.
type ecrAuthorizationTokenDataSource struct{ configuredDataSource }

var _ datasource.DataSourceWithConfigure = (*ecrAuthorizationTokenDataSource)(nil)

func newECRAuthorizationTokenDataSource() datasource.DataSource {
	return &ecrAuthorizationTokenDataSource{}
}

type ecrAuthorizationTokenModel struct {
	ID                 types.String `tfsdk:"id"`
	Region             types.String `tfsdk:"region"`
	RegistryID         types.String `tfsdk:"registry_id"`
	AuthorizationToken types.String `tfsdk:"authorization_token"`
	ProxyEndpoint      types.String `tfsdk:"proxy_endpoint"`
	ExpiresAt          types.String `tfsdk:"expires_at"`
	UserName           types.String `tfsdk:"user_name"`
	Password           types.String `tfsdk:"password"`
}

func (*ecrAuthorizationTokenDataSource) Metadata(_ context.Context, _ datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = "aws_ecr_authorization_token"
}

func (*ecrAuthorizationTokenDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	computed, secret := schema.StringAttribute{Computed: true}, schema.StringAttribute{Computed: true, Sensitive: true}
	resp.Schema = schema.Schema{Attributes: map[string]schema.Attribute{
		"id": computed, "region": schema.StringAttribute{Optional: true, Computed: true}, "registry_id": schema.StringAttribute{Optional: true},
		"authorization_token": secret, "proxy_endpoint": computed, "expires_at": computed, "user_name": computed, "password": secret,
	}}
}

func (d *ecrAuthorizationTokenDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var m ecrAuthorizationTokenModel
	if resp.Diagnostics.Append(req.Config.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	m.Region = types.StringValue(d.clients.region(m.Region))
	in := &ecr.GetAuthorizationTokenInput{}
	if !m.RegistryID.IsNull() {
		//nolint:staticcheck // The original sends it too.
		in.RegistryIds = []string{m.RegistryID.ValueString()}
	}
	out, err := d.clients.ecr(m.Region.ValueString()).GetAuthorizationToken(ctx, in)
	if err != nil || len(out.AuthorizationData) == 0 {
		resp.Diagnostics.AddError(fmt.Sprintf("reading ECR Authorization Token: %v", err), "")
		return
	}
	data := out.AuthorizationData[0]
	decoded, err := base64.StdEncoding.DecodeString(aws.ToString(data.AuthorizationToken))
	name, password, ok := strings.Cut(string(decoded), ":")
	if err != nil || !ok {
		resp.Diagnostics.AddError("decoding ECR Authorization Token: unknown form", "")
		return
	}
	m.ID = m.Region
	m.AuthorizationToken = types.StringPointerValue(data.AuthorizationToken)
	m.ProxyEndpoint = types.StringPointerValue(data.ProxyEndpoint)
	m.ExpiresAt = types.StringValue(aws.ToTime(data.ExpiresAt).Format(time.RFC3339))
	m.UserName, m.Password = types.StringValue(name), types.StringValue(password)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}
