// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

// Package provider is the Terraform surface of lambdaseed: schemas, plans and
// diagnostics. It is the only package that imports terraform-plugin-*.
package provider

import (
	"context"
	"fmt"

	"github.com/google/go-containerregistry/pkg/authn"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/awsconfig"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/ecrrepo"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/handover"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/seedimage"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/seedzip"
)

// lambdaseedProvider is the provider block and the list of what it serves. It
// reads its arguments in Configure and talks to nobody: validate, provider
// start and a plan of nothing work without network and without credentials.
type lambdaseedProvider struct {
	version    string
	settings   []func(*awsconfig.Settings)
	ecrOptions []ecrrepo.Option
	build      buildPlaceholder
	buildZip   buildZip
	keychain   authn.Keychain
}

// buildPlaceholder makes the placeholder of an architecture and an answer.
type buildPlaceholder func(architecture string, response seedimage.Response) (v1.Image, error)

var (
	_ provider.Provider              = (*lambdaseedProvider)(nil)
	_ provider.ProviderWithFunctions = (*lambdaseedProvider)(nil)
)

// providerData is what resources and data sources receive from Configure.
type providerData struct {
	config *awsconfig.Source
	// userAgent is what requests to registries carry; those to APIs go by config.
	userAgent string
	// repositories opens ECR repositories, and is one for all so that a token
	// is asked for once.
	repositories *ecrrepo.Client
	handover     *handover.Client
	build        buildPlaceholder
	// keychain has the logins for registries that images are copied from.
	keychain authn.Keychain
}

// Option changes a provider for a test.
type Option func(*lambdaseedProvider)

// WithSettings lets change have the last word on what the provider block said.
func WithSettings(change func(*awsconfig.Settings)) Option {
	return func(p *lambdaseedProvider) { p.settings = append(p.settings, change) }
}

// WithECROptions changes how the provider works with ECR.
func WithECROptions(opts ...ecrrepo.Option) Option {
	return func(p *lambdaseedProvider) { p.ecrOptions = append(p.ecrOptions, opts...) }
}

// WithPlaceholder changes what a placeholder is, as another version of the
// provider may.
func WithPlaceholder(build func(architecture string, response seedimage.Response) (v1.Image, error)) Option {
	return func(p *lambdaseedProvider) { p.build = build }
}

// WithKeychain changes where the logins of source registries are looked for:
// docker's configuration otherwise.
func WithKeychain(keychain authn.Keychain) Option {
	return func(p *lambdaseedProvider) { p.keychain = keychain }
}

// New returns the constructor that the plugin server asks for. The version is
// the provider's own, as it goes into the User-Agent header.
func New(version string, opts ...Option) func() provider.Provider {
	return func() provider.Provider {
		p := &lambdaseedProvider{version: version, build: seedimage.Build, buildZip: seedzip.Build, keychain: authn.DefaultKeychain}
		for _, opt := range opts {
			opt(p)
		}
		return p
	}
}

func (p *lambdaseedProvider) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "lambdaseed"
	resp.Version = p.version
}

func (p *lambdaseedProvider) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	resp.Schema = providerSchema()
}

func (p *lambdaseedProvider) Configure(ctx context.Context, req provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	settings := expandSettings(ctx, req.Config, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	settings.Logger = awsconfig.TerraformLog()
	settings.Version = p.version
	settings.TerraformVersion = req.TerraformVersion
	for _, change := range p.settings {
		change(&settings)
	}

	config := awsconfig.New(settings)
	userAgent := "terraform-provider-lambdaseed/" + p.version
	ecrOptions := append([]ecrrepo.Option{ecrrepo.WithUserAgent(userAgent)}, p.ecrOptions...)
	data := &providerData{
		config:       config,
		userAgent:    userAgent,
		repositories: ecrrepo.NewClient(config, ecrOptions...),
		handover:     handover.NewClient(config),
		build:        p.build,
		keychain:     p.keychain,
	}
	resp.ResourceData = data
	resp.DataSourceData = data
}

func (p *lambdaseedProvider) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{
		newImageCopyResource,
		newPlaceholderImageResource,
	}
}

func (p *lambdaseedProvider) DataSources(context.Context) []func() datasource.DataSource {
	return []func() datasource.DataSource{
		newFunctionImageDataSource,
		newImageDataSource,
	}
}

func (p *lambdaseedProvider) Functions(context.Context) []func() function.Function {
	return []func() function.Function{
		newParseImageURIFunction,
		newPlaceholderZipFunction(p.buildZip),
	}
}

// configuredData hands the provider's data to a resource or data source; nil,
// as during validation, is not an error.
func configuredData(from any, diags *diag.Diagnostics) *providerData {
	if from == nil {
		return nil
	}
	data, ok := from.(*providerData)
	if !ok {
		diags.AddError("Unexpected provider data", fmt.Sprintf("Expected *providerData, got %T. Please report this to the developers of the provider.", from))
	}
	return data
}
