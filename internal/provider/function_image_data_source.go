// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/ecrrepo"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/handover"
)

// functionImageDataSource is the image that the pipeline has deployed to a
// function: null while there is none, so that coalesce takes the placeholder.
// It costs one GetFunction and one BatchGetImage request, and the first alone
// where there is no such function.
type functionImageDataSource struct {
	data *providerData
}

var (
	_ datasource.DataSource              = (*functionImageDataSource)(nil)
	_ datasource.DataSourceWithConfigure = (*functionImageDataSource)(nil)
)

func newFunctionImageDataSource() datasource.DataSource { return &functionImageDataSource{} }

type functionImageModel struct {
	FunctionName types.String `tfsdk:"function_name"`
	Qualifier    types.String `tfsdk:"qualifier"`
	Region       types.String `tfsdk:"region"`

	Exists           types.Bool   `tfsdk:"exists"`
	ImageURI         types.String `tfsdk:"image_uri"`
	ResolvedImageURI types.String `tfsdk:"resolved_image_uri"`
	ImageDigest      types.String `tfsdk:"image_digest"`
	IsPlaceholder    types.Bool   `tfsdk:"is_placeholder"`
	Architectures    types.List   `tfsdk:"architectures"`
	LastModified     types.String `tfsdk:"last_modified"`
	Reason           types.String `tfsdk:"reason"`
}

func (d *functionImageDataSource) Metadata(_ context.Context, req datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = req.ProviderTypeName + "_function_image"
}

// deferral is what the descriptions of both data sources say about references.
const deferral = "Terraform reads a data source at plan only if nothing that it depends on has a pending change. " +
	"A direct reference to a managed resource, or `depends_on`, makes it wait for the apply instead, and the function's plan then shows `image_uri` as known after apply. " +
	"A literal or a local that holds one avoids that."

func (d *functionImageDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema = schema.Schema{
		MarkdownDescription: "The image that a Lambda function runs now, if it is a real one. " +
			"A function that does not exist yet, or still runs its placeholder, is no error: `image_uri` is null, `reason` says why, and `coalesce` takes what comes next.\n\n" +
			"```terraform\nimage_uri = coalesce(data.lambdaseed_function_image.app.image_uri, lambdaseed_placeholder_image.app.image_uri)\n```\n\n" +
			"With that, the function keeps what the pipeline deployed with `update-function-code`, without `ignore_changes`.\n\n" + deferral,
		Attributes: map[string]schema.Attribute{
			"function_name": schema.StringAttribute{
				Required: true,
				MarkdownDescription: "Name of the function, as a literal or a local. " +
					"A reference to the `aws_lambda_function` whose `image_uri` is set from this data source would be a cycle, which Terraform refuses: put the name into a local and use that in both.",
				Validators: []validator.String{validFunctionName},
			},
			"qualifier": schema.StringAttribute{
				Optional: true,
				MarkdownDescription: "Version or alias to look at. Without it, what was deployed last (`$LATEST`). " +
					"A version or alias that does not exist counts as a function that does not exist.",
				Validators: []validator.String{validQualifier},
			},
			"region": schema.StringAttribute{
				Optional:            true,
				MarkdownDescription: "AWS Region of the function. Defaults to the provider's.",
				Validators:          []validator.String{validRegion},
			},
			"exists": schema.BoolAttribute{
				Computed:            true,
				MarkdownDescription: "Whether Lambda has such a function and, if one is given, `qualifier`.",
			},
			"image_uri": schema.StringAttribute{
				Computed: true,
				MarkdownDescription: "The function's image URI exactly as it was deployed, so that `aws_lambda_function` sees no difference; " +
					"null while the function does not exist or runs a placeholder.",
			},
			"resolved_image_uri": schema.StringAttribute{
				Computed: true,
				MarkdownDescription: "The image that the function runs now, a placeholder too, pinned by the digest that Lambda resolved at deployment. " +
					"Not a value for `image_uri` of the function: another form of the same image is a difference to `aws_lambda_function` at every plan.",
			},
			"image_digest": schema.StringAttribute{
				Computed:            true,
				MarkdownDescription: "Digest (`sha256:…`) of the image that the function runs now, a placeholder too.",
			},
			"is_placeholder": schema.BoolAttribute{
				Computed: true,
				MarkdownDescription: "Whether the function runs a placeholder. Null while it does not exist, and where that cannot be told: ECR denies the look at the image, or the image is gone from the repository. " +
					"In the latter two cases `image_uri` is given.",
			},
			"architectures": schema.ListAttribute{
				ElementType:         types.StringType,
				Computed:            true,
				MarkdownDescription: "Instruction set architecture of the function: a list of one of `x86_64` and `arm64`.",
			},
			"last_modified": schema.StringAttribute{
				Computed:            true,
				MarkdownDescription: "When the function was last changed, in Lambda's form (`2006-01-02T15:04:05.000+0000`).",
			},
			"reason": schema.StringAttribute{
				Computed:            true,
				MarkdownDescription: "Why `image_uri` or `is_placeholder` is null, in a sentence; null otherwise.",
			},
		},
	}
}

