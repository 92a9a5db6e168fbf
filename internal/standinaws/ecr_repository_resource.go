// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package standinaws

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	ecrtypes "github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/listplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// ecrRepositoryResource is aws_ecr_repository. It is deleted without its images
// unless force_delete is set, so a destroy shows what is left behind.
type ecrRepositoryResource struct{ configuredResource }

var (
	_ resource.ResourceWithConfigure   = (*ecrRepositoryResource)(nil)
	_ resource.ResourceWithImportState = (*ecrRepositoryResource)(nil)
	_ resource.ResourceWithModifyPlan  = (*ecrRepositoryResource)(nil)
)

func newECRRepositoryResource() resource.Resource { return &ecrRepositoryResource{} }

type ecrRepositoryModel struct {
	ID                 types.String         `tfsdk:"id"`
	ARN                types.String         `tfsdk:"arn"`
	Name               types.String         `tfsdk:"name"`
	Region             types.String         `tfsdk:"region"`
	RegistryID         types.String         `tfsdk:"registry_id"`
	RepositoryURL      types.String         `tfsdk:"repository_url"`
	ForceDelete        types.Bool           `tfsdk:"force_delete"`
	ImageTagMutability types.String         `tfsdk:"image_tag_mutability"`
	Tags               types.Map            `tfsdk:"tags"`
	TagsAll            types.Map            `tfsdk:"tags_all"`
	ExclusionFilters   []ecrExclusionFilter `tfsdk:"image_tag_mutability_exclusion_filter"`
	Scanning           []ecrScanning        `tfsdk:"image_scanning_configuration"`
	Encryption         []ecrEncryption      `tfsdk:"encryption_configuration"`
	Timeouts           timeouts.Value       `tfsdk:"timeouts"`
}

type ecrExclusionFilter struct {
	Filter     types.String `tfsdk:"filter"`
	FilterType types.String `tfsdk:"filter_type"`
}

type ecrScanning struct {
	ScanOnPush types.Bool `tfsdk:"scan_on_push"`
}

type ecrEncryption struct {
	EncryptionType types.String `tfsdk:"encryption_type"`
	KMSKey         types.String `tfsdk:"kms_key"`
}

func (r *ecrRepositoryResource) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = "aws_ecr_repository"
}

func (r *ecrRepositoryResource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		Attributes: tagAttributes(map[string]schema.Attribute{
			"id":             computedString(),
			"arn":            computedString(),
			"name":           replacingString(),
			"region":         regionAttribute(),
			"registry_id":    computedString(),
			"repository_url": computedString(),
			"force_delete":   optionalBool(),
			"image_tag_mutability": schema.StringAttribute{
				Optional: true, Computed: true, Default: stringdefault.StaticString("MUTABLE"),
				Validators: []validator.String{stringvalidator.OneOf("MUTABLE", "IMMUTABLE", "MUTABLE_WITH_EXCLUSION", "IMMUTABLE_WITH_EXCLUSION")},
			},
		}),
		Blocks: map[string]schema.Block{
			"image_tag_mutability_exclusion_filter": schema.ListNestedBlock{
				Validators: []validator.List{listvalidator.SizeAtMost(5)},
				NestedObject: schema.NestedBlockObject{Attributes: map[string]schema.Attribute{
					"filter":      requiredString(),
					"filter_type": schema.StringAttribute{Required: true, Validators: []validator.String{stringvalidator.OneOf("WILDCARD")}},
				}},
			},
			"image_scanning_configuration": schema.ListNestedBlock{
				Validators: []validator.List{listvalidator.SizeAtMost(1)},
				NestedObject: schema.NestedBlockObject{Attributes: map[string]schema.Attribute{
					"scan_on_push": schema.BoolAttribute{Required: true},
				}},
			},
			"encryption_configuration": schema.ListNestedBlock{
				PlanModifiers: []planmodifier.List{listplanmodifier.RequiresReplace()},
				NestedObject: schema.NestedBlockObject{Attributes: map[string]schema.Attribute{
					"encryption_type": schema.StringAttribute{Optional: true, Computed: true, Default: stringdefault.StaticString("AES256")},
					"kms_key":         optionalComputedString(),
				}},
			},
			"timeouts": timeouts.Block(ctx, timeouts.Opts{Delete: true}),
		},
	}
}

func (r *ecrRepositoryResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	r.planTagsAll(ctx, req, resp)
}

