// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/awsconfig"
)

type providerModel struct {
	AccessKey                      types.String `tfsdk:"access_key"`
	SecretKey                      types.String `tfsdk:"secret_key"`
	Token                          types.String `tfsdk:"token"`
	Profile                        types.String `tfsdk:"profile"`
	SharedConfigFiles              types.List   `tfsdk:"shared_config_files"`
	SharedCredentialsFiles         types.List   `tfsdk:"shared_credentials_files"`
	Region                         types.String `tfsdk:"region"`
	STSRegion                      types.String `tfsdk:"sts_region"`
	AllowedAccountIDs              types.Set    `tfsdk:"allowed_account_ids"`
	ForbiddenAccountIDs            types.Set    `tfsdk:"forbidden_account_ids"`
	UseDualStackEndpoint           types.Bool   `tfsdk:"use_dualstack_endpoint"`
	UseFIPSEndpoint                types.Bool   `tfsdk:"use_fips_endpoint"`
	CustomCABundle                 types.String `tfsdk:"custom_ca_bundle"`
	HTTPProxy                      types.String `tfsdk:"http_proxy"`
	HTTPSProxy                     types.String `tfsdk:"https_proxy"`
	NoProxy                        types.String `tfsdk:"no_proxy"`
	Insecure                       types.Bool   `tfsdk:"insecure"`
	MaxRetries                     types.Int64  `tfsdk:"max_retries"`
	RetryMode                      types.String `tfsdk:"retry_mode"`
	TokenBucketRateLimiterCapacity types.Int64  `tfsdk:"token_bucket_rate_limiter_capacity"`
	EC2MetadataServiceEndpoint     types.String `tfsdk:"ec2_metadata_service_endpoint"`
	EC2MetadataServiceEndpointMode types.String `tfsdk:"ec2_metadata_service_endpoint_mode"`
	SkipMetadataAPICheck           types.String `tfsdk:"skip_metadata_api_check"`
	SkipCredentialsValidation      types.Bool   `tfsdk:"skip_credentials_validation"`
	SkipRegionValidation           types.Bool   `tfsdk:"skip_region_validation"`
	SkipRequestingAccountID        types.Bool   `tfsdk:"skip_requesting_account_id"`

	AssumeRole                types.List `tfsdk:"assume_role"`
	AssumeRoleWithWebIdentity types.List `tfsdk:"assume_role_with_web_identity"`
	Endpoints                 types.Set  `tfsdk:"endpoints"`
}

type assumeRoleModel struct {
	RoleARN           types.String `tfsdk:"role_arn"`
	Duration          types.String `tfsdk:"duration"`
	ExternalID        types.String `tfsdk:"external_id"`
	Policy            types.String `tfsdk:"policy"`
	PolicyARNs        types.Set    `tfsdk:"policy_arns"`
	SessionName       types.String `tfsdk:"session_name"`
	SourceIdentity    types.String `tfsdk:"source_identity"`
	Tags              types.Map    `tfsdk:"tags"`
	TransitiveTagKeys types.Set    `tfsdk:"transitive_tag_keys"`
}

type webIdentityModel struct {
	RoleARN              types.String `tfsdk:"role_arn"`
	Duration             types.String `tfsdk:"duration"`
	Policy               types.String `tfsdk:"policy"`
	PolicyARNs           types.Set    `tfsdk:"policy_arns"`
	SessionName          types.String `tfsdk:"session_name"`
	WebIdentityToken     types.String `tfsdk:"web_identity_token"`
	WebIdentityTokenFile types.String `tfsdk:"web_identity_token_file"`
}

type endpointsModel struct {
	ECR    types.String `tfsdk:"ecr"`
	Lambda types.String `tfsdk:"lambda"`
	SSM    types.String `tfsdk:"ssm"`
	STS    types.String `tfsdk:"sts"`
}

