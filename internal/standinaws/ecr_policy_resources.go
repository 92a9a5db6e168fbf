// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package standinaws

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	ecrtypes "github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// ecrPolicyResource is aws_ecr_lifecycle_policy or aws_ecr_repository_policy:
// one JSON document that belongs to a repository. They differ in three calls.
type ecrPolicyResource struct {
	configuredResource
	typeName string
	title    string // as in the original's messages
	put      func(ctx context.Context, client *ecr.Client, repository, policy string) (registryID *string, err error)
	get      func(ctx context.Context, client *ecr.Client, repository string) (policy, registryID *string, err error)
	remove   func(ctx context.Context, client *ecr.Client, repository string) error
}

var (
	_ resource.ResourceWithConfigure   = (*ecrPolicyResource)(nil)
	_ resource.ResourceWithImportState = (*ecrPolicyResource)(nil)
)

func newECRLifecyclePolicyResource() resource.Resource {
	return &ecrPolicyResource{
		typeName: "aws_ecr_lifecycle_policy",
		title:    "ECR Lifecycle Policy",
		put: func(ctx context.Context, client *ecr.Client, repository, policy string) (*string, error) {
			out, err := client.PutLifecyclePolicy(ctx, &ecr.PutLifecyclePolicyInput{RepositoryName: &repository, LifecyclePolicyText: &policy})
			if err != nil {
				return nil, err
			}
			return out.RegistryId, nil
		},
		get: func(ctx context.Context, client *ecr.Client, repository string) (*string, *string, error) {
			out, err := client.GetLifecyclePolicy(ctx, &ecr.GetLifecyclePolicyInput{RepositoryName: &repository})
			if err != nil {
				return nil, nil, err
			}
			return out.LifecyclePolicyText, out.RegistryId, nil
		},
		remove: func(ctx context.Context, client *ecr.Client, repository string) error {
			_, err := client.DeleteLifecyclePolicy(ctx, &ecr.DeleteLifecyclePolicyInput{RepositoryName: &repository})
			return err
		},
	}
}

func newECRRepositoryPolicyResource() resource.Resource {
	return &ecrPolicyResource{
		typeName: "aws_ecr_repository_policy",
		title:    "ECR Repository Policy",
		put: func(ctx context.Context, client *ecr.Client, repository, policy string) (*string, error) {
			out, err := client.SetRepositoryPolicy(ctx, &ecr.SetRepositoryPolicyInput{RepositoryName: &repository, PolicyText: &policy})
			if err != nil {
				return nil, err
			}
			return out.RegistryId, nil
		},
		get: func(ctx context.Context, client *ecr.Client, repository string) (*string, *string, error) {
			out, err := client.GetRepositoryPolicy(ctx, &ecr.GetRepositoryPolicyInput{RepositoryName: &repository})
			if err != nil {
				return nil, nil, err
			}
			return out.PolicyText, out.RegistryId, nil
		},
		remove: func(ctx context.Context, client *ecr.Client, repository string) error {
			_, err := client.DeleteRepositoryPolicy(ctx, &ecr.DeleteRepositoryPolicyInput{RepositoryName: &repository})
			return err
		},
	}
}

type ecrPolicyModel struct {
	ID         types.String `tfsdk:"id"`
	Repository types.String `tfsdk:"repository"`
	Region     types.String `tfsdk:"region"`
	RegistryID types.String `tfsdk:"registry_id"`
	Policy     types.String `tfsdk:"policy"`
}

func (r *ecrPolicyResource) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = r.typeName
}

func (r *ecrPolicyResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{Attributes: map[string]schema.Attribute{
		"id":          computedString(),
		"repository":  replacingString(),
		"region":      regionAttribute(),
		"registry_id": computedString(),
		"policy":      requiredString(),
	}}
}

func (r *ecrPolicyResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var m ecrPolicyModel
	if resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	if err := r.write(ctx, &m); err != nil {
		resp.Diagnostics.AddError(fmt.Sprintf("creating %s (%s): %s", r.title, m.Repository.ValueString(), err), "")
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

// write puts the policy; a repository created a moment ago may not be seen yet.
func (r *ecrPolicyResource) write(ctx context.Context, m *ecrPolicyModel) error {
	region := r.clients.region(m.Region)
	registryID, err := retried(ctx, func() (*string, error) {
		return r.put(ctx, r.clients.ecr(region), m.Repository.ValueString(), m.Policy.ValueString())
	}, func(err error) bool {
		// The original retries InvalidParameterException only, which is how ECR
		// says that a principal is not known yet.
		_, passing := errors.AsType[*ecrtypes.InvalidParameterException](err)
		return passing && r.typeName == "aws_ecr_repository_policy" && isPrincipalError(err)
	})
	if err != nil {
		return err
	}
	m.ID = m.Repository
	m.Region = types.StringValue(region)
	m.RegistryID = types.StringPointerValue(registryID)
	return nil
}

func (r *ecrPolicyResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var m ecrPolicyModel
	if resp.Diagnostics.Append(req.State.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	region := r.clients.region(m.Region)
	policy, registryID, err := r.get(ctx, r.clients.ecr(region), m.ID.ValueString())
	if isNoPolicy(err) {
		resp.State.RemoveResource(ctx)
		return
	}
	if err != nil {
		resp.Diagnostics.AddError(fmt.Sprintf("reading %s (%s): %s", r.title, m.ID.ValueString(), err), "")
		return
	}
	m.Repository = m.ID
	m.Region = types.StringValue(region)
	m.RegistryID = types.StringPointerValue(registryID)
	m.Policy = samePolicy(aws.ToString(policy), m.Policy)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

func (r *ecrPolicyResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var m ecrPolicyModel
	if resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	if err := r.write(ctx, &m); err != nil {
		resp.Diagnostics.AddError(fmt.Sprintf("updating %s (%s): %s", r.title, m.Repository.ValueString(), err), "")
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

func (r *ecrPolicyResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var m ecrPolicyModel
	if resp.Diagnostics.Append(req.State.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	err := r.remove(ctx, r.clients.ecr(r.clients.region(m.Region)), m.ID.ValueString())
	if err != nil && !isNoPolicy(err) {
		resp.Diagnostics.AddError(fmt.Sprintf("deleting %s (%s): %s", r.title, m.ID.ValueString(), err), "")
	}
}

func (r *ecrPolicyResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	resource.ImportStatePassthroughID(ctx, path.Root("id"), req, resp)
}

func isNoPolicy(err error) bool {
	if _, ok := errors.AsType[*ecrtypes.RepositoryNotFoundException](err); ok {
		return true
	}
	if _, ok := errors.AsType[*ecrtypes.LifecyclePolicyNotFoundException](err); ok {
		return true
	}
	_, ok := errors.AsType[*ecrtypes.RepositoryPolicyNotFoundException](err)
	return ok
}
