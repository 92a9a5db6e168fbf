// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package standinaws

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// s3ObjectResource is aws_s3_object. Its content is uploaded again when one of
// the content attributes changes in the plan; what is in the bucket is compared
// only through etag and only when that is configured.
type s3ObjectResource struct{ configuredResource }

var (
	_ resource.ResourceWithConfigure   = (*s3ObjectResource)(nil)
	_ resource.ResourceWithImportState = (*s3ObjectResource)(nil)
	_ resource.ResourceWithModifyPlan  = (*s3ObjectResource)(nil)
)

func newS3ObjectResource() resource.Resource { return &s3ObjectResource{} }

type s3ObjectModel struct {
	ID                   types.String `tfsdk:"id"`
	ARN                  types.String `tfsdk:"arn"`
	Bucket               types.String `tfsdk:"bucket"`
	Key                  types.String `tfsdk:"key"`
	Region               types.String `tfsdk:"region"`
	ACL                  types.String `tfsdk:"acl"`
	CacheControl         types.String `tfsdk:"cache_control"`
	ChecksumAlgorithm    types.String `tfsdk:"checksum_algorithm"`
	Content              types.String `tfsdk:"content"`
	ContentBase64        types.String `tfsdk:"content_base64"`
	ContentType          types.String `tfsdk:"content_type"`
	ETag                 types.String `tfsdk:"etag"`
	ForceDestroy         types.Bool   `tfsdk:"force_destroy"`
	Metadata             types.Map    `tfsdk:"metadata"`
	ServerSideEncryption types.String `tfsdk:"server_side_encryption"`
	Source               types.String `tfsdk:"source"`
	SourceHash           types.String `tfsdk:"source_hash"`
	StorageClass         types.String `tfsdk:"storage_class"`
	VersionID            types.String `tfsdk:"version_id"`
	Tags                 types.Map    `tfsdk:"tags"`
	TagsAll              types.Map    `tfsdk:"tags_all"`
}

// contentAttributes are those whose change uploads the object again.
// Source: the original's hasObjectContentChanges.
var contentAttributes = []string{
	"cache_control", "checksum_algorithm", "content_base64", "content_type", "content", "etag",
	"metadata", "server_side_encryption", "source", "source_hash", "storage_class",
}

func (r *s3ObjectResource) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = "aws_s3_object"
}

func (r *s3ObjectResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	content := func(others ...string) schema.StringAttribute {
		var expressions []path.Expression
		for _, other := range others {
			expressions = append(expressions, path.MatchRoot(other))
		}
		return schema.StringAttribute{Optional: true, Validators: []validator.String{stringvalidator.ConflictsWith(expressions...)}}
	}
	resp.Schema = schema.Schema{Attributes: tagAttributes(map[string]schema.Attribute{
		"id":                     computedString(),
		"arn":                    computedString(),
		"bucket":                 replacingString(),
		"key":                    replacingString(),
		"region":                 regionAttribute(),
		"acl":                    optionalComputedString(),
		"cache_control":          optionalString(),
		"checksum_algorithm":     optionalString(),
		"content":                content("source", "content_base64"),
		"content_base64":         content("source", "content"),
		"content_type":           optionalComputedString(),
		"etag":                   optionalComputedString(),
		"force_destroy":          schema.BoolAttribute{Optional: true, Computed: true, Default: booldefault.StaticBool(false)},
		"metadata":               schema.MapAttribute{Optional: true, ElementType: types.StringType},
		"server_side_encryption": optionalComputedString(),
		"source":                 content("content", "content_base64"),
		"source_hash":            optionalString(),
		"storage_class":          optionalComputedString(),
		"version_id":             computedString(),
	})}
}

func (r *s3ObjectResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	r.planTagsAll(ctx, req, resp)
	if req.Plan.Raw.IsNull() || req.State.Raw.IsNull() {
		return
	}
	if changed(resp.Plan.Raw, req.State.Raw, contentAttributes...) {
		// etag: the original leaves it in the plan as it was and reports another.
		unknown(ctx, &resp.Plan, req.Config, &resp.Diagnostics, "version_id", "etag")
	}
}

