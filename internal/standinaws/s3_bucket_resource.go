// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package standinaws

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// s3BucketResource is aws_s3_bucket.
type s3BucketResource struct{ configuredResource }

var (
	_ resource.ResourceWithConfigure   = (*s3BucketResource)(nil)
	_ resource.ResourceWithImportState = (*s3BucketResource)(nil)
	_ resource.ResourceWithModifyPlan  = (*s3BucketResource)(nil)
)

func newS3BucketResource() resource.Resource { return &s3BucketResource{} }

type s3BucketModel struct {
	ID                 types.String `tfsdk:"id"`
	ARN                types.String `tfsdk:"arn"`
	Bucket             types.String `tfsdk:"bucket"`
	BucketPrefix       types.String `tfsdk:"bucket_prefix"`
	BucketDomainName   types.String `tfsdk:"bucket_domain_name"`
	RegionalDomainName types.String `tfsdk:"bucket_regional_domain_name"`
	BucketRegion       types.String `tfsdk:"bucket_region"`
	Region             types.String `tfsdk:"region"`
	ForceDestroy       types.Bool   `tfsdk:"force_destroy"`
	Tags               types.Map    `tfsdk:"tags"`
	TagsAll            types.Map    `tfsdk:"tags_all"`
}

func (r *s3BucketResource) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = "aws_s3_bucket"
}

func (r *s3BucketResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{Attributes: tagAttributes(map[string]schema.Attribute{
		"id":                          computedString(),
		"arn":                         computedString(),
		"bucket":                      optionalComputedReplacingString(),
		"bucket_prefix":               optionalComputedReplacingString(),
		"bucket_domain_name":          computedString(),
		"bucket_regional_domain_name": computedString(),
		"bucket_region":               computedString(),
		"region":                      regionAttribute(),
		"force_destroy":               schema.BoolAttribute{Optional: true, Computed: true, Default: booldefault.StaticBool(false)},
	})}
}

func (r *s3BucketResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	r.planTagsAll(ctx, req, resp)
}

func (r *s3BucketResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var m s3BucketModel
	if resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	region := r.clients.region(m.Region)
	client, name := r.clients.s3(region), generatedName(m.Bucket, m.BucketPrefix)
	in := &s3.CreateBucketInput{Bucket: &name}
	if region != "us-east-1" { // S3 refuses its own default as a constraint
		in.CreateBucketConfiguration = &s3types.CreateBucketConfiguration{LocationConstraint: s3types.BucketLocationConstraint(region)}
	}
	if _, err := client.CreateBucket(ctx, in); err != nil {
		resp.Diagnostics.AddError(fmt.Sprintf("creating S3 Bucket (%s): %s", name, err), "")
		return
	}
	m.ID, m.Bucket = types.StringValue(name), types.StringValue(name)
	m.BucketPrefix = types.StringValue(m.BucketPrefix.ValueString())
	r.fill(&m, region)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
	if err := putBucketTags(ctx, client, name, r.allTags(ctx, m.Tags, &resp.Diagnostics)); err != nil {
		resp.Diagnostics.AddError(fmt.Sprintf("setting S3 Bucket (%s) tags: %s", name, err), "")
	}
}

func (r *s3BucketResource) fill(m *s3BucketModel, region string) {
	name, suffix := m.ID.ValueString(), r.clients.partition.DNSSuffix()
	m.ARN = types.StringValue("arn:" + r.clients.partition.ID() + ":s3:::" + name)
	m.BucketDomainName = types.StringValue(name + ".s3." + suffix)
	m.RegionalDomainName = types.StringValue(name + ".s3." + region + "." + suffix)
	m.BucketRegion, m.Region = types.StringValue(region), types.StringValue(region)
}

func putBucketTags(ctx context.Context, client *s3.Client, name string, tags map[string]string) error {
	if len(tags) == 0 {
		return nil
	}
	in := &s3.PutBucketTaggingInput{Bucket: &name, Tagging: &s3types.Tagging{}}
	for key, value := range tags {
		in.Tagging.TagSet = append(in.Tagging.TagSet, s3types.Tag{Key: &key, Value: &value})
	}
	_, err := client.PutBucketTagging(ctx, in)
	return err
}