// expandSettings reads the provider block. With unknown values in it, the
// settings hold their names and nothing else, because nothing may be done with
// half a configuration.
func expandSettings(ctx context.Context, config tfsdk.Config, diags *diag.Diagnostics) awsconfig.Settings {
	if unknown := unknownArguments(config.Raw); len(unknown) > 0 {
		return awsconfig.Settings{Unknown: unknown}
	}

	var m providerModel
	diags.Append(config.Get(ctx, &m)...)
	if diags.HasError() {
		return awsconfig.Settings{}
	}
	return awsconfig.Settings{
		AccessKey:                      m.AccessKey.ValueString(),
		SecretKey:                      m.SecretKey.ValueString(),
		Token:                          m.Token.ValueString(),
		Profile:                        m.Profile.ValueString(),
		SharedConfigFiles:              expandStrings(ctx, m.SharedConfigFiles, diags),
		SharedCredentialsFiles:         expandStrings(ctx, m.SharedCredentialsFiles, diags),
		AssumeRole:                     expandAssumeRole(ctx, m.AssumeRole, diags),
		AssumeRoleWithWebIdentity:      expandWebIdentity(ctx, m.AssumeRoleWithWebIdentity, diags),
		Region:                         m.Region.ValueString(),
		STSRegion:                      m.STSRegion.ValueString(),
		AllowedAccountIDs:              expandStrings(ctx, m.AllowedAccountIDs, diags),
		ForbiddenAccountIDs:            expandStrings(ctx, m.ForbiddenAccountIDs, diags),
		Endpoints:                      expandEndpoints(ctx, m.Endpoints, diags),
		UseDualStackEndpoint:           m.UseDualStackEndpoint.ValueBool(),
		UseFIPSEndpoint:                m.UseFIPSEndpoint.ValueBool(),
		CustomCABundle:                 m.CustomCABundle.ValueString(),
		HTTPProxy:                      m.HTTPProxy.ValueStringPointer(),
		HTTPSProxy:                     m.HTTPSProxy.ValueStringPointer(),
		NoProxy:                        m.NoProxy.ValueString(),
		Insecure:                       m.Insecure.ValueBool(),
		MaxRetries:                     int(m.MaxRetries.ValueInt64()),
		RetryMode:                      strings.ToLower(m.RetryMode.ValueString()),
		TokenBucketRateLimiterCapacity: int(m.TokenBucketRateLimiterCapacity.ValueInt64()),
		EC2MetadataServiceEndpoint:     m.EC2MetadataServiceEndpoint.ValueString(),
		EC2MetadataServiceEndpointMode: m.EC2MetadataServiceEndpointMode.ValueString(),
		SkipMetadataAPICheck:           expandNullableBool(m.SkipMetadataAPICheck),
		SkipCredentialsValidation:      m.SkipCredentialsValidation.ValueBool(),
		SkipRegionValidation:           m.SkipRegionValidation.ValueBool(),
		SkipRequestingAccountID:        m.SkipRequestingAccountID.ValueBool(),
	}
}

func expandAssumeRole(ctx context.Context, list types.List, diags *diag.Diagnostics) []awsconfig.AssumeRole {
	var models []assumeRoleModel
	diags.Append(list.ElementsAs(ctx, &models, false)...)
	if len(models) == 1 && models[0].RoleARN.ValueString() == "" {
		return nil // ValidateConfig has warned
	}
	var roles []awsconfig.AssumeRole
	for _, m := range models {
		role := awsconfig.AssumeRole{
			RoleARN:           m.RoleARN.ValueString(),
			Duration:          expandDuration(m.Duration),
			ExternalID:        m.ExternalID.ValueString(),
			Policy:            m.Policy.ValueString(),
			PolicyARNs:        expandStrings(ctx, m.PolicyARNs, diags),
			SessionName:       m.SessionName.ValueString(),
			SourceIdentity:    m.SourceIdentity.ValueString(),
			TransitiveTagKeys: expandStrings(ctx, m.TransitiveTagKeys, diags),
		}
		if !m.Tags.IsNull() {
			diags.Append(m.Tags.ElementsAs(ctx, &role.Tags, false)...)
		}
		roles = append(roles, role)
	}
	return roles
}

func expandWebIdentity(ctx context.Context, list types.List, diags *diag.Diagnostics) *awsconfig.AssumeRoleWithWebIdentity {
	var models []webIdentityModel
	diags.Append(list.ElementsAs(ctx, &models, false)...)
	if len(models) == 0 {
		return nil
	}
	m := models[0]
	web := awsconfig.AssumeRoleWithWebIdentity{
		RoleARN:              m.RoleARN.ValueString(),
		Duration:             expandDuration(m.Duration),
		Policy:               m.Policy.ValueString(),
		PolicyARNs:           expandStrings(ctx, m.PolicyARNs, diags),
		SessionName:          m.SessionName.ValueString(),
		WebIdentityToken:     m.WebIdentityToken.ValueString(),
		WebIdentityTokenFile: m.WebIdentityTokenFile.ValueString(),
	}
	if reflect.ValueOf(web).IsZero() {
		return nil // an empty block is none, as in hashicorp/aws
	}
	return &web
}

func expandEndpoints(ctx context.Context, set types.Set, diags *diag.Diagnostics) map[string]string {
	var models []endpointsModel
	diags.Append(set.ElementsAs(ctx, &models, false)...)
	endpoints := map[string]string{}
	for _, m := range models {
		for service, url := range map[string]types.String{
			awsconfig.ECR: m.ECR, awsconfig.Lambda: m.Lambda, awsconfig.SSM: m.SSM, awsconfig.STS: m.STS,
		} {
			if url.ValueString() != "" {
				endpoints[service] = url.ValueString()
			}
		}
	}
	return endpoints
}

// elements is what lists and sets have in common.
type elements interface {
	IsNull() bool
	ElementsAs(ctx context.Context, target any, allowUnhandled bool) diag.Diagnostics
	Elements() []attr.Value
}

func expandStrings(ctx context.Context, in elements, diags *diag.Diagnostics) []string {
	if in.IsNull() {
		return nil
	}
	var out []string
	diags.Append(in.ElementsAs(ctx, &out, false)...)
	return out
}

// expandDuration relies on the attribute's validator for the syntax.
func expandDuration(in types.String) time.Duration {
	d, err := time.ParseDuration(in.ValueString())
	if err != nil {
		return 0
	}
	return d
}

// expandNullableBool relies on the attribute's validator for the syntax.
func expandNullableBool(in types.String) *bool {
	b, err := strconv.ParseBool(in.ValueString())
	if err != nil {
		return nil
	}
	return &b
}
