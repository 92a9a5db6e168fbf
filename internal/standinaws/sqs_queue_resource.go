// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package standinaws

import (
	"context"
	"fmt"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/boolplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64default"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// sqsQueueResource is aws_sqs_queue, as far as an event source needs it.
type sqsQueueResource struct{ configuredResource }

var (
	_ resource.ResourceWithConfigure   = (*sqsQueueResource)(nil)
	_ resource.ResourceWithImportState = (*sqsQueueResource)(nil)
	_ resource.ResourceWithModifyPlan  = (*sqsQueueResource)(nil)
)

func newSQSQueueResource() resource.Resource { return &sqsQueueResource{} }

type sqsQueueModel struct {
	ID                types.String `tfsdk:"id"`
	ARN               types.String `tfsdk:"arn"`
	URL               types.String `tfsdk:"url"`
	Name              types.String `tfsdk:"name"`
	NamePrefix        types.String `tfsdk:"name_prefix"`
	Region            types.String `tfsdk:"region"`
	FIFOQueue         types.Bool   `tfsdk:"fifo_queue"`
	VisibilityTimeout types.Int64  `tfsdk:"visibility_timeout_seconds"`
	MessageRetention  types.Int64  `tfsdk:"message_retention_seconds"`
	ReceiveWaitTime   types.Int64  `tfsdk:"receive_wait_time_seconds"`
	RedrivePolicy     types.String `tfsdk:"redrive_policy"`
	Tags              types.Map    `tfsdk:"tags"`
	TagsAll           types.Map    `tfsdk:"tags_all"`
}

func (r *sqsQueueResource) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = "aws_sqs_queue"
}

func (r *sqsQueueResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{Attributes: tagAttributes(map[string]schema.Attribute{
		"id":                         computedString(),
		"arn":                        computedString(),
		"url":                        computedString(),
		"name":                       optionalComputedReplacingString(),
		"name_prefix":                optionalReplacingString(),
		"region":                     regionAttribute(),
		"fifo_queue":                 schema.BoolAttribute{Optional: true, PlanModifiers: []planmodifier.Bool{boolplanmodifier.RequiresReplace()}},
		"visibility_timeout_seconds": schema.Int64Attribute{Optional: true, Computed: true, Default: int64default.StaticInt64(30)},
		"message_retention_seconds":  schema.Int64Attribute{Optional: true, Computed: true, Default: int64default.StaticInt64(345600)},
		"receive_wait_time_seconds":  schema.Int64Attribute{Optional: true, Computed: true, Default: int64default.StaticInt64(0)},
		"redrive_policy":             optionalString(),
	})}
}

func (r *sqsQueueResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	r.planTagsAll(ctx, req, resp)
}

func (m *sqsQueueModel) attributes() map[string]string {
	out := map[string]string{
		"VisibilityTimeout":             strconv.FormatInt(m.VisibilityTimeout.ValueInt64(), 10),
		"MessageRetentionPeriod":        strconv.FormatInt(m.MessageRetention.ValueInt64(), 10),
		"ReceiveMessageWaitTimeSeconds": strconv.FormatInt(m.ReceiveWaitTime.ValueInt64(), 10),
		"RedrivePolicy":                 m.RedrivePolicy.ValueString(),
	}
	return out
}

