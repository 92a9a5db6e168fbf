// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"time"

	"github.com/hashicorp/terraform-plugin-framework-validators/boolvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/datasourcevalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/ecrrepo"
)

// imageDataSource is an image in ECR by its tag, by what an SSM parameter says,
// or the most recent one. Absence is an answer, not an error. How it is found
// is in image_lookup.go.
type imageDataSource struct {
	data *providerData
}

var (
	_ datasource.DataSource                     = (*imageDataSource)(nil)
	_ datasource.DataSourceWithConfigure        = (*imageDataSource)(nil)
	_ datasource.DataSourceWithConfigValidators = (*imageDataSource)(nil)
)

func newImageDataSource() datasource.DataSource { return &imageDataSource{} }

type imageModel struct {
	RepositoryName   types.String `tfsdk:"repository_name"`
	Region           types.String `tfsdk:"region"`
	RegistryID       types.String `tfsdk:"registry_id"`
	RepositoryURL    types.String `tfsdk:"repository_url"`
	ImageTag         types.String `tfsdk:"image_tag"`
	SSMParameterName types.String `tfsdk:"ssm_parameter_name"`
	MostRecent       types.Bool   `tfsdk:"most_recent"`

	Exists           types.Bool   `tfsdk:"exists"`
	ImageDigest      types.String `tfsdk:"image_digest"`
	ImageURI         types.String `tfsdk:"image_uri"`
	IsPlaceholder    types.Bool   `tfsdk:"is_placeholder"`
	ImagePushedAt    types.String `tfsdk:"image_pushed_at"`
	ImageSizeInBytes types.Int64  `tfsdk:"image_size_in_bytes"`
	LambdaCompatible types.Bool   `tfsdk:"lambda_compatible"`
	Reason           types.String `tfsdk:"reason"`
}

func (d *imageDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_image"
}

func (d *imageDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "An image in a private Amazon ECR repository: the one at a tag, the one that an SSM parameter names, or the most recent one. " +
			"That there is none yet, because the parameter, the image or the repository does not exist, is no error: `image_uri` is null, `reason` says why, and `coalesce` takes what comes next.\n\n" +
			"```terraform\nimage_uri = coalesce(data.lambdaseed_image.app.image_uri, lambdaseed_placeholder_image.app.image_uri)\n```\n\n" +
			"With that, Terraform deploys what the pipeline publishes. The URI is pinned by digest, so that a tag that has moved shows in the next plan; Lambda itself resolves a tag only when it is deployed.\n\n" + deferral,
		Attributes: map[string]schema.Attribute{
			"repository_name": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "Name of the repository, as a literal or a local. Exactly one of `repository_name` and `repository_url` is required.",
				Validators:          []validator.String{validRepositoryName},
			},
			"region": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "AWS Region of the repository and of the SSM parameter, beside `repository_name`. Defaults to the provider's.",
				Validators:          []validator.String{validRegion, stringvalidator.AlsoRequires(path.MatchRoot("repository_name"))},
			},
			"registry_id": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "Account ID of the registry that holds the repository, beside `repository_name`. Defaults to the account of the credentials.",
				Validators:          []validator.String{validRegistryID, stringvalidator.AlsoRequires(path.MatchRoot("repository_name"))},
			},
			"repository_url": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "URL of the repository, from which account and Region are taken, as a literal or a local. " +
					"The `repository_url` attribute of an `aws_ecr_repository` is not known before the repository exists and would put the read off to the apply: use `repository_name` with that.",
				Validators: []validator.String{validRepositoryURL},
			},
			"image_tag": schema.StringAttribute{
				Optional: true,
				Computed: true,
				MarkdownDescription: "Tag to look up. Exactly one of `image_tag`, `ssm_parameter_name` and `most_recent` is required. " +
					"With another one of them: the tag that the SSM parameter holds, or the first of the image's tags in alphabetical order; null if there is no such image.",
				Validators: []validator.String{validImageTag},
			},
			"ssm_parameter_name": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Name of the SSM parameter (`String` or `SecureString`) in which the pipeline publishes what is to be deployed: a tag, a digest (`sha256:…`) or a whole image URI of this repository. " +
					"May be an ARN, and may have a version or label (`/app/image:3`). A parameter that does not exist or is empty, or that names an image that does not exist yet, is absence; one with the URI of another repository is an error. " +
					"The value of a `SecureString` is shown in no message, but the tag and digest of the image that it names are in the state.",
				Validators: []validator.String{validParameterName},
			},
			"most_recent": schema.BoolAttribute{
				Optional: true,
				MarkdownDescription: "Set to `true` to look up the tagged image that was pushed last. " +
					"It is never a placeholder, never an image that an index (a multi-platform image) of the repository lists, and never a signature or another artifact that tools keep beside images. " +
					"Whatever anybody pushes next is then deployed; where that is too much, have the pipeline publish what to deploy in an SSM parameter.",
				Validators: []validator.Bool{boolvalidator.Equals(true)},
			},
			"exists": schema.BoolAttribute{
				Computed:            true,
				MarkdownDescription: "Whether there is such an image, a placeholder included.",
			},
			"image_digest": schema.StringAttribute{
				Computed:            true,
				MarkdownDescription: "Digest (`sha256:…`) of the image, a placeholder too; null if there is none.",
			},
			"image_uri": schema.StringAttribute{
				Computed: true,
				MarkdownDescription: "URI of the image, pinned by its digest: the value for `image_uri` of an `aws_lambda_function`. " +
					"Null if there is no such image, or if it is a placeholder.",
			},
			"is_placeholder": schema.BoolAttribute{
				Computed:            true,
				MarkdownDescription: "Whether the image is a placeholder; null if there is none.",
			},
			"image_pushed_at": schema.StringAttribute{
				Computed:            true,
				MarkdownDescription: "When the image was pushed, in UTC (RFC 3339).",
			},
			"image_size_in_bytes": schema.Int64Attribute{
				Computed:            true,
				MarkdownDescription: "Size of the image in bytes, compressed as it is stored; of an index, that of its largest image.",
			},
			"lambda_compatible": schema.BoolAttribute{
				Computed: true,
				MarkdownDescription: "Whether Lambda takes the image's format: a single image, no index, with config and gzip layers in the media types of Docker or OCI. " +
					"What is usually behind a `false` is `docker buildx` with provenance attestations (`--provenance=false` turns them off) or with zstd layers. " +
					"Null if there is no such image. The architecture is not looked at.",
			},
			"reason": schema.StringAttribute{
				Computed:            true,
				MarkdownDescription: "Why `image_uri` is null, in a sentence; null otherwise.",
			},
		},
	}
}

