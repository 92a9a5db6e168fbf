// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/setvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// providerSchema has the arguments of the hashicorp/aws provider block that
// concern credentials, region, retries and endpoints, with its names and
// shapes: a user copies that block and it works.
func providerSchema() schema.Schema {
	return schema.Schema{
		Attributes: map[string]schema.Attribute{
			"access_key": schema.StringAttribute{
				Optional: true,
			},
			"secret_key": schema.StringAttribute{
				Optional:  true,
				Sensitive: true,
			},
			"token": schema.StringAttribute{
				Optional:  true,
				Sensitive: true,
			},
			"profile": schema.StringAttribute{
				Optional: true,
			},
			"shared_config_files": schema.ListAttribute{
				Optional:    true,
				ElementType: types.StringType,
			},
			"shared_credentials_files": schema.ListAttribute{
				Optional:    true,
				ElementType: types.StringType,
			},
			"region": schema.StringAttribute{
				Optional: true,
			},
			"sts_region": schema.StringAttribute{
				Optional: true,
			},
			"allowed_account_ids": schema.SetAttribute{
				Optional:    true,
				ElementType: types.StringType,
				Validators: []validator.Set{
					setvalidator.ConflictsWith(path.MatchRoot("forbidden_account_ids")),
				},
			},
			"forbidden_account_ids": schema.SetAttribute{
				Optional:    true,
				ElementType: types.StringType,
				Validators: []validator.Set{
					setvalidator.ConflictsWith(path.MatchRoot("allowed_account_ids")),
				},
			},
			"use_dualstack_endpoint": schema.BoolAttribute{
				Optional: true,
			},
			"use_fips_endpoint": schema.BoolAttribute{
				Optional: true,
			},
			"custom_ca_bundle": schema.StringAttribute{
				Optional: true,
			},
			"http_proxy": schema.StringAttribute{
				Optional: true,
			},
			"https_proxy": schema.StringAttribute{
				Optional: true,
			},
			"no_proxy": schema.StringAttribute{
				Optional: true,
			},
			"insecure": schema.BoolAttribute{
				Optional: true,
			},
			"max_retries": schema.Int64Attribute{
				Optional: true,
			},
			"retry_mode": schema.StringAttribute{
				Optional: true,
			},
			"token_bucket_rate_limiter_capacity": schema.Int64Attribute{
				Optional: true,
			},
			"ec2_metadata_service_endpoint": schema.StringAttribute{
				Optional: true,
			},
			"ec2_metadata_service_endpoint_mode": schema.StringAttribute{
				Optional: true,
			},
			"skip_metadata_api_check": schema.StringAttribute{
				Optional: true,
			},
			"skip_credentials_validation": schema.BoolAttribute{
				Optional: true,
			},
			"skip_region_validation": schema.BoolAttribute{
				Optional: true,
			},
			"skip_requesting_account_id": schema.BoolAttribute{
				Optional: true,
			},
		},
		Blocks: map[string]schema.Block{
			"assume_role": schema.ListNestedBlock{
				NestedObject: schema.NestedBlockObject{
					Attributes: assumeRoleAttributes(),
				},
			},
			"assume_role_with_web_identity": schema.ListNestedBlock{
				Validators: []validator.List{listvalidator.SizeAtMost(1)},
				NestedObject: schema.NestedBlockObject{
					Attributes: webIdentityAttributes(),
				},
			},
			"endpoints": schema.SetNestedBlock{
				NestedObject: schema.NestedBlockObject{
					Attributes: map[string]schema.Attribute{
						"ecr":    schema.StringAttribute{Optional: true},
						"lambda": schema.StringAttribute{Optional: true},
						"ssm":    schema.StringAttribute{Optional: true},
						"sts":    schema.StringAttribute{Optional: true},
					},
				},
			},
		},
	}
}

func assumeRoleAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"role_arn": schema.StringAttribute{
			Optional: true,
		},
		"duration": schema.StringAttribute{
			Optional: true,
		},
		"external_id": schema.StringAttribute{
			Optional: true,
		},
		"policy": schema.StringAttribute{
			Optional: true,
		},
		"policy_arns": schema.SetAttribute{
			Optional:    true,
			ElementType: types.StringType,
		},
		"session_name": schema.StringAttribute{
			Optional: true,
		},
		"source_identity": schema.StringAttribute{
			Optional: true,
		},
		"tags": schema.MapAttribute{
			Optional:    true,
			ElementType: types.StringType,
		},
		"transitive_tag_keys": schema.SetAttribute{
			Optional:    true,
			ElementType: types.StringType,
		},
	}
}

func webIdentityAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"role_arn": schema.StringAttribute{
			Optional: true,
		},
		"duration": schema.StringAttribute{
			Optional: true,
		},
		"policy": schema.StringAttribute{
			Optional: true,
		},
		"policy_arns": schema.SetAttribute{
			Optional:    true,
			ElementType: types.StringType,
		},
		"session_name": schema.StringAttribute{
			Optional: true,
		},
		"web_identity_token": schema.StringAttribute{
			Optional:  true,
			Sensitive: true,
			Validators: []validator.String{
				stringvalidator.LengthBetween(4, 20000),
				stringvalidator.ConflictsWith(path.MatchRelative().AtParent().AtName("web_identity_token_file")),
			},
		},
		"web_identity_token_file": schema.StringAttribute{
			Optional: true,
		},
	}
}
