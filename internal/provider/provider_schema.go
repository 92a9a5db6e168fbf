// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
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
		MarkdownDescription: "Seeds container image repositories, so that a Lambda function and its ECR repository can be created by one " +
			"`terraform apply`.\n\n" +
			"The provider finds credentials, region and endpoints as the `hashicorp/aws` provider does: the arguments below have the " +
			"same names and meanings, the same environment variables, and the same order of precedence (provider block, environment, " +
			"shared credentials file, shared config file, container, instance metadata). A `provider \"aws\"` block that has only " +
			"these arguments can be copied. Where that block is empty, this one can be left out.\n\n" +
			"Nothing is looked up before a resource needs it: `terraform validate` and a plan without changes to make work without " +
			"network and without credentials. Values that are not known at plan, such as a role that the same apply creates, are " +
			"never replaced by other credentials.",
		Attributes: map[string]schema.Attribute{
			"access_key": schema.StringAttribute{
				MarkdownDescription: "AWS access key. Also `AWS_ACCESS_KEY_ID`, or the shared credentials file. " +
					"Keys in a configuration end in version control: prefer any other way.",
				Optional:   true,
				Validators: []validator.String{stringvalidator.AlsoRequires(path.MatchRoot("secret_key"))},
			},
			"secret_key": schema.StringAttribute{
				MarkdownDescription: "Secret key of `access_key`. Also `AWS_SECRET_ACCESS_KEY`, or the shared credentials file.",
				Optional:            true,
				Sensitive:           true,
				Validators:          []validator.String{stringvalidator.AlsoRequires(path.MatchRoot("access_key"))},
			},
			"token": schema.StringAttribute{
				MarkdownDescription: "Session token of `access_key`; temporary credentials are refused without it. Also `AWS_SESSION_TOKEN`.",
				Optional:            true,
				Sensitive:           true,
				Validators:          []validator.String{stringvalidator.AlsoRequires(path.MatchRoot("access_key"))},
			},
			"profile": schema.StringAttribute{
				MarkdownDescription: "Profile in the shared config and credentials files. Also `AWS_PROFILE` or `AWS_DEFAULT_PROFILE`; " +
					"`default` otherwise. Set here, it comes before keys in the environment.",
				Optional: true,
			},
			"shared_config_files": schema.ListAttribute{
				MarkdownDescription: "Paths of shared config files, `~` and environment variables allowed; a later file overrides an earlier one. " +
					"Also `AWS_CONFIG_FILE` (one path); `~/.aws/config` otherwise.",
				Optional:    true,
				ElementType: types.StringType,
			},
			"shared_credentials_files": schema.ListAttribute{
				MarkdownDescription: "Paths of shared credentials files. Also `AWS_SHARED_CREDENTIALS_FILE` (one path); `~/.aws/credentials` otherwise.",
				Optional:            true,
				ElementType:         types.StringType,
			},
			"region": schema.StringAttribute{
				MarkdownDescription: "The provider's AWS region. Also `AWS_REGION` or `AWS_DEFAULT_REGION`, the shared config file, or the instance " +
					"metadata when the credentials come from there. An ECR repository's region is read from its URL, so that this one " +
					"serves STS and what has no region of its own, and need not be that of the repository.",
				Optional: true,
			},
			"sts_region": schema.StringAttribute{
				MarkdownDescription: "Region of the STS endpoint, for an account that does not allow STS in `region`. Default: `region`.",
				Optional:            true,
			},
			"allowed_account_ids": schema.SetAttribute{
				MarkdownDescription: "The only accounts that the credentials may belong to. With others, resources fail before anything is read or " +
					"changed. Conflicts with `forbidden_account_ids`.",
				Optional:    true,
				ElementType: types.StringType,
				Validators: []validator.Set{
					setvalidator.ConflictsWith(path.MatchRoot("forbidden_account_ids")),
				},
			},
			"forbidden_account_ids": schema.SetAttribute{
				MarkdownDescription: "Accounts that the credentials must not belong to. Conflicts with `allowed_account_ids`.",
				Optional:            true,
				ElementType:         types.StringType,
				Validators: []validator.Set{
					setvalidator.ConflictsWith(path.MatchRoot("allowed_account_ids")),
				},
			},
			"use_dualstack_endpoint": schema.BoolAttribute{
				MarkdownDescription: "Use endpoints that have IPv6 addresses too. Also `AWS_USE_DUALSTACK_ENDPOINT`, or `use_dualstack_endpoint` in the " +
					"shared config file. Ignored for a service with an endpoint of its own.",
				Optional: true,
			},
			"use_fips_endpoint": schema.BoolAttribute{
				MarkdownDescription: "Use FIPS endpoints, for ECR's API and for the push. Image URIs keep the standard host, because Lambda refuses the " +
					"other. Also `AWS_USE_FIPS_ENDPOINT`, or `use_fips_endpoint` in the shared config file. Ignored for a service with an " +
					"endpoint of its own.",
				Optional: true,
			},
			"custom_ca_bundle": schema.StringAttribute{
				MarkdownDescription: "PEM file with the certificate authorities to trust, for AWS and for the registry, in place of the system's. " +
					"For proxies that open TLS connections. Also `AWS_CA_BUNDLE`.",
				Optional: true,
			},
			"http_proxy": schema.StringAttribute{
				MarkdownDescription: "Proxy for plain HTTP, and for HTTPS too while nothing else says what to do with that. Also `HTTP_PROXY`. " +
					"`\"\"` means no proxy.",
				Optional:   true,
				Validators: []validator.String{validProxy},
			},
			"https_proxy": schema.StringAttribute{
				MarkdownDescription: "Proxy for HTTPS, for AWS and for the registry. Also `HTTPS_PROXY`. `\"\"` means no proxy.",
				Optional:            true,
				Validators:          []validator.String{validProxy},
			},
			"no_proxy": schema.StringAttribute{
				MarkdownDescription: "Comma-separated hosts, domains, addresses or networks that are reached without a proxy; `*` for all. Also `NO_PROXY`.",
				Optional:            true,
			},
			"insecure": schema.BoolAttribute{
				MarkdownDescription: "Accept any certificate. Whoever stands between can then read the registry's password: prefer `custom_ca_bundle`. Default `false`.",
				Optional:            true,
			},
			"max_retries": schema.Int64Attribute{
				MarkdownDescription: "How often one API request is tried when AWS throttles or the connection fails. Also `AWS_MAX_ATTEMPTS`, or " +
					"`max_attempts` in the shared config file. Default `25`, also for `0`.",
				Optional:   true,
				Validators: []validator.Int64{int64validator.AtLeast(0)},
			},
			"retry_mode": schema.StringAttribute{
				MarkdownDescription: "`standard` or `adaptive`. Also `AWS_RETRY_MODE`, or `retry_mode` in the shared config file. Default `standard`.",
				Optional:            true,
				Validators:          []validator.String{stringvalidator.OneOfCaseInsensitive("", "standard", "adaptive")},
			},
			"token_bucket_rate_limiter_capacity": schema.Int64Attribute{
				MarkdownDescription: "Capacity of the AWS SDK's client-side limit on retries. With one, requests can fail with `retry quota exceeded` " +
					"before `max_retries` is reached. Default: no such limit.",
				Optional:   true,
				Validators: []validator.Int64{int64validator.AtLeast(0)},
			},
			"ec2_metadata_service_endpoint": schema.StringAttribute{
				MarkdownDescription: "Address of the instance metadata service. Also `AWS_EC2_METADATA_SERVICE_ENDPOINT`. It is asked only when no other " +
					"source has credentials.",
				Optional: true,
			},
			"ec2_metadata_service_endpoint_mode": schema.StringAttribute{
				MarkdownDescription: "`IPv4` or `IPv6`. Also `AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE`. Default `IPv4`.",
				Optional:            true,
				Validators:          []validator.String{stringvalidator.OneOfCaseInsensitive("", "IPv4", "IPv6")},
			},
			"skip_metadata_api_check": schema.StringAttribute{
				MarkdownDescription: "`true` never asks the instance metadata service, `false` does even where `AWS_EC2_METADATA_DISABLED` says not to. " +
					"Default: as that variable says.",
				Optional:   true,
				Validators: []validator.String{validBool},
			},
			"skip_credentials_validation": schema.BoolAttribute{
				MarkdownDescription: "Do not ask STS once whether the credentials work, for emulators without STS. Faults of credentials then show at the " +
					"first request to ECR. Default `false`.",
				Optional: true,
			},
			"skip_region_validation": schema.BoolAttribute{
				MarkdownDescription: "Accept a region that this version of the provider does not know: a new one, or an emulator's. Default `false`.",
				Optional:            true,
			},
			"skip_requesting_account_id": schema.BoolAttribute{
				MarkdownDescription: "Do not ask STS for the account, for emulators without STS. Only what names no account by itself needs to know it. " +
					"Default `false`.",
				Optional: true,
			},
		},
		Blocks: map[string]schema.Block{
			"assume_role": schema.ListNestedBlock{
				MarkdownDescription: "A role to assume. Several blocks make a chain: the credentials of each assume the next.",
				NestedObject: schema.NestedBlockObject{
					Attributes: assumeRoleAttributes(),
				},
			},
			"assume_role_with_web_identity": schema.ListNestedBlock{
				MarkdownDescription: "A role to assume with an OpenID Connect token, as CI systems issue them. HCP Terraform's dynamic credentials need no block.",
				Validators:          []validator.List{listvalidator.SizeAtMost(1)},
				NestedObject: schema.NestedBlockObject{
					Attributes: webIdentityAttributes(),
				},
			},
			"endpoints": schema.SetNestedBlock{
				MarkdownDescription: "API endpoints, for emulators and VPC endpoints. They come before `AWS_ENDPOINT_URL`, its variants by service, " +
					"and `endpoint_url` in the shared config file. The registry is the host that ECR names in its repository URLs; there is no argument for it.",
				NestedObject: schema.NestedBlockObject{
					Attributes: map[string]schema.Attribute{
						"ecr": schema.StringAttribute{
							MarkdownDescription: "Endpoint of ECR's API. Also `AWS_ENDPOINT_URL_ECR`.",
							Optional:            true,
							Validators:          []validator.String{validEndpoint},
						},
						"lambda": schema.StringAttribute{
							MarkdownDescription: "Endpoint of Lambda's API. Also `AWS_ENDPOINT_URL_LAMBDA`.",
							Optional:            true,
							Validators:          []validator.String{validEndpoint},
						},
						"ssm": schema.StringAttribute{
							MarkdownDescription: "Endpoint of Systems Manager's API. Also `AWS_ENDPOINT_URL_SSM`.",
							Optional:            true,
							Validators:          []validator.String{validEndpoint},
						},
						"sts": schema.StringAttribute{
							MarkdownDescription: "Endpoint of STS's API. Also `AWS_ENDPOINT_URL_STS`.",
							Optional:            true,
							Validators:          []validator.String{validEndpoint},
						},
					},
				},
			},
		},
	}
}

func assumeRoleAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"role_arn": schema.StringAttribute{
			MarkdownDescription: "ARN of the role. A single block without one (null or `\"\"`) assumes no role.",
			Optional:            true,
			Validators:          []validator.String{validARN},
		},
		"duration":     durationAttribute(),
		"policy":       policyAttribute(),
		"policy_arns":  policyARNsAttribute(),
		"session_name": sessionNameAttribute(),
		"external_id": schema.StringAttribute{
			MarkdownDescription: "Identifier that the role's trust policy asks for.",
			Optional:            true,
			Validators:          []validator.String{validExternalID},
		},
		"source_identity": schema.StringAttribute{
			MarkdownDescription: "Source identity of the session, as it stands in CloudTrail.",
			Optional:            true,
			Validators:          []validator.String{validSessionName},
		},
		"tags": schema.MapAttribute{
			MarkdownDescription: "Tags of the session.",
			Optional:            true,
			ElementType:         types.StringType,
		},
		"transitive_tag_keys": schema.SetAttribute{
			MarkdownDescription: "Keys of `tags` that the sessions of the next roles of the chain keep.",
			Optional:            true,
			ElementType:         types.StringType,
		},
	}
}

func webIdentityAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"role_arn": schema.StringAttribute{
			MarkdownDescription: "ARN of the role. Also `AWS_ROLE_ARN`.",
			Optional:            true,
			Validators:          []validator.String{validARN},
		},
		"duration":     durationAttribute(),
		"policy":       policyAttribute(),
		"policy_arns":  policyARNsAttribute(),
		"session_name": sessionNameAttribute(),
		"web_identity_token": schema.StringAttribute{
			MarkdownDescription: "The token itself. Also `TF_AWS_WEB_IDENTITY_TOKEN`. Conflicts with `web_identity_token_file`.",
			Optional:            true,
			Sensitive:           true,
			Validators: []validator.String{
				stringvalidator.LengthBetween(4, 20000),
				stringvalidator.ConflictsWith(path.MatchRelative().AtParent().AtName("web_identity_token_file")),
			},
		},
		"web_identity_token_file": schema.StringAttribute{
			MarkdownDescription: "File with the token, read again whenever the credentials are renewed. Also `AWS_WEB_IDENTITY_TOKEN_FILE`. " +
				"Conflicts with `web_identity_token`.",
			Optional: true,
			Validators: []validator.String{
				stringvalidator.ConflictsWith(path.MatchRelative().AtParent().AtName("web_identity_token")),
			},
		},
	}
}

func durationAttribute() schema.Attribute {
	return schema.StringAttribute{
		MarkdownDescription: "How long the session lives, such as `1h` or `30m15s`: from 15 minutes to 12 hours, but no longer than the role allows. " +
			"Default `15m`; it is renewed while an apply lasts.",
		Optional:   true,
		Validators: []validator.String{validSessionDuration},
	}
}

func policyAttribute() schema.Attribute {
	return schema.StringAttribute{
		MarkdownDescription: "IAM policy in JSON that narrows what the session may do.",
		Optional:            true,
		Validators:          []validator.String{validPolicy},
	}
}

func policyARNsAttribute() schema.Attribute {
	return schema.SetAttribute{
		MarkdownDescription: "ARNs of managed policies that narrow what the session may do.",
		Optional:            true,
		ElementType:         types.StringType,
		Validators:          []validator.Set{setvalidator.ValueStringsAre(validARN)},
	}
}

func sessionNameAttribute() schema.Attribute {
	return schema.StringAttribute{
		MarkdownDescription: "Name of the session, as it stands in CloudTrail. For a web identity also `AWS_ROLE_SESSION_NAME`. Default: generated.",
		Optional:            true,
		Validators:          []validator.String{validSessionName},
	}
}