func (d *imageDataSource) ConfigValidators(context.Context) []datasource.ConfigValidator {
	return []datasource.ConfigValidator{
		datasourcevalidator.ExactlyOneOf(path.MatchRoot("repository_name"), path.MatchRoot("repository_url")),
		datasourcevalidator.ExactlyOneOf(path.MatchRoot("image_tag"), path.MatchRoot("ssm_parameter_name"), path.MatchRoot("most_recent")),
	}
}

func (d *imageDataSource) Configure(_ context.Context, req datasource.ConfigureRequest, resp *datasource.ConfigureResponse) {
	d.data = configuredData(req.ProviderData, &resp.Diagnostics)
}

func (d *imageDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var m imageModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()

	repository, err := d.open(ctx, m)
	if err != nil {
		resp.Diagnostics.Append(m.diagnostic(err))
		return
	}
	l := imageLookup{repository: repository, handover: d.data.handover}
	var found foundImage
	switch {
	case !m.SSMParameterName.IsNull():
		found, err = l.byParameter(ctx, m.SSMParameterName.ValueString())
	case m.MostRecent.ValueBool():
		found, err = l.mostRecent(ctx)
	default:
		found, err = l.byReference(ctx, m.ImageTag.ValueString())
	}
	if err != nil {
		resp.Diagnostics.Append(m.diagnostic(err))
		return
	}
	m.observe(found)
	resp.Diagnostics.Append(resp.State.Set(ctx, m)...)
}

// open makes no request to ECR.
func (d *imageDataSource) open(ctx context.Context, m imageModel) (*ecrrepo.Repository, error) {
	if m.RepositoryURL.IsNull() {
		return d.data.repositories.Named(ctx, m.RepositoryName.ValueString(), m.Region.ValueString(), m.RegistryID.ValueString())
	}
	u, err := ecrrepo.ParseRepositoryURL(m.RepositoryURL.ValueString())
	if err != nil {
		return nil, err // The validator has seen it.
	}
	return d.data.repositories.Open(ctx, u)
}

// diagnostic puts an error on the attribute that it is about.
func (m *imageModel) diagnostic(err error) diag.Diagnostic {
	if parameter, ok := errors.AsType[*parameterError](err); ok {
		if parameter.summary != "" {
			return diag.NewAttributeErrorDiagnostic(path.Root("ssm_parameter_name"), parameter.summary, parameter.detail)
		}
		return diag.WithPath(path.Root("ssm_parameter_name"), newHandoverDiagnostic("Reading the SSM parameter", parameter.err))
	}
	at := path.Root("repository_name")
	if m.RepositoryName.IsNull() {
		at = path.Root("repository_url")
	}
	return diag.WithPath(at, newDiagnostic("Looking up the image", err))
}

// observe takes over what was found.
func (m *imageModel) observe(found foundImage) {
	m.Exists = types.BoolValue(found.detail != nil)
	if found.reason != "" {
		m.Reason = types.StringValue(found.reason)
	}
	if found.detail == nil {
		return
	}
	detail := found.detail
	switch {
	case found.tag != "":
		m.ImageTag = types.StringValue(found.tag)
	case len(detail.Tags) > 0:
		m.ImageTag = types.StringValue(detail.Tags[0])
	}
	m.ImageDigest = types.StringValue(detail.Digest)
	m.IsPlaceholder = types.BoolValue(found.placeholder)
	m.ImagePushedAt = types.StringValue(detail.PushedAt.UTC().Format(time.RFC3339))
	m.ImageSizeInBytes = types.Int64Value(detail.Size)
	m.LambdaCompatible = types.BoolValue(found.compatible)
	if found.uri != "" {
		m.ImageURI = types.StringValue(found.uri)
	}
}
