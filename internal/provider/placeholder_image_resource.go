// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64default"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/listdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/tfsdk"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-framework/types/basetypes"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/ecrrepo"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/seedimage"
)

// placeholderImageResource puts a placeholder at a tag of an ECR repository, so
// that a Lambda function can be created before its first real image exists. It
// never overwrites an image that it did not push, and deletes only what it
// pushed. The rules are those of seed, their Terraform surface is seedResource;
// here is what a placeholder adds.
type placeholderImageResource struct {
	seedResource[placeholderImageModel, *placeholderImageModel]
}

var (
	_ resource.Resource                = (*placeholderImageResource)(nil)
	_ resource.ResourceWithConfigure   = (*placeholderImageResource)(nil)
	_ resource.ResourceWithModifyPlan  = (*placeholderImageResource)(nil)
	_ resource.ResourceWithImportState = (*placeholderImageResource)(nil)
	_ resource.ResourceWithIdentity    = (*placeholderImageResource)(nil)

	_ seedMethods[placeholderImageModel] = (*placeholderImageModel)(nil)
)

func newPlaceholderImageResource() resource.Resource { return &placeholderImageResource{} }

type placeholderImageModel struct {
	seedModel
	Architectures types.List   `tfsdk:"architectures"`
	HTTPResponse  types.Object `tfsdk:"http_response"`
}

type httpResponseModel struct {
	StatusCode  types.Int64  `tfsdk:"status_code"`
	ContentType types.String `tfsdk:"content_type"`
	Body        types.String `tfsdk:"body"`
}

var httpResponseTypes = map[string]attr.Type{
	"status_code":  types.Int64Type,
	"content_type": types.StringType,
	"body":         types.StringType,
}

func (r *placeholderImageResource) Metadata(_ context.Context, req resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_placeholder_image"
}

func (r *placeholderImageResource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	attributes := seedAttributes()
	attributes["architectures"] = schema.ListAttribute{
		ElementType: types.StringType,
		Optional:    true,
		Computed:    true,
		Default:     listdefault.StaticValue(architecturesValue(seedimage.DefaultArchitecture)),
		MarkdownDescription: "Instruction set architecture of the function, as in `aws_lambda_function`: a list of exactly one of `x86_64` and `arm64`. Defaults to `[\"x86_64\"]`. " +
			"On a change, the new placeholder takes the tag if the tag still holds the one that this resource pushed; `image_uri` stays the same, so that a function takes it at its next code update. " +
			"In a repository with immutable tags, choose another `image_tag` at the same time.",
		Validators: []validator.List{oneArchitecture{}},
	}
	attributes["http_response"] = schema.SingleNestedAttribute{
		Optional: true,
		MarkdownDescription: "What the placeholder answers to HTTP callers: API Gateway, function URLs and load balancers. Events of every other kind fail, so that queues and streams keep them and try again. " +
			"A change takes effect like one of `architectures`.",
		Attributes: map[string]schema.Attribute{
			"status_code": schema.Int64Attribute{
				Optional: true,
				Computed: true,
				Default:  int64default.StaticInt64(seedimage.DefaultStatusCode),
				MarkdownDescription: "HTTP status code, from 200 to 599. Defaults to `503`, which tells callers and health checks to come back later. " +
					"With 503 and 429 a `Retry-After` header is sent.",
				Validators: []validator.Int64{int64validator.Between(seedimage.MinStatusCode, seedimage.MaxStatusCode)},
			},
			"content_type": schema.StringAttribute{
				Optional:            true,
				Computed:            true,
				Default:             stringdefault.StaticString(seedimage.DefaultContentType),
				MarkdownDescription: "Media type of the body. Defaults to `application/json`.",
				Validators:          []validator.String{validContentType},
			},
			"body": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Body of the answer, at most 16 KiB. Anyone who can pull the image or call the function can read it. " +
					"By default a JSON message says that the function, which it names, still runs its placeholder image.",
				Validators: []validator.String{validResponseBody},
			},
		},
	}
	resp.Schema = schema.Schema{
		MarkdownDescription: "Puts a minimal placeholder image at a tag of a private Amazon ECR repository, so that an `aws_lambda_function` with `package_type = \"Image\"` can be created in the same apply as its repository. " +
			"The image is pushed once, by the provider itself: without docker, awscli or `local-exec`, in an HCP Terraform workspace as on a laptop.\n\n" +
			"An image that this resource did not push is never overwritten and never deleted. Once the application's pipeline pushes its own images, plans stay empty.",
		Attributes: attributes,
		Blocks:     seedBlocks(ctx),
	}
}

