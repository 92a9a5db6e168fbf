// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/identityschema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/ecrrepo"
)

// The values of if_exists.
const (
	ifExistsAdopt = "adopt"
	ifExistsError = "error"
)

// defaultImageTag is not "latest": where tags are immutable, a seed of that
// name would block the pipeline's "latest" for ever.
const defaultImageTag = "lambdaseed-placeholder"

// seedModel is what every resource that puts an image at a tag has in common.
type seedModel struct {
	RepositoryURL types.String `tfsdk:"repository_url"`
	ImageTag      types.String `tfsdk:"image_tag"`
	IfExists      types.String `tfsdk:"if_exists"`
	SkipDestroy   types.Bool   `tfsdk:"skip_destroy"`

	ImageURI         types.String `tfsdk:"image_uri"`
	ImageDigest      types.String `tfsdk:"image_digest"`
	ResolvedImageURI types.String `tfsdk:"resolved_image_uri"`
	ImageSizeInBytes types.Int64  `tfsdk:"image_size_in_bytes"`
	IsPlaceholder    types.Bool   `tfsdk:"is_placeholder"`
	RegistryID       types.String `tfsdk:"registry_id"`
	Region           types.String `tfsdk:"region"`
	RepositoryName   types.String `tfsdk:"repository_name"`

	Timeouts timeouts.Value `tfsdk:"timeouts"`
}

// seedAttributes are the schema of seedModel, apart from the timeouts.
func seedAttributes() map[string]schema.Attribute {
	return map[string]schema.Attribute{
		"repository_url": schema.StringAttribute{
			Required: true,
			MarkdownDescription: "URL of the private ECR repository: the `repository_url` attribute of an `aws_ecr_repository`, " +
				"which may be created in the same apply. The account and the region are taken from it, so that repositories of other accounts and regions work where IAM allows it. " +
				"No scheme, tag or digest. Changing this creates a new resource.",
			Validators:    []validator.String{validRepositoryURL},
			PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplace()},
		},
		"image_tag": schema.StringAttribute{
			Optional: true,
			Computed: true,
			Default:  stringdefault.StaticString(defaultImageTag),
			MarkdownDescription: "Tag that the image is put at. Defaults to `" + defaultImageTag + "`. " +
				"Choose one that the pipeline does not use: in a repository with immutable tags, a tag such as `latest` would be taken for ever. " +
				"Changing this creates a new resource; while a function is kept on its image by `ignore_changes`, change it only after the pipeline has deployed.",
			Validators:    []validator.String{validImageTag},
			PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplace()},
		},
		"if_exists": schema.StringAttribute{
			Optional: true,
			Computed: true,
			Default:  stringdefault.StaticString(ifExistsAdopt),
			MarkdownDescription: "What to do on creation when the tag already holds another image. `adopt` keeps that image and uses it, with a warning; `error` fails. " +
				"The image is never overwritten. Defaults to `adopt`. A change takes effect at the next creation.",
			Validators: []validator.String{stringvalidator.OneOf(ifExistsAdopt, ifExistsError)},
		},
		"skip_destroy": schema.BoolAttribute{
			Optional: true,
			Computed: true,
			Default:  booldefault.StaticBool(false),
			MarkdownDescription: "Set to `true` to leave the image in the repository when the resource is destroyed, and only remove it from the Terraform state. Defaults to `false`: " +
				"the tag is deleted if it still holds the image that this resource pushed.",
		},
		"image_uri": schema.StringAttribute{
			Computed: true,
			MarkdownDescription: "`repository_url` and `image_tag`, joined as Lambda expects it: the value for `image_uri` of an `aws_lambda_function`. " +
				"Known at plan whenever its parts are, so that no change of the seed reaches the function.",
		},
		"image_digest": schema.StringAttribute{
			Computed:            true,
			MarkdownDescription: "Digest (`sha256:…`) that the tag resolves to now, whoever pushed it; null if the tag is gone because the repository's images have moved on.",
		},
		"resolved_image_uri": schema.StringAttribute{
			Computed:            true,
			MarkdownDescription: "`repository_url` and `image_digest`, joined by `@`; null like `image_digest`.",
		},
		"image_size_in_bytes": schema.Int64Attribute{
			Computed:            true,
			MarkdownDescription: "Size of the image at the tag, in bytes, compressed as it is stored; null if nothing is there or if it is an index of several images.",
		},
		"is_placeholder": schema.BoolAttribute{
			Computed:            true,
			MarkdownDescription: "Whether the image at the tag is a placeholder. `false` once a real image has taken the tag, or the tag is gone.",
		},
		"registry_id": schema.StringAttribute{
			Computed:            true,
			MarkdownDescription: "Account ID of the registry that holds the repository.",
		},
		"region": schema.StringAttribute{
			Computed:            true,
			MarkdownDescription: "AWS Region of the repository, from its URL.",
		},
		"repository_name": schema.StringAttribute{
			Computed:            true,
			MarkdownDescription: "Name of the repository, from its URL.",
		},
	}
}

// seedBlocks are the blocks of seedModel.
func seedBlocks(ctx context.Context) map[string]schema.Block {
	return map[string]schema.Block{
		"timeouts": timeouts.Block(ctx, timeouts.Opts{
			Create: true, Read: true, Update: true, Delete: true,
			CreateDescription: "Time limit for creation, such as `30s` or `10m`. Defaults to `20m`, long enough to wait for ECR's request quota in a large apply.",
			ReadDescription:   "Time limit for a refresh. Defaults to `5m`.",
			UpdateDescription: "Time limit for an update. Defaults to `20m`.",
			DeleteDescription: "Time limit for destruction. Defaults to `10m`.",
		}),
	}
}

