// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/listdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/seedimage"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/sourceimage"
)

// defaultCopyTag is another one than a placeholder's, so that a placeholder can
// be exchanged for a copy in one apply without the two meeting at one tag.
const defaultCopyTag = "lambdaseed-copy"

type imageCopyModel struct {
	seedModel

	SourceImage   types.String `tfsdk:"source_image"`
	Architectures types.List   `tfsdk:"architectures"`
	SourceAuth    types.Object `tfsdk:"source_auth"`
	SourceDigest  types.String `tfsdk:"source_digest"`
}

type sourceAuthModel struct {
	Username        types.String `tfsdk:"username"`
	Password        types.String `tfsdk:"password_wo"`
	PasswordVersion types.Int64  `tfsdk:"password_wo_version"`
}

var sourceAuthTypes = map[string]attr.Type{
	"username":            types.StringType,
	"password_wo":         types.StringType,
	"password_wo_version": types.Int64Type,
}

var validSourceImage = stringCheck{
	summary:     "Invalid source image",
	description: "must be the name of an image, as docker writes it",
	check: func(s string) error {
		_, err := sourceimage.ParseReference(s)
		return err
	},
}

func imageCopySchema(ctx context.Context) schema.Schema {
	attributes := seedAttributes()
	attributes["source_image"] = schema.StringAttribute{
		Required: true,
		MarkdownDescription: "Image to copy, by tag or by digest, as docker names it: `alpine:3.22`, `public.ecr.aws/lambda/python:3.13`, `ghcr.io/user/app@sha256:…`, or an image in a private ECR repository of any account and region. " +
			"A tag is resolved when the image is copied, and `source_digest` tells to what; that the tag moves on later makes no difference. " +
			"On a change, the new image takes `image_tag` if that still holds the one that this resource copied; `image_uri` stays the same, so that a function takes it at its next code update. " +
			"In a repository with immutable tags, choose another `image_tag` at the same time.",
		Validators: []validator.String{validSourceImage},
	}
	attributes["image_tag"] = schema.StringAttribute{
		Optional: true,
		Computed: true,
		Default:  stringdefault.StaticString(defaultCopyTag),
		MarkdownDescription: "Tag that the copy is put at. Defaults to `" + defaultCopyTag + "`. " +
			"Choose one that the pipeline does not use: in a repository with immutable tags, a tag such as `latest` would be taken for ever. " +
			"Changing this creates a new resource; while a function is kept on its image by `ignore_changes`, change it only after the pipeline has deployed.",
		Validators:    []validator.String{validImageTag},
		PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplace()},
	}
	attributes["architectures"] = schema.ListAttribute{
		ElementType: types.StringType,
		Optional:    true,
		Computed:    true,
		Default:     listdefault.StaticValue(architecturesValue(seedimage.DefaultArchitecture)),
		MarkdownDescription: "Instruction set architecture of the function, as in `aws_lambda_function`: a list of exactly one of `x86_64` and `arm64`. Defaults to `[\"x86_64\"]`. " +
			"Of a source for several platforms, the one for Linux on this architecture is copied. A change takes effect like one of `source_image`.",
		Validators: []validator.List{oneArchitecture{}},
	}
	attributes["source_auth"] = schema.SingleNestedAttribute{
		Optional: true,
		MarkdownDescription: "Login for the source's registry. Without it, a private ECR repository is read with the provider's own AWS credentials, `public.ecr.aws` without any, " +
			"and other registries with the login that docker's configuration holds for them, where there is one. The login is sent to that registry, and to the token service that the registry names, over TLS.",
		Attributes: map[string]schema.Attribute{
			"username": schema.StringAttribute{
				Required:            true,
				MarkdownDescription: "User name.",
				Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
			},
			"password_wo": schema.StringAttribute{
				Required:            true,
				Sensitive:           true,
				WriteOnly:           true,
				MarkdownDescription: "Password or access token. Terraform 1.11 or later; it is kept neither in the plan nor in the state, and may come from an ephemeral resource.",
				Validators:          []validator.String{stringvalidator.LengthAtLeast(1)},
			},
			"password_wo_version": schema.Int64Attribute{
				Optional:            true,
				MarkdownDescription: "Number to change together with the password, so that the plan shows the change. A password is used when an image is copied; its change alone copies nothing.",
			},
		},
	}
	attributes["source_digest"] = schema.StringAttribute{
		Computed: true,
		MarkdownDescription: "Digest (`sha256:…`) that `source_image` resolved to when it was copied: that of the index, where the source has several platforms. " +
			"With it in place of the tag in `source_image`, the source is pinned, and nothing changes. Null where nothing was copied: after an import, and where `image_tag` held an image already.",
	}
	return schema.Schema{
		MarkdownDescription: "Copies an image for one platform from any registry into a private Amazon ECR repository, so that a Lambda function can run it: without docker, from the provider itself, layer by layer as a stream. " +
			"Of an image for several platforms it copies one and leaves attestations behind, which Lambda does not accept. Manifest, configuration and layers stay as they are, byte for byte; nothing is converted.\n\n" +
			"The life cycle is that of `lambdaseed_placeholder_image`: the image is copied once, an image that this resource did not copy is never overwritten and never deleted, and once the application's pipeline pushes its own images, plans stay empty.",
		Attributes: attributes,
		Blocks:     seedBlocks(ctx),
	}
}