func (r *ecrRepositoryResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var m ecrRepositoryModel
	if resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	region := r.clients.region(m.Region)
	in := &ecr.CreateRepositoryInput{
		RepositoryName:                     m.Name.ValueStringPointer(),
		ImageTagMutability:                 ecrtypes.ImageTagMutability(m.ImageTagMutability.ValueString()),
		ImageTagMutabilityExclusionFilters: m.filters(),
	}
	for key, value := range r.allTags(ctx, m.Tags, &resp.Diagnostics) {
		in.Tags = append(in.Tags, ecrtypes.Tag{Key: &key, Value: &value})
	}
	if len(m.Scanning) > 0 {
		in.ImageScanningConfiguration = &ecrtypes.ImageScanningConfiguration{ScanOnPush: m.Scanning[0].ScanOnPush.ValueBool()}
	}
	if len(m.Encryption) > 0 {
		in.EncryptionConfiguration = &ecrtypes.EncryptionConfiguration{
			EncryptionType: ecrtypes.EncryptionType(m.Encryption[0].EncryptionType.ValueString()),
		}
		if m.Encryption[0].KMSKey.ValueString() != "" {
			in.EncryptionConfiguration.KmsKey = m.Encryption[0].KMSKey.ValueStringPointer()
		}
	}
	out, err := r.clients.ecr(region).CreateRepository(ctx, in)
	if err != nil {
		resp.Diagnostics.AddError(fmt.Sprintf("creating ECR Repository (%s): %s", m.Name.ValueString(), err), "")
		return
	}
	m.Region = types.StringValue(region)
	m.fill(out.Repository)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

func (m *ecrRepositoryModel) filters() []ecrtypes.ImageTagMutabilityExclusionFilter {
	var out []ecrtypes.ImageTagMutabilityExclusionFilter
	for _, f := range m.ExclusionFilters {
		out = append(out, ecrtypes.ImageTagMutabilityExclusionFilter{
			Filter:     f.Filter.ValueStringPointer(),
			FilterType: ecrtypes.ImageTagMutabilityExclusionFilterType(f.FilterType.ValueString()),
		})
	}
	return out
}

// fill takes over what ECR reports. The optional blocks are refreshed only where
// they are written: left out, ECR's default is not a difference.
func (m *ecrRepositoryModel) fill(repo *ecrtypes.Repository) {
	m.ID = types.StringPointerValue(repo.RepositoryName)
	m.ARN = types.StringPointerValue(repo.RepositoryArn)
	m.Name = types.StringPointerValue(repo.RepositoryName)
	m.RegistryID = types.StringPointerValue(repo.RegistryId)
	m.RepositoryURL = types.StringPointerValue(repo.RepositoryUri)
	m.ImageTagMutability = types.StringValue(string(repo.ImageTagMutability))
	m.ExclusionFilters = []ecrExclusionFilter{}
	for _, f := range repo.ImageTagMutabilityExclusionFilters {
		m.ExclusionFilters = append(m.ExclusionFilters, ecrExclusionFilter{
			Filter:     types.StringPointerValue(f.Filter),
			FilterType: types.StringValue(string(f.FilterType)),
		})
	}
	if len(m.Scanning) > 0 && repo.ImageScanningConfiguration != nil {
		m.Scanning[0].ScanOnPush = types.BoolValue(repo.ImageScanningConfiguration.ScanOnPush)
	}
	if len(m.Encryption) > 0 && repo.EncryptionConfiguration != nil {
		m.Encryption[0].EncryptionType = types.StringValue(string(repo.EncryptionConfiguration.EncryptionType))
		m.Encryption[0].KMSKey = types.StringValue(aws.ToString(repo.EncryptionConfiguration.KmsKey))
	}
	if m.Scanning == nil {
		m.Scanning = []ecrScanning{}
	}
	if m.Encryption == nil {
		m.Encryption = []ecrEncryption{}
	}
}

func (r *ecrRepositoryResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var m ecrRepositoryModel
	if resp.Diagnostics.Append(req.State.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	client := r.clients.ecr(r.clients.region(m.Region))
	repo, err := describeRepository(ctx, client, m.ID.ValueString())
	if _, gone := errors.AsType[*ecrtypes.RepositoryNotFoundException](err); gone {
		resp.State.RemoveResource(ctx)
		return
	}
	if err != nil {
		resp.Diagnostics.AddError(fmt.Sprintf("reading ECR Repository (%s): %s", m.ID.ValueString(), err), "")
		return
	}
	m.Region = types.StringValue(r.clients.region(m.Region))
	m.fill(repo)
	reported := r.repositoryTags(ctx, client, m.ARN.ValueString(), &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	m.Tags = r.ownTags(ctx, reported, m.Tags, &resp.Diagnostics)
	m.TagsAll = mapOf(ctx, reported, &resp.Diagnostics)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

func (r *ecrRepositoryResource) repositoryTags(ctx context.Context, client *ecr.Client, arn string, diags *diag.Diagnostics) map[string]string {
	out, err := client.ListTagsForResource(ctx, &ecr.ListTagsForResourceInput{ResourceArn: &arn})
	if err != nil {
		diags.AddError(fmt.Sprintf("listing tags for ECR Repository (%s): %s", arn, err), "")
		return nil
	}
	tags := map[string]string{}
	for _, tag := range out.Tags {
		tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	return tags
}

func describeRepository(ctx context.Context, client *ecr.Client, name string) (*ecrtypes.Repository, error) {
	out, err := client.DescribeRepositories(ctx, &ecr.DescribeRepositoriesInput{RepositoryNames: []string{name}})
	if err != nil {
		return nil, err
	}
	if len(out.Repositories) != 1 {
		return nil, fmt.Errorf("%d repositories in the answer", len(out.Repositories))
	}
	return &out.Repositories[0], nil
}

func (r *ecrRepositoryResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan, state ecrRepositoryModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	client := r.clients.ecr(r.clients.region(state.Region))
	if err := r.update(ctx, client, req, &plan, &state, &resp.Diagnostics); err != nil {
		resp.Diagnostics.AddError(fmt.Sprintf("updating ECR Repository (%s): %s", state.ID.ValueString(), err), "")
	}
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
}

func (r *ecrRepositoryResource) update(ctx context.Context, client *ecr.Client, req resource.UpdateRequest, plan, state *ecrRepositoryModel, diags *diag.Diagnostics) error {
	if changed(req.Plan.Raw, req.State.Raw, "image_tag_mutability", "image_tag_mutability_exclusion_filter") {
		_, err := client.PutImageTagMutability(ctx, &ecr.PutImageTagMutabilityInput{
			RepositoryName:                     state.ID.ValueStringPointer(),
			RegistryId:                         state.RegistryID.ValueStringPointer(),
			ImageTagMutability:                 ecrtypes.ImageTagMutability(plan.ImageTagMutability.ValueString()),
			ImageTagMutabilityExclusionFilters: plan.filters(),
		})
		if err != nil {
			return fmt.Errorf("setting image tag mutability: %w", err)
		}
	}
	if changed(req.Plan.Raw, req.State.Raw, "image_scanning_configuration") {
		scan := len(plan.Scanning) > 0 && plan.Scanning[0].ScanOnPush.ValueBool()
		_, err := client.PutImageScanningConfiguration(ctx, &ecr.PutImageScanningConfigurationInput{
			RepositoryName:             state.ID.ValueStringPointer(),
			RegistryId:                 state.RegistryID.ValueStringPointer(),
			ImageScanningConfiguration: &ecrtypes.ImageScanningConfiguration{ScanOnPush: scan},
		})
		if err != nil {
			return fmt.Errorf("setting image scanning configuration: %w", err)
		}
	}
	if !changed(req.Plan.Raw, req.State.Raw, "tags_all") {
		return nil
	}
	remove, set := tagDifference(stringMap(ctx, state.TagsAll, diags), stringMap(ctx, plan.TagsAll, diags))
	if len(remove) > 0 {
		if _, err := client.UntagResource(ctx, &ecr.UntagResourceInput{ResourceArn: state.ARN.ValueStringPointer(), TagKeys: remove}); err != nil {
			return fmt.Errorf("untagging: %w", err)
		}
	}
	if len(set) > 0 {
		in := &ecr.TagResourceInput{ResourceArn: state.ARN.ValueStringPointer()}
		for key, value := range set {
			in.Tags = append(in.Tags, ecrtypes.Tag{Key: &key, Value: &value})
		}
		if _, err := client.TagResource(ctx, in); err != nil {
			return fmt.Errorf("tagging: %w", err)
		}
	}
	return nil
}

func (r *ecrRepositoryResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var m ecrRepositoryModel
	if resp.Diagnostics.Append(req.State.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	limit, diags := m.Timeouts.Delete(ctx, 20*time.Minute)
	if resp.Diagnostics.Append(diags...); resp.Diagnostics.HasError() {
		return
	}
	client := r.clients.ecr(r.clients.region(m.Region))
	name := m.ID.ValueString()
	_, err := client.DeleteRepository(ctx, &ecr.DeleteRepositoryInput{
		RepositoryName: &name,
		RegistryId:     m.RegistryID.ValueStringPointer(),
		Force:          m.ForceDelete.ValueBool(),
	})
	if _, gone := errors.AsType[*ecrtypes.RepositoryNotFoundException](err); gone {
		return
	}
	if _, full := errors.AsType[*ecrtypes.RepositoryNotEmptyException](err); full {
		resp.Diagnostics.AddError(fmt.Sprintf("ECR Repository (%s) not empty, consider using force_delete: %s", name, err), "")
		return
	}
	if err != nil {
		resp.Diagnostics.AddError(fmt.Sprintf("deleting ECR Repository (%s): %s", name, err), "")
		return
	}
	err = until(ctx, limit, func() (bool, error) {
		_, err := describeRepository(ctx, client, name)
		if _, gone := errors.AsType[*ecrtypes.RepositoryNotFoundException](err); gone {
			return true, nil
		}
		return false, err
	})
	if err != nil {
		resp.Diagnostics.AddError(fmt.Sprintf("waiting for ECR Repository (%s) delete: %s", name, err), "")
	}
}

func (r *ecrRepositoryResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	resource.ImportStatePassthroughID(ctx, path.Root("id"), req, resp)
}