// plan sets the attributes that follow from repository_url and image_tag.
// Those that they do not tell (an emulator's URL names neither account nor
// region) keep the prior value, which is unknown on creation.
func (m *seedModel) plan(prior seedModel) {
	m.ImageURI, m.RepositoryName = types.StringUnknown(), types.StringUnknown()
	m.RegistryID, m.Region = prior.RegistryID, prior.Region
	if m.RepositoryURL.IsUnknown() {
		return
	}
	u, err := ecrrepo.ParseRepositoryURL(m.RepositoryURL.ValueString())
	if err != nil {
		return // The validator has said so.
	}
	m.RepositoryName = types.StringValue(u.Name)
	if u.IsECR() {
		m.RegistryID, m.Region = types.StringValue(u.RegistryID), types.StringValue(u.Region)
	}
	if !m.ImageTag.IsUnknown() {
		m.ImageURI = types.StringValue(u.TagURI(m.ImageTag.ValueString()))
	}
}

// planObserved says what the tag will hold: what it held, or, when an image
// will be pushed, something that only the apply can tell.
func (m *seedModel) planObserved(prior seedModel, push bool) {
	if push {
		prior = unknownSeed()
	}
	m.ImageDigest, m.ResolvedImageURI = prior.ImageDigest, prior.ResolvedImageURI
	m.ImageSizeInBytes, m.IsPlaceholder = prior.ImageSizeInBytes, prior.IsPlaceholder
}

// unknownSeed is the prior of a resource that is to be created.
func unknownSeed() seedModel {
	return seedModel{
		ImageDigest:      types.StringUnknown(),
		ResolvedImageURI: types.StringUnknown(),
		ImageSizeInBytes: types.Int64Unknown(),
		IsPlaceholder:    types.BoolUnknown(),
		RegistryID:       types.StringUnknown(),
		Region:           types.StringUnknown(),
	}
}

// samePlace reports whether two models mean the same tag of the same
// repository.
func (m *seedModel) samePlace(other seedModel) bool {
	return m.RepositoryURL.Equal(other.RepositoryURL) && m.ImageTag.Equal(other.ImageTag)
}

// observe sets the attributes that a look at the repository tells; image is
// nil where the tag resolves to nothing.
func (m *seedModel) observe(ctx context.Context, repository *ecrrepo.Repository, image *ecrrepo.Image, isPlaceholder func(ecrrepo.Image) bool) error {
	registryID, err := repository.RegistryID(ctx)
	if err != nil {
		return err
	}
	u := repository.URL
	m.ImageURI = types.StringValue(u.TagURI(m.ImageTag.ValueString()))
	m.RepositoryName = types.StringValue(u.Name)
	m.RegistryID = types.StringValue(registryID)
	m.Region = types.StringValue(repository.Region())
	m.ImageDigest, m.ResolvedImageURI, m.ImageSizeInBytes = types.StringNull(), types.StringNull(), types.Int64Null()
	m.IsPlaceholder = types.BoolValue(false)
	if image == nil {
		return nil
	}
	m.ImageDigest = types.StringValue(image.Digest)
	m.ResolvedImageURI = types.StringValue(u.DigestURI(image.Digest))
	if image.Size > 0 {
		m.ImageSizeInBytes = types.Int64Value(image.Size)
	}
	m.IsPlaceholder = types.BoolValue(isPlaceholder(*image))
	return nil
}

// seedIdentity is the identity: where the seed is, which never changes.
type seedIdentity struct {
	RepositoryURL types.String `tfsdk:"repository_url"`
	ImageTag      types.String `tfsdk:"image_tag"`
}

func (m *seedModel) identity() seedIdentity {
	return seedIdentity{RepositoryURL: m.RepositoryURL, ImageTag: m.ImageTag}
}

func seedIdentitySchema() identityschema.Schema {
	return identityschema.Schema{
		Attributes: map[string]identityschema.Attribute{
			"repository_url": identityschema.StringAttribute{
				RequiredForImport: true,
				Description:       "URL of the repository.",
			},
			"image_tag": identityschema.StringAttribute{
				RequiredForImport: true,
				Description:       "Tag in the repository.",
			},
		},
	}
}

// importSeed reads REPOSITORY_URL:TAG, or an identity of the same two parts,
// into the state that Read completes. exampleTag is a tag to name in an error.
func importSeed(ctx context.Context, exampleTag string, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	var id seedIdentity
	if req.ID == "" && req.Identity != nil {
		resp.Diagnostics.Append(req.Identity.Get(ctx, &id)...)
	} else {
		u, err := ecrrepo.ParseImageURI(req.ID)
		if err != nil || u.Tag == "" || u.Digest != "" {
			detail := fmt.Sprintf("Expected REPOSITORY_URL:TAG, such as 123456789012.dkr.ecr.eu-west-1.amazonaws.com/app:%s, got %q.", exampleTag, req.ID)
			if err != nil {
				detail += " " + sentence(err)
			}
			resp.Diagnostics.AddError("Invalid import ID", detail)
			return
		}
		id = seedIdentity{RepositoryURL: types.StringValue(u.RepositoryURL.String()), ImageTag: types.StringValue(u.Tag)}
	}
	if resp.Diagnostics.HasError() {
		return
	}
	for attribute, check := range map[string]struct {
		value types.String
		stringCheck
	}{
		"repository_url": {id.RepositoryURL, validRepositoryURL},
		"image_tag":      {id.ImageTag, validImageTag},
	} {
		if err := check.check(strings.TrimSpace(check.value.ValueString())); err != nil {
			resp.Diagnostics.AddError(check.summary, sentence(err))
		}
		resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root(attribute), check.value)...)
	}
}