func (r *s3ObjectResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var m s3ObjectModel
	if resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	m.Region = types.StringValue(r.clients.region(m.Region))
	m.ID = types.StringValue(m.Bucket.ValueString() + "/" + m.Key.ValueString())
	r.upload(ctx, &m, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

func (m *s3ObjectModel) body() ([]byte, error) {
	switch {
	case m.Source.ValueString() != "":
		return os.ReadFile(m.Source.ValueString())
	case m.Content.ValueString() != "":
		return []byte(m.Content.ValueString()), nil
	case m.ContentBase64.ValueString() != "":
		return base64.StdEncoding.DecodeString(m.ContentBase64.ValueString())
	}
	return []byte{}, nil
}

// cleanKey drops a leading "./" or "/" and doubled slashes, as the original.
func cleanKey(key string) string {
	key = strings.TrimLeft(strings.TrimPrefix(key, "./"), "/")
	for strings.Contains(key, "//") {
		key = strings.ReplaceAll(key, "//", "/")
	}
	return key
}

func (r *s3ObjectResource) upload(ctx context.Context, m *s3ObjectModel, diags *diag.Diagnostics) {
	body, err := m.body()
	if err != nil {
		diags.AddError(fmt.Sprintf("reading the content of S3 Object (%s): %s", m.ID.ValueString(), err), "")
		return
	}
	client, key := r.clients.s3(m.Region.ValueString()), cleanKey(m.Key.ValueString())
	in := &s3.PutObjectInput{
		Bucket:               m.Bucket.ValueStringPointer(),
		Key:                  &key,
		Body:                 bytes.NewReader(body),
		ACL:                  s3types.ObjectCannedACL(m.ACL.ValueString()),
		CacheControl:         nonEmpty(m.CacheControl),
		ChecksumAlgorithm:    s3types.ChecksumAlgorithm(m.ChecksumAlgorithm.ValueString()),
		ContentType:          nonEmpty(m.ContentType),
		Metadata:             stringMap(ctx, m.Metadata, diags),
		ServerSideEncryption: s3types.ServerSideEncryption(m.ServerSideEncryption.ValueString()),
		StorageClass:         s3types.StorageClass(m.StorageClass.ValueString()),
	}
	tags := url.Values{}
	for name, value := range r.allTags(ctx, m.Tags, diags) {
		tags.Set(name, value)
	}
	if len(tags) > 0 {
		in.Tagging = aws.String(tags.Encode())
	}
	if _, err := client.PutObject(ctx, in); err != nil {
		diags.AddError(fmt.Sprintf("uploading S3 Object (%s) to Bucket (%s): %s", key, m.Bucket.ValueString(), err), "")
		return
	}
	if !r.refresh(ctx, client, m, diags) && !diags.HasError() {
		diags.AddError(fmt.Sprintf("reading S3 Object (%s): couldn't find resource", m.ID.ValueString()), "")
	}
}

// refresh takes over what S3 reports; false when there is no such object.
func (r *s3ObjectResource) refresh(ctx context.Context, client *s3.Client, m *s3ObjectModel, diags *diag.Diagnostics) bool {
	key := cleanKey(m.Key.ValueString())
	out, err := client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: m.Bucket.ValueStringPointer(), Key: &key})
	if isStatus(err, http.StatusNotFound) {
		return false
	}
	if err != nil {
		diags.AddError(fmt.Sprintf("reading S3 Object (%s): %s", m.ID.ValueString(), err), "")
		return true
	}
	tags, err := client.GetObjectTagging(ctx, &s3.GetObjectTaggingInput{Bucket: m.Bucket.ValueStringPointer(), Key: &key})
	if err != nil {
		diags.AddError(fmt.Sprintf("listing tags for S3 Object (%s): %s", m.ID.ValueString(), err), "")
		return true
	}
	m.ARN = types.StringValue("arn:" + r.clients.partition.ID() + ":s3:::" + m.Bucket.ValueString() + "/" + key)
	if m.ACL.IsUnknown() {
		m.ACL = types.StringNull()
	}
	m.CacheControl = text(out.CacheControl, m.CacheControl)
	m.ContentType = types.StringPointerValue(out.ContentType)
	m.ETag = types.StringValue(strings.Trim(aws.ToString(out.ETag), `"`))
	m.ForceDestroy = types.BoolValue(m.ForceDestroy.ValueBool())
	if len(out.Metadata) > 0 || len(m.Metadata.Elements()) > 0 {
		m.Metadata = mapOf(ctx, out.Metadata, diags)
	}
	m.ServerSideEncryption = types.StringValue(string(out.ServerSideEncryption))
	m.StorageClass = types.StringValue("STANDARD") // S3 does not name its default
	if out.StorageClass != "" {
		m.StorageClass = types.StringValue(string(out.StorageClass))
	}
	m.VersionID = types.StringValue(aws.ToString(out.VersionId))
	reported := map[string]string{}
	for _, tag := range tags.TagSet {
		reported[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
	}
	m.Tags = r.ownTags(ctx, reported, m.Tags, diags)
	m.TagsAll = mapOf(ctx, reported, diags)
	return true
}

func (r *s3ObjectResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var m s3ObjectModel
	if resp.Diagnostics.Append(req.State.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	if m.Bucket.IsNull() { // after an import
		bucket, key, _ := strings.Cut(strings.TrimPrefix(m.ID.ValueString(), "s3://"), "/")
		m.Bucket, m.Key = types.StringValue(bucket), types.StringValue(key)
	}
	m.Region = types.StringValue(r.clients.region(m.Region))
	exists := r.refresh(ctx, r.clients.s3(m.Region.ValueString()), &m, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	if !exists {
		resp.State.RemoveResource(ctx)
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

func (r *s3ObjectResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var m s3ObjectModel
	if resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	client, key := r.clients.s3(m.Region.ValueString()), cleanKey(m.Key.ValueString())
	if changed(req.Plan.Raw, req.State.Raw, contentAttributes...) {
		r.upload(ctx, &m, &resp.Diagnostics)
	} else if changed(req.Plan.Raw, req.State.Raw, "tags_all") {
		in := &s3.PutObjectTaggingInput{Bucket: m.Bucket.ValueStringPointer(), Key: &key, Tagging: &s3types.Tagging{TagSet: []s3types.Tag{}}}
		for name, value := range stringMap(ctx, m.TagsAll, &resp.Diagnostics) {
			in.Tagging.TagSet = append(in.Tagging.TagSet, s3types.Tag{Key: &name, Value: &value})
		}
		if _, err := client.PutObjectTagging(ctx, in); err != nil {
			resp.Diagnostics.AddError(fmt.Sprintf("updating tags for S3 Object (%s): %s", m.ID.ValueString(), err), "")
		}
	}
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

func (r *s3ObjectResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var m s3ObjectModel
	if resp.Diagnostics.Append(req.State.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	client, key := r.clients.s3(r.clients.region(m.Region)), cleanKey(m.Key.ValueString())
	var err error
	if m.VersionID.ValueString() != "" {
		err = deleteVersions(ctx, client, m.Bucket.ValueString(), key)
	} else {
		_, err = client.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: m.Bucket.ValueStringPointer(), Key: &key})
	}
	if err != nil && !isCode(err, "NoSuchBucket") && !isCode(err, "NoSuchKey") {
		resp.Diagnostics.AddError(fmt.Sprintf("deleting S3 Bucket (%s) Object (%s): %s", m.Bucket.ValueString(), key, err), "")
	}
}

func (r *s3ObjectResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	resource.ImportStatePassthroughID(ctx, path.Root("id"), req, resp)
}
