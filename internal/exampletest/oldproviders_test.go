// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package exampletest_test

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	providerschema "github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/exampletest"
)

// The providers that people come from cannot be had in tests. Those below have
// the few attributes that the guide on migration uses, and do to a registry what
// the originals do: push on creation, and delete on destruction, where they do.
// There is no daemon behind them; the images are made up.

// pushers are the stand-ins of one test. Requests go to the server that options
// lead to, with credentials of its own, so that a token from the provider block
// is accepted and not used.
type pushers struct {
	options func(context.Context) []remote.Option
	// gone lets every use of the providers fail: there is no daemon any more.
	gone bool
}

// oldProviders are the stand-ins for validation, which push nothing.
func oldProviders() []exampletest.Provider {
	return (&pushers{}).providers()
}

func (p *pushers) providers() []exampletest.Provider {
	docker := &oldProvider{
		pushers: p, name: "docker",
		schema: providerschema.Schema{Blocks: map[string]providerschema.Block{
			"registry_auth": providerschema.SetNestedBlock{NestedObject: providerschema.NestedBlockObject{
				Attributes: map[string]providerschema.Attribute{
					"address":  providerschema.StringAttribute{Required: true},
					"username": providerschema.StringAttribute{Optional: true},
					"password": providerschema.StringAttribute{Optional: true, Sensitive: true},
				},
			}},
		}},
		resources: []func() resource.Resource{
			func() resource.Resource {
				return &pushed{pushers: p, name: "docker_image", attributes: map[string]schema.Attribute{
					"name": replacing(), "keep_locally": schema.BoolAttribute{Optional: true},
				}}
			},
			func() resource.Resource {
				return &pushed{pushers: p, name: "docker_tag", attributes: map[string]schema.Attribute{
					"source_image": replacing(), "target_image": replacing(),
				}}
			},
			func() resource.Resource {
				return &pushed{
					pushers: p, name: "docker_registry_image", target: "name", keep: "keep_remotely",
					attributes: map[string]schema.Attribute{
						"name": replacing(),
						"keep_remotely": schema.BoolAttribute{
							Optional: true, Computed: true, Default: booldefault.StaticBool(false),
						},
					},
				}
			},
		},
	}
	dockerless := &oldProvider{
		pushers: p, name: "dockerless",
		schema: providerschema.Schema{Attributes: map[string]providerschema.Attribute{
			"registry_auth": providerschema.MapNestedAttribute{Optional: true, NestedObject: providerschema.NestedAttributeObject{
				Attributes: map[string]providerschema.Attribute{
					"username": providerschema.StringAttribute{Optional: true},
					"password": providerschema.StringAttribute{Optional: true, Sensitive: true},
				},
			}},
		}},
		resources: []func() resource.Resource{func() resource.Resource {
			return &pushed{pushers: p, name: "dockerless_remote_image", target: "target", attributes: map[string]schema.Attribute{
				"source": schema.StringAttribute{Required: true}, "target": schema.StringAttribute{Required: true},
			}}
		}},
	}
	var all []exampletest.Provider
	for _, old := range []*oldProvider{docker, dockerless} {
		all = append(all, exampletest.Provider{
			Source: sources[old.name],
			Make:   func() (tfprotov6.ProviderServer, error) { return providerserver.NewProtocol6WithError(old)() },
		})
	}
	return all
}

func replacing() schema.Attribute {
	return schema.StringAttribute{Required: true, PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplace()}}
}

// oldProvider is one of them.
type oldProvider struct {
	*pushers

	name      string
	schema    providerschema.Schema
	resources []func() resource.Resource
}

func (p *oldProvider) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = p.name
}

func (p *oldProvider) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	resp.Schema = p.schema
}

func (p *oldProvider) Configure(_ context.Context, _ provider.ConfigureRequest, resp *provider.ConfigureResponse) {
	if p.gone {
		resp.Diagnostics.AddError("Cannot connect to the daemon", "It is gone.")
	}
}

func (p *oldProvider) Resources(context.Context) []func() resource.Resource { return p.resources }

func (p *oldProvider) DataSources(context.Context) []func() datasource.DataSource { return nil }

// pushed is a resource of theirs. If it has a target, it pushes there, and
// deletes there unless keep says not to.
type pushed struct {
	*pushers

	name, target, keep string
	attributes         map[string]schema.Attribute
}

func (r *pushed) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = r.name
}

func (r *pushed) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{Attributes: r.attributes}
	resp.Schema.Attributes["id"] = schema.StringAttribute{
		Computed: true, PlanModifiers: []planmodifier.String{stringplanmodifier.UseStateForUnknown()},
	}
}

func (r *pushed) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	resp.State.Raw = req.Plan.Raw
	id := r.name
	if r.target != "" {
		var target types.String
		resp.Diagnostics.Append(req.Plan.GetAttribute(ctx, path.Root(r.target), &target)...)
		id = target.ValueString()
		if err := r.push(ctx, id); err != nil {
			resp.Diagnostics.AddError("pushing "+id, err.Error())
		}
	}
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("id"), id)...)
}

func (p *pushers) push(ctx context.Context, target string) error {
	ref, err := name.NewTag(target)
	if err != nil {
		return err
	}
	image, err := random.Image(256, 1)
	if err != nil {
		return err
	}
	return remote.Write(ref, image, p.options(ctx)...)
}

func (r *pushed) Read(_ context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	if r.gone {
		resp.Diagnostics.AddError("Cannot connect to the daemon", "It is gone.")
	}
	resp.State.Raw = req.State.Raw
}

func (r *pushed) Update(_ context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	resp.State.Raw = req.Plan.Raw
}

func (r *pushed) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var target types.String
	var kept types.Bool
	if r.target == "" {
		return
	}
	resp.Diagnostics.Append(req.State.GetAttribute(ctx, path.Root(r.target), &target)...)
	if r.keep != "" {
		resp.Diagnostics.Append(req.State.GetAttribute(ctx, path.Root(r.keep), &kept)...)
	}
	if kept.ValueBool() {
		return
	}
	ref, err := name.NewTag(target.ValueString())
	if err == nil {
		var at *remote.Descriptor
		if at, err = remote.Get(ref, r.options(ctx)...); err == nil {
			err = remote.Delete(ref.Digest(at.Digest.String()), r.options(ctx)...)
		}
	}
	if err != nil {
		resp.Diagnostics.AddError("deleting "+target.ValueString(), err.Error())
	}
}

func TestOldProvidersAreNamed(t *testing.T) {
	t.Parallel()
	for _, p := range oldProviders() {
		if !strings.Contains(p.Source, "/") {
			t.Errorf("a provider has the source %q", p.Source)
		}
	}
}
