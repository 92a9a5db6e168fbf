// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

// Package provider is the Terraform surface of lambdaseed: schemas, plans and
// diagnostics. It is the only package that imports terraform-plugin-*.
package provider

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/resource"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/awsconfig"
)

// lambdaseedProvider is the provider block and the list of what it serves. It
// reads its arguments in Configure and talks to nobody: validate, provider
// start and a plan of nothing work without network and without credentials.
type lambdaseedProvider struct {
	version  string
	settings []func(*awsconfig.Settings)
}

var (
	_ provider.Provider              = (*lambdaseedProvider)(nil)
	_ provider.ProviderWithFunctions = (*lambdaseedProvider)(nil)
)

// providerData is what resources and data sources receive from Configure.
type providerData struct {
	config  *awsconfig.Source
	version string
}

// Option changes a provider for a test.
type Option func(*lambdaseedProvider)

// WithSettings lets change have the last word on what the provider block said.
func WithSettings(change func(*awsconfig.Settings)) Option {
	return func(p *lambdaseedProvider) { p.settings = append(p.settings, change) }
}

// New returns the constructor that the plugin server asks for. The version is
// the provider's own, as it goes into the User-Agent header.
func New(version string, opts ...Option) func() provider.Provider {
	return func() provider.Provider {
		p := &lambdaseedProvider{version: version}
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
	settings.Version = p.version
	settings.TerraformVersion = req.TerraformVersion
	for _, change := range p.settings {
		change(&settings)
	}

	data := &providerData{config: awsconfig.New(settings), version: p.version}
	resp.ResourceData = data
	resp.DataSourceData = data
}

func (p *lambdaseedProvider) Resources(context.Context) []func() resource.Resource {
	return []func() resource.Resource{}
}

func (p *lambdaseedProvider) DataSources(context.Context) []func() datasource.DataSource {
	return []func() datasource.DataSource{}
}

func (p *lambdaseedProvider) Functions(context.Context) []func() function.Function {
	return []func() function.Function{}
}
