// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package standinaws

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// New returns a factory of the stand-in provider. version is what the provider
// reports about itself and puts into its User-Agent.
func New(version string) func() provider.Provider {
	return func() provider.Provider { return &awsProvider{version: version} }
}

type awsProvider struct{ version string }

// providerModel holds the provider block. Arguments of the original that make
// no difference against an emulator are accepted and not used.
type providerModel struct {
	Region                         types.String      `tfsdk:"region"`
	AccessKey                      types.String      `tfsdk:"access_key"`
	SecretKey                      types.String      `tfsdk:"secret_key"`
	Token                          types.String      `tfsdk:"token"`
	Profile                        types.String      `tfsdk:"profile"`
	SharedConfigFiles              types.List        `tfsdk:"shared_config_files"`
	SharedCredentialsFiles         types.List        `tfsdk:"shared_credentials_files"`
	AllowedAccountIDs              types.Set         `tfsdk:"allowed_account_ids"`
	ForbiddenAccountIDs            types.Set         `tfsdk:"forbidden_account_ids"`
	CustomCABundle                 types.String      `tfsdk:"custom_ca_bundle"`
	HTTPProxy                      types.String      `tfsdk:"http_proxy"`
	HTTPSProxy                     types.String      `tfsdk:"https_proxy"`
	NoProxy                        types.String      `tfsdk:"no_proxy"`
	Insecure                       types.Bool        `tfsdk:"insecure"`
	MaxRetries                     types.Int64       `tfsdk:"max_retries"`
	RetryMode                      types.String      `tfsdk:"retry_mode"`
	SkipCredentialsValidation      types.Bool        `tfsdk:"skip_credentials_validation"`
	SkipMetadataAPICheck           types.String      `tfsdk:"skip_metadata_api_check"`
	SkipRegionValidation           types.Bool        `tfsdk:"skip_region_validation"`
	SkipRequestingAccountID        types.Bool        `tfsdk:"skip_requesting_account_id"`
	S3UsePathStyle                 types.Bool        `tfsdk:"s3_use_path_style"`
	STSRegion                      types.String      `tfsdk:"sts_region"`
	UseDualstackEndpoint           types.Bool        `tfsdk:"use_dualstack_endpoint"`
	UseFIPSEndpoint                types.Bool        `tfsdk:"use_fips_endpoint"`
	EC2MetadataServiceEndpoint     types.String      `tfsdk:"ec2_metadata_service_endpoint"`
	EC2MetadataServiceEndpointMode types.String      `tfsdk:"ec2_metadata_service_endpoint_mode"`
	Endpoints                      types.Set         `tfsdk:"endpoints"`
	AssumeRole                     []assumeRoleModel `tfsdk:"assume_role"`
	DefaultTags                    []tagsBlockModel  `tfsdk:"default_tags"`
	IgnoreTags                     []ignoreTagsModel `tfsdk:"ignore_tags"`
}

type assumeRoleModel struct {
	RoleARN     types.String `tfsdk:"role_arn"`
	SessionName types.String `tfsdk:"session_name"`
	ExternalID  types.String `tfsdk:"external_id"`
}

type tagsBlockModel struct {
	Tags types.Map `tfsdk:"tags"`
}

type ignoreTagsModel struct {
	Keys        types.Set `tfsdk:"keys"`
	KeyPrefixes types.Set `tfsdk:"key_prefixes"`
}

// endpointServices are the services whose endpoint can be set, by the names
// that the original uses.
var endpointServices = []string{"ecr", "iam", "lambda", "s3", "sqs", "ssm", "sts"}

func (p *awsProvider) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "aws"
	resp.Version = p.version
}

func (p *awsProvider) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	text := schema.StringAttribute{Optional: true}
	flag := schema.BoolAttribute{Optional: true}

	endpoints := map[string]schema.Attribute{}
	for _, service := range endpointServices {
		endpoints[service] = text
	}

	resp.Schema = schema.Schema{
		Description: "Stand-in for hashicorp/aws, for tests and demonstrations.",
		Attributes: map[string]schema.Attribute{
			"region":                             text,
			"access_key":                         text,
			"secret_key":                         schema.StringAttribute{Optional: true, Sensitive: true},
			"token":                              schema.StringAttribute{Optional: true, Sensitive: true},
			"profile":                            text,
			"shared_config_files":                schema.ListAttribute{Optional: true, ElementType: types.StringType},
			"shared_credentials_files":           schema.ListAttribute{Optional: true, ElementType: types.StringType},
			"allowed_account_ids":                schema.SetAttribute{Optional: true, ElementType: types.StringType},
			"forbidden_account_ids":              schema.SetAttribute{Optional: true, ElementType: types.StringType},
			"custom_ca_bundle":                   text,
			"http_proxy":                         text,
			"https_proxy":                        text,
			"no_proxy":                           text,
			"insecure":                           flag,
			"max_retries":                        schema.Int64Attribute{Optional: true},
			"retry_mode":                         text,
			"skip_credentials_validation":        flag,
			"skip_metadata_api_check":            text,
			"skip_region_validation":             flag,
			"skip_requesting_account_id":         flag,
			"s3_use_path_style":                  flag,
			"sts_region":                         text,
			"use_dualstack_endpoint":             flag,
			"use_fips_endpoint":                  flag,
			"ec2_metadata_service_endpoint":      text,
			"ec2_metadata_service_endpoint_mode": text,
		},
		Blocks: map[string]schema.Block{
			"endpoints": schema.SetNestedBlock{NestedObject: schema.NestedBlockObject{Attributes: endpoints}},
			"assume_role": schema.ListNestedBlock{NestedObject: schema.NestedBlockObject{Attributes: map[string]schema.Attribute{
				"role_arn": text, "session_name": text, "external_id": text,
			}}},
			"default_tags": schema.ListNestedBlock{NestedObject: schema.NestedBlockObject{Attributes: map[string]schema.Attribute{
				"tags": schema.MapAttribute{Optional: true, ElementType: types.StringType},
			}}},
			"ignore_tags": schema.ListNestedBlock{NestedObject: schema.NestedBlockObject{Attributes: map[string]schema.Attribute{
				"keys":         schema.SetAttribute{Optional: true, ElementType: types.StringType},
				"key_prefixes": schema.SetAttribute{Optional: true, ElementType: types.StringType},
			}}},
		},
	}
}

// Configure builds the clients at once and asks STS who the caller is, as the
// original does, so that wrong credentials fail before anything is changed.
func (p *awsProvider) Configure(ctx context.Context, req provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	var m providerModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	c := newClients(ctx, p.version, m, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.ResourceData = c
	resp.DataSourceData = c
}

func (p *awsProvider) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{
		newECRLifecyclePolicyResource,
		newECRRepositoryPolicyResource,
		newECRRepositoryResource,
		newIAMRolePolicyAttachmentResource,
		newIAMRolePolicyResource,
		newIAMRoleResource,
		newLambdaAliasResource,
		newLambdaEventSourceMappingResource,
		newLambdaFunctionResource,
		newLambdaFunctionURLResource,
		newLambdaPermissionResource,
		newS3BucketResource,
		newS3BucketVersioningResource,
		newS3ObjectResource,
		newSQSQueueResource,
		newSSMParameterResource,
	}
}

func (p *awsProvider) DataSources(context.Context) []func() datasource.DataSource {
	return []func() datasource.DataSource{
		newCallerIdentityDataSource,
		newECRAuthorizationTokenDataSource,
		newECRRepositoryDataSource,
		newIAMPolicyDocumentDataSource,
		newPartitionDataSource,
		newRegionDataSource,
		newSSMParameterDataSource,
	}
}