func (r *s3BucketResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var m s3BucketModel
	if resp.Diagnostics.Append(req.State.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	region := r.clients.region(m.Region)
	client, name := r.clients.s3(region), m.ID.ValueString()
	_, err := client.HeadBucket(ctx, &s3.HeadBucketInput{Bucket: &name})
	if isStatus(err, http.StatusNotFound) {
		resp.State.RemoveResource(ctx)
		return
	}
	if err != nil {
		resp.Diagnostics.AddError(fmt.Sprintf("reading S3 Bucket (%s): %s", name, err), "")
		return
	}
	reported := map[string]string{}
	tags, err := client.GetBucketTagging(ctx, &s3.GetBucketTaggingInput{Bucket: &name})
	if err != nil && !isCode(err, "NoSuchTagSet") {
		resp.Diagnostics.AddError(fmt.Sprintf("listing tags for S3 Bucket (%s): %s", name, err), "")
		return
	}
	if err == nil {
		for _, tag := range tags.TagSet {
			reported[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
		}
	}
	m.Bucket = types.StringValue(name)
	m.BucketPrefix = types.StringValue(m.BucketPrefix.ValueString())
	m.ForceDestroy = types.BoolValue(m.ForceDestroy.ValueBool())
	m.Tags = r.ownTags(ctx, reported, m.Tags, &resp.Diagnostics)
	m.TagsAll = mapOf(ctx, reported, &resp.Diagnostics)
	r.fill(&m, region)
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

func isStatus(err error, status int) bool {
	response, ok := errors.AsType[*awshttp.ResponseError](err)
	return ok && response.HTTPStatusCode() == status
}

func isCode(err error, code string) bool {
	refusal, ok := errors.AsType[smithy.APIError](err)
	return ok && refusal.ErrorCode() == code
}

func (r *s3BucketResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var m s3BucketModel
	if resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	client, name := r.clients.s3(m.Region.ValueString()), m.ID.ValueString()
	if changed(req.Plan.Raw, req.State.Raw, "tags_all") {
		tags := stringMap(ctx, m.TagsAll, &resp.Diagnostics)
		err := putBucketTags(ctx, client, name, tags)
		if len(tags) == 0 {
			_, err = client.DeleteBucketTagging(ctx, &s3.DeleteBucketTaggingInput{Bucket: &name})
		}
		if err != nil {
			resp.Diagnostics.AddError(fmt.Sprintf("updating tags for S3 Bucket (%s): %s", name, err), "")
			return
		}
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

func (r *s3BucketResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var m s3BucketModel
	if resp.Diagnostics.Append(req.State.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	client, name := r.clients.s3(r.clients.region(m.Region)), m.ID.ValueString()
	_, err := client.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: &name})
	if isCode(err, "BucketNotEmpty") && m.ForceDestroy.ValueBool() {
		if err = deleteVersions(ctx, client, name, ""); err == nil {
			_, err = client.DeleteBucket(ctx, &s3.DeleteBucketInput{Bucket: &name})
		}
	}
	if err != nil && !isCode(err, "NoSuchBucket") {
		resp.Diagnostics.AddError(fmt.Sprintf("deleting S3 Bucket (%s): %s", name, err), "")
	}
}

// deleteVersions deletes every version and delete marker of one key, or of all
// keys when it is "".
func deleteVersions(ctx context.Context, client *s3.Client, bucket, key string) error {
	pages := s3.NewListObjectVersionsPaginator(client, &s3.ListObjectVersionsInput{Bucket: &bucket, Prefix: &key})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return err
		}
		type version struct{ key, id *string }
		var all []version
		for _, v := range page.Versions {
			all = append(all, version{v.Key, v.VersionId})
		}
		for _, v := range page.DeleteMarkers {
			all = append(all, version{v.Key, v.VersionId})
		}
		for _, v := range all {
			if key != "" && aws.ToString(v.key) != key { // the prefix matches longer keys as well
				continue
			}
			if _, err := client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &bucket, Key: v.key, VersionId: v.id}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *s3BucketResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	resource.ImportStatePassthroughID(ctx, path.Root("id"), req, resp)
}
