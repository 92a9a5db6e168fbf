// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package standinaws

import (
	"context"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// s3BucketVersioningResource is aws_s3_bucket_versioning.
type s3BucketVersioningResource struct{ configuredResource }

var (
	_ resource.ResourceWithConfigure   = (*s3BucketVersioningResource)(nil)
	_ resource.ResourceWithImportState = (*s3BucketVersioningResource)(nil)
)

func newS3BucketVersioningResource() resource.Resource { return &s3BucketVersioningResource{} }

type s3BucketVersioningModel struct {
	ID            types.String              `tfsdk:"id"`
	Bucket        types.String              `tfsdk:"bucket"`
	Region        types.String              `tfsdk:"region"`
	Configuration []versioningConfiguration `tfsdk:"versioning_configuration"`
}

type versioningConfiguration struct {
	Status types.String `tfsdk:"status"`
}

func (r *s3BucketVersioningResource) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = "aws_s3_bucket_versioning"
}

func (r *s3BucketVersioningResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{
		Attributes: map[string]schema.Attribute{
			"id":     computedString(),
			"bucket": replacingString(),
			"region": regionAttribute(),
		},
		Blocks: map[string]schema.Block{
			"versioning_configuration": block(map[string]schema.Attribute{"status": requiredString()}),
		},
	}
}

func (r *s3BucketVersioningResource) write(ctx context.Context, m *s3BucketVersioningModel) error {
	m.ID, m.Region = m.Bucket, types.StringValue(r.clients.region(m.Region))
	if len(m.Configuration) == 0 || m.Configuration[0].Status.ValueString() == "Disabled" {
		return nil // that is what a bucket has before versioning is ever set
	}
	_, err := r.clients.s3(m.Region.ValueString()).PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{
		Bucket:                  m.Bucket.ValueStringPointer(),
		VersioningConfiguration: &s3types.VersioningConfiguration{Status: s3types.BucketVersioningStatus(m.Configuration[0].Status.ValueString())},
	})
	return err
}

func (r *s3BucketVersioningResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var m s3BucketVersioningModel
	if resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	if err := r.write(ctx, &m); err != nil {
		resp.Diagnostics.AddError(fmt.Sprintf("creating S3 Bucket Versioning (%s): %s", m.Bucket.ValueString(), err), "")
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

func (r *s3BucketVersioningResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var m s3BucketVersioningModel
	if resp.Diagnostics.Append(req.State.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	m.Bucket, m.Region = m.ID, types.StringValue(r.clients.region(m.Region))
	out, err := r.clients.s3(m.Region.ValueString()).GetBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: m.ID.ValueStringPointer()})
	if isCode(err, "NoSuchBucket") {
		resp.State.RemoveResource(ctx)
		return
	}
	if err != nil {
		resp.Diagnostics.AddError(fmt.Sprintf("reading S3 Bucket Versioning (%s): %s", m.ID.ValueString(), err), "")
		return
	}
	status := string(out.Status)
	if status == "" {
		status = "Disabled"
	}
	m.Configuration = []versioningConfiguration{{Status: types.StringValue(status)}}
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

func (r *s3BucketVersioningResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var m s3BucketVersioningModel
	if resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	if err := r.write(ctx, &m); err != nil {
		resp.Diagnostics.AddError(fmt.Sprintf("updating S3 Bucket Versioning (%s): %s", m.Bucket.ValueString(), err), "")
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

// Delete suspends versioning: it can never be switched off again.
func (r *s3BucketVersioningResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var m s3BucketVersioningModel
	if resp.Diagnostics.Append(req.State.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	_, err := r.clients.s3(m.Region.ValueString()).PutBucketVersioning(ctx, &s3.PutBucketVersioningInput{
		Bucket:                  m.ID.ValueStringPointer(),
		VersioningConfiguration: &s3types.VersioningConfiguration{Status: s3types.BucketVersioningStatusSuspended},
	})
	if err != nil && !isCode(err, "NoSuchBucket") {
		resp.Diagnostics.AddError(fmt.Sprintf("deleting S3 Bucket Versioning (%s): %s", m.ID.ValueString(), err), "")
	}
}

func (r *s3BucketVersioningResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	resource.ImportStatePassthroughID(ctx, path.Root("id"), req, resp)
}