func (m *placeholderImageModel) base() *seedModel { return &m.seedModel }

func (m *placeholderImageModel) defaultTag() string { return defaultImageTag }

// open says what a placeholder of this architecture makes of the images that
// it finds.
func (m *placeholderImageModel) open(ctx context.Context, data *providerData, _ ownership) (seed, error) {
	s := seed{noun: "placeholder image", tag: m.ImageTag.ValueString(), defaultTag: m.defaultTag(), replaceable: isPlaceholder}
	s.judge = func(found ecrrepo.Image) verdict {
		placeholder, ok := seedimage.Recognise(found.Manifest)
		switch {
		case !ok:
			return verdict{}
		case placeholder.Architecture != "" && placeholder.Architecture != architectureOf(m.Architectures):
			return verdict{conflict: "a placeholder for the architecture " + placeholder.Architecture + ", and this one is for " + architectureOf(m.Architectures)}
		}
		return verdict{serves: true}
	}
	return s.open(ctx, data, m.seedModel)
}

func isPlaceholder(image ecrrepo.Image) bool {
	_, ok := seedimage.Recognise(image.Manifest)
	return ok
}

func architecturesValue(architecture string) types.List {
	return types.ListValueMust(types.StringType, []attr.Value{types.StringValue(architecture)})
}

// architectureOf is the one element of architectures.
func architectureOf(architectures types.List) string {
	for _, element := range architectures.Elements() {
		if s, ok := element.(types.String); ok {
			return s.ValueString()
		}
	}
	return ""
}

// sameImage reports whether two models describe the same placeholder.
func (m *placeholderImageModel) sameImage(other placeholderImageModel) bool {
	return m.Architectures.Equal(other.Architectures) && m.HTTPResponse.Equal(other.HTTPResponse)
}

// image builds the placeholder that the model describes.
func (m *placeholderImageModel) image(ctx context.Context, data *providerData, _ tfsdk.Config, _ *seed, diags *diag.Diagnostics) (v1.Image, bool) {
	response, ok := m.response(ctx, diags)
	if !ok {
		return nil, false
	}
	img, err := data.build(architectureOf(m.Architectures), response)
	if err != nil {
		diags.AddError("Building the placeholder image failed", sentence(err))
		return nil, false
	}
	return img, true
}

// planImage has nothing to say: all of a placeholder is in its configuration.
func (m *placeholderImageModel) planImage(*placeholderImageModel, bool) {}

func (m *placeholderImageModel) record(v1.Image) {}

func (m *placeholderImageModel) response(ctx context.Context, diags *diag.Diagnostics) (seedimage.Response, bool) {
	if m.HTTPResponse.IsNull() {
		return seedimage.Response{}, true
	}
	var r httpResponseModel
	d := m.HTTPResponse.As(ctx, &r, basetypes.ObjectAsOptions{})
	diags.Append(d...)
	return seedimage.Response{
		StatusCode:  int(r.StatusCode.ValueInt64()),
		ContentType: r.ContentType.ValueString(),
		Body:        r.Body.ValueStringPointer(),
	}, !d.HasError()
}

// complete fills in what an import does not bring: the defaults, and from a
// placeholder its architecture and answer, so that the next plan is empty.
func (m *placeholderImageModel) complete(found *ecrrepo.Image) {
	if !m.IfExists.IsNull() {
		return
	}
	m.IfExists, m.SkipDestroy = types.StringValue(ifExistsAdopt), types.BoolValue(false)
	m.Architectures = architecturesValue(seedimage.DefaultArchitecture)
	m.HTTPResponse = types.ObjectNull(httpResponseTypes)
	if found == nil {
		return
	}
	placeholder, ok := seedimage.Recognise(found.Manifest)
	if !ok {
		return
	}
	if placeholder.Architecture != "" {
		m.Architectures = architecturesValue(placeholder.Architecture)
	}
	if response := placeholder.Response.WithDefaults(); response != (seedimage.Response{}).WithDefaults() {
		m.HTTPResponse = types.ObjectValueMust(httpResponseTypes, map[string]attr.Value{
			"status_code":  types.Int64Value(int64(response.StatusCode)),
			"content_type": types.StringValue(response.ContentType),
			"body":         types.StringPointerValue(response.Body),
		})
	}
}