func (d *functionImageDataSource) Configure(_ context.Context, req datasource.ConfigureRequest, resp *datasource.ConfigureResponse) {
	d.data = configuredData(req.ProviderData, &resp.Diagnostics)
}

func (d *functionImageDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var m functionImageModel
	resp.Diagnostics.Append(req.Config.Get(ctx, &m)...)
	if resp.Diagnostics.HasError() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()

	f, err := d.data.handover.Function(ctx, m.Region.ValueString(), m.FunctionName.ValueString(), m.Qualifier.ValueString())
	switch {
	case errors.Is(err, handover.ErrNotFound):
		m.absent(f.Region)
		resp.Diagnostics.Append(resp.State.Set(ctx, m)...)
		return
	case err != nil:
		resp.Diagnostics.Append(diag.WithPath(path.Root("function_name"), newHandoverDiagnostic("Reading the function", err)))
		return
	case !f.Image:
		resp.Diagnostics.AddAttributeError(path.Root("function_name"), "Function is not made from an image", fmt.Sprintf(
			"The function %s is made from a .zip file (package type Zip), so that it runs no image, and Lambda does not let a function change that. "+
				"Name a function with package_type = \"Image\", or create it anew.", m.FunctionName.ValueString()))
		return
	}
	m.observe(f)
	if err := d.judge(ctx, &m, f); err != nil {
		resp.Diagnostics.Append(diag.WithPath(path.Root("function_name"), newDiagnostic("Reading the function's image", err)))
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, m)...)
}

// absent is the answer for a function that is not there.
func (m *functionImageModel) absent(region string) {
	m.Exists = types.BoolValue(false)
	m.Architectures = types.ListNull(types.StringType)
	name := m.FunctionName.ValueString()
	if qualifier := m.Qualifier.ValueString(); qualifier != "" {
		m.Reason = types.StringValue(fmt.Sprintf("The function %s, or its version or alias %s, does not exist in %s.", name, qualifier, region))
		return
	}
	m.Reason = types.StringValue(fmt.Sprintf("The function %s does not exist in %s.", name, region))
}

// observe takes over what Lambda tells.
func (m *functionImageModel) observe(f handover.Function) {
	m.Exists = types.BoolValue(true)
	m.ImageURI = types.StringValue(f.ImageURI)
	m.LastModified = types.StringValue(f.LastModified)
	m.Architectures = stringsValue(f.Architectures)
	if f.ResolvedImageURI != "" {
		m.ResolvedImageURI = types.StringValue(f.ResolvedImageURI)
	}
}

// judge asks ECR whether the image is a placeholder. That it may not ask, or
// that the image is gone, is no reason to take it for one.
func (d *functionImageDataSource) judge(ctx context.Context, m *functionImageModel, f handover.Function) error {
	u, reference, ok := deployedImage(f)
	if !ok {
		m.Reason = types.StringValue(fmt.Sprintf("Whether %s is a placeholder is not known: it is not the URI of an image in a private ECR repository.", f.ImageURI))
		return nil
	}
	if u.Digest != "" {
		m.ImageDigest = types.StringValue(u.Digest)
	}
	repository, err := d.data.repositories.OpenIn(ctx, u.RepositoryURL, f.Region)
	if err != nil {
		return err
	}
	image, err := repository.Look(ctx, reference)
	switch {
	case ecrrepo.IsGone(err):
		m.Reason = types.StringValue(fmt.Sprintf("Whether the function runs a placeholder is not known: its image %s is gone from the repository.", m.runs()))
		return nil
	case errors.Is(err, ecrrepo.ErrDenied):
		m.Reason = types.StringValue(fmt.Sprintf("Whether the function runs a placeholder is not known: the look at its image %s is denied. Allow ecr:BatchGetImage on the repository.", m.runs()))
		return nil
	case err != nil:
		return err
	}
	m.ImageDigest = types.StringValue(image.Digest)
	m.IsPlaceholder = types.BoolValue(isPlaceholder(image))
	if m.IsPlaceholder.ValueBool() {
		m.ImageURI = types.StringNull()
		m.Reason = types.StringValue(fmt.Sprintf("The function %s still runs a placeholder, %s.", m.FunctionName.ValueString(), f.ImageURI))
	}
	return nil
}

// deployedImage is what to look up for what a function runs. An emulator may not
// resolve the URI that it was given.
func deployedImage(f handover.Function) (u ecrrepo.ImageURI, reference string, ok bool) {
	u, err := ecrrepo.ParseImageURI(cmp.Or(f.ResolvedImageURI, f.ImageURI))
	reference = cmp.Or(u.Digest, u.Tag)
	return u, reference, err == nil && reference != ""
}

// runs is the image that the function runs.
func (m *functionImageModel) runs() string {
	return cmp.Or(m.ResolvedImageURI.ValueString(), m.ImageURI.ValueString())
}