func (r *sqsQueueResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var m sqsQueueModel
	if resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	m.Region = types.StringValue(r.clients.region(m.Region))
	client := r.clients.sqs(m.Region.ValueString())
	m.Name = types.StringValue(generatedName(m.Name, m.NamePrefix))
	in := &sqs.CreateQueueInput{
		QueueName: m.Name.ValueStringPointer(), Attributes: m.attributes(), Tags: r.allTags(ctx, m.Tags, &resp.Diagnostics),
	}
	if m.FIFOQueue.ValueBool() {
		in.Attributes["FifoQueue"] = "true"
	}
	if m.RedrivePolicy.ValueString() == "" {
		delete(in.Attributes, "RedrivePolicy")
	}
	out, err := client.CreateQueue(ctx, in)
	if err != nil {
		resp.Diagnostics.AddError(fmt.Sprintf("creating SQS Queue (%s): %s", m.Name.ValueString(), err), "")
		return
	}
	m.ID, m.URL = types.StringPointerValue(out.QueueUrl), types.StringPointerValue(out.QueueUrl)
	if !r.refresh(ctx, client, &m, &resp.Diagnostics) && !resp.Diagnostics.HasError() {
		resp.Diagnostics.AddError(fmt.Sprintf("reading SQS Queue (%s): couldn't find resource", m.ID.ValueString()), "")
	}
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

// refresh takes over what SQS reports; false when there is no such queue.
func (r *sqsQueueResource) refresh(ctx context.Context, client *sqs.Client, m *sqsQueueModel, diags *diag.Diagnostics) bool {
	out, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: m.ID.ValueStringPointer(), AttributeNames: []sqstypes.QueueAttributeName{sqstypes.QueueAttributeNameAll},
	})
	if isCode(err, "QueueDoesNotExist") || isCode(err, "AWS.SimpleQueueService.NonExistentQueue") {
		return false
	}
	if err != nil {
		diags.AddError(fmt.Sprintf("reading SQS Queue (%s): %s", m.ID.ValueString(), err), "")
		return true
	}
	tags, err := client.ListQueueTags(ctx, &sqs.ListQueueTagsInput{QueueUrl: m.ID.ValueStringPointer()})
	if err != nil {
		diags.AddError(fmt.Sprintf("listing tags for SQS Queue (%s): %s", m.ID.ValueString(), err), "")
		return true
	}
	m.URL = m.ID
	m.ARN = types.StringValue(out.Attributes["QueueArn"])
	for name, target := range map[string]*types.Int64{
		"VisibilityTimeout": &m.VisibilityTimeout, "MessageRetentionPeriod": &m.MessageRetention, "ReceiveMessageWaitTimeSeconds": &m.ReceiveWaitTime,
	} {
		n, err := strconv.ParseInt(out.Attributes[name], 10, 64)
		if err != nil {
			diags.AddError(fmt.Sprintf("reading SQS Queue (%s): %s: %s", m.ID.ValueString(), name, err), "")
		}
		*target = types.Int64Value(n)
	}
	if policy := out.Attributes["RedrivePolicy"]; policy != "" || m.RedrivePolicy.ValueString() != "" {
		m.RedrivePolicy = samePolicy(policy, m.RedrivePolicy)
	}
	m.Tags = r.ownTags(ctx, tags.Tags, m.Tags, diags)
	m.TagsAll = mapOf(ctx, tags.Tags, diags)
	return true
}

func (r *sqsQueueResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var m sqsQueueModel
	if resp.Diagnostics.Append(req.State.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	m.Region = types.StringValue(r.clients.region(m.Region))
	exists := r.refresh(ctx, r.clients.sqs(m.Region.ValueString()), &m, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	if !exists {
		resp.State.RemoveResource(ctx)
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

func (r *sqsQueueResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var m, state sqsQueueModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	client, url := r.clients.sqs(m.Region.ValueString()), state.ID.ValueStringPointer()
	if _, err := client.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{QueueUrl: url, Attributes: m.attributes()}); err != nil {
		resp.Diagnostics.AddError(fmt.Sprintf("updating SQS Queue (%s): %s", *url, err), "")
		return
	}
	remove, set := tagDifference(stringMap(ctx, state.TagsAll, &resp.Diagnostics), stringMap(ctx, m.TagsAll, &resp.Diagnostics))
	var err error
	if len(remove) > 0 {
		_, err = client.UntagQueue(ctx, &sqs.UntagQueueInput{QueueUrl: url, TagKeys: remove})
	}
	if err == nil && len(set) > 0 {
		_, err = client.TagQueue(ctx, &sqs.TagQueueInput{QueueUrl: url, Tags: set})
	}
	if err != nil {
		resp.Diagnostics.AddError(fmt.Sprintf("updating tags for SQS Queue (%s): %s", *url, err), "")
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

func (r *sqsQueueResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var m sqsQueueModel
	if resp.Diagnostics.Append(req.State.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	_, err := r.clients.sqs(r.clients.region(m.Region)).DeleteQueue(ctx, &sqs.DeleteQueueInput{QueueUrl: m.ID.ValueStringPointer()})
	if err != nil && !isCode(err, "QueueDoesNotExist") && !isCode(err, "AWS.SimpleQueueService.NonExistentQueue") {
		resp.Diagnostics.AddError(fmt.Sprintf("deleting SQS Queue (%s): %s", m.ID.ValueString(), err), "")
	}
}

func (r *sqsQueueResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	resource.ImportStatePassthroughID(ctx, path.Root("id"), req, resp)
}
