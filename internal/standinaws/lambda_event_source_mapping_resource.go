// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package standinaws

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// lambdaEventSourceMappingResource is aws_lambda_event_source_mapping. Its
// `enabled` is what keeps a queue's messages away from a placeholder.
type lambdaEventSourceMappingResource struct{ configuredResource }

var (
	_ resource.ResourceWithConfigure   = (*lambdaEventSourceMappingResource)(nil)
	_ resource.ResourceWithImportState = (*lambdaEventSourceMappingResource)(nil)
	_ resource.ResourceWithModifyPlan  = (*lambdaEventSourceMappingResource)(nil)
)

func newLambdaEventSourceMappingResource() resource.Resource {
	return &lambdaEventSourceMappingResource{}
}

type lambdaEventSourceMappingModel struct {
	ID                    types.String `tfsdk:"id"`
	ARN                   types.String `tfsdk:"arn"`
	UUID                  types.String `tfsdk:"uuid"`
	Region                types.String `tfsdk:"region"`
	FunctionName          types.String `tfsdk:"function_name"`
	FunctionARN           types.String `tfsdk:"function_arn"`
	EventSourceARN        types.String `tfsdk:"event_source_arn"`
	Enabled               types.Bool   `tfsdk:"enabled"`
	BatchSize             types.Int64  `tfsdk:"batch_size"`
	BatchingWindow        types.Int64  `tfsdk:"maximum_batching_window_in_seconds"`
	MaximumRecordAge      types.Int64  `tfsdk:"maximum_record_age_in_seconds"`
	MaximumRetryAttempts  types.Int64  `tfsdk:"maximum_retry_attempts"`
	BisectBatch           types.Bool   `tfsdk:"bisect_batch_on_function_error"`
	FunctionResponseTypes types.Set    `tfsdk:"function_response_types"`
	StartingPosition      types.String `tfsdk:"starting_position"`
	LastModified          types.String `tfsdk:"last_modified"`
	State                 types.String `tfsdk:"state"`
	StateTransitionReason types.String `tfsdk:"state_transition_reason"`
	Tags                  types.Map    `tfsdk:"tags"`
	TagsAll               types.Map    `tfsdk:"tags_all"`
}

func (r *lambdaEventSourceMappingResource) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = "aws_lambda_event_source_mapping"
}

func (r *lambdaEventSourceMappingResource) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{Attributes: tagAttributes(map[string]schema.Attribute{
		"id":                                 computedString(),
		"arn":                                computedString(),
		"uuid":                               computedString(),
		"region":                             regionAttribute(),
		"function_name":                      requiredString(),
		"function_arn":                       computedString(),
		"event_source_arn":                   replacingString(),
		"enabled":                            schema.BoolAttribute{Optional: true, Computed: true, Default: booldefault.StaticBool(true)},
		"batch_size":                         optionalComputedInt(),
		"maximum_batching_window_in_seconds": optionalInt(),
		"maximum_record_age_in_seconds":      optionalComputedInt(),
		"maximum_retry_attempts":             optionalComputedInt(),
		"bisect_batch_on_function_error":     optionalBool(),
		"function_response_types":            schema.SetAttribute{Optional: true, ElementType: types.StringType},
		"starting_position":                  optionalReplacingString(),
		"last_modified":                      computedString(),
		"state":                              computedString(),
		"state_transition_reason":            computedString(),
	})}
}

func (r *lambdaEventSourceMappingResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	r.planTagsAll(ctx, req, resp)
	if req.Plan.Raw.IsNull() || req.State.Raw.IsNull() || resp.Plan.Raw.Equal(req.State.Raw) {
		return
	}
	unknown(ctx, &resp.Plan, req.Config, &resp.Diagnostics, "state", "state_transition_reason", "last_modified", "function_arn")
}

func (r *lambdaEventSourceMappingResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var m lambdaEventSourceMappingModel
	if resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	m.Region = types.StringValue(r.clients.region(m.Region))
	client := r.clients.lambda(m.Region.ValueString())
	in := &lambda.CreateEventSourceMappingInput{
		FunctionName:                   m.FunctionName.ValueStringPointer(),
		EventSourceArn:                 m.EventSourceARN.ValueStringPointer(),
		Enabled:                        m.Enabled.ValueBoolPointer(),
		BatchSize:                      optionalInt32(m.BatchSize),
		MaximumBatchingWindowInSeconds: optionalInt32(m.BatchingWindow),
		MaximumRecordAgeInSeconds:      optionalInt32(m.MaximumRecordAge),
		MaximumRetryAttempts:           optionalInt32(m.MaximumRetryAttempts),
		BisectBatchOnFunctionError:     m.BisectBatch.ValueBoolPointer(),
		FunctionResponseTypes:          m.responseTypes(ctx, &resp.Diagnostics),
		StartingPosition:               lambdatypes.EventSourcePosition(m.StartingPosition.ValueString()),
		Tags:                           r.allTags(ctx, m.Tags, &resp.Diagnostics),
	}
	out, err := retried(ctx, func() (*lambda.CreateEventSourceMappingOutput, error) {
		return client.CreateEventSourceMapping(ctx, in)
	}, isMappingSettling)
	if err != nil {
		resp.Diagnostics.AddError(fmt.Sprintf("creating Lambda Event Source Mapping (%s): %s", m.EventSourceARN.ValueString(), err), "")
		return
	}
	m.ID = types.StringPointerValue(out.UUID)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("id"), m.ID)...)
	r.settle(ctx, client, &m, "create", &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

func isMappingSettling(err error) bool {
	invalid, ok := errors.AsType[*lambdatypes.InvalidParameterValueException](err)
	return ok && (strings.Contains(invalid.ErrorMessage(), "cannot be assumed by Lambda") ||
		strings.Contains(invalid.ErrorMessage(), "execution role does not have permissions") ||
		strings.Contains(invalid.ErrorMessage(), "ensure the role can perform"))
}

func optionalInt32(n types.Int64) *int32 {
	if n.IsNull() || n.IsUnknown() {
		return nil
	}
	return int32Of(n)
}

func (m *lambdaEventSourceMappingModel) responseTypes(ctx context.Context, diags *diag.Diagnostics) []lambdatypes.FunctionResponseType {
	var plain []string
	if !m.FunctionResponseTypes.IsNull() {
		diags.Append(m.FunctionResponseTypes.ElementsAs(ctx, &plain, false)...)
	}
	var out []lambdatypes.FunctionResponseType
	for _, t := range plain {
		out = append(out, lambdatypes.FunctionResponseType(t))
	}
	return out
}

// settle waits until the mapping is enabled or disabled and reads it.
func (r *lambdaEventSourceMappingResource) settle(ctx context.Context, client *lambda.Client, m *lambdaEventSourceMappingModel, what string, diags *diag.Diagnostics) {
	err := until(ctx, 10*time.Minute, func() (bool, error) {
		out, err := client.GetEventSourceMapping(ctx, &lambda.GetEventSourceMappingInput{UUID: m.ID.ValueStringPointer()})
		if err != nil {
			return false, err
		}
		if state := aws.ToString(out.State); state != "Enabled" && state != "Disabled" {
			return false, nil
		}
		r.fill(ctx, client, m, out, diags)
		return true, nil
	})
	if err != nil {
		diags.AddError(fmt.Sprintf("waiting for Lambda Event Source Mapping (%s) %s: %s", m.ID.ValueString(), what, err), "")
	}
}

func (r *lambdaEventSourceMappingResource) fill(ctx context.Context, client *lambda.Client, m *lambdaEventSourceMappingModel, out *lambda.GetEventSourceMappingOutput, diags *diag.Diagnostics) {
	m.UUID = types.StringPointerValue(out.UUID)
	m.ARN = types.StringPointerValue(out.EventSourceMappingArn)
	m.FunctionARN = types.StringPointerValue(out.FunctionArn)
	if !sameFunction(m.FunctionName.ValueString(), aws.ToString(out.FunctionArn)) {
		m.FunctionName = types.StringPointerValue(out.FunctionArn)
	}
	m.EventSourceARN = types.StringPointerValue(out.EventSourceArn)
	switch aws.ToString(out.State) {
	case "Enabled", "Enabling":
		m.Enabled = types.BoolValue(true)
	case "Disabled", "Disabling":
		m.Enabled = types.BoolValue(false)
	}
	m.BatchSize = int64Of(out.BatchSize)
	if aws.ToInt32(out.MaximumBatchingWindowInSeconds) != 0 || !m.BatchingWindow.IsNull() {
		m.BatchingWindow = int64Of(out.MaximumBatchingWindowInSeconds)
	}
	m.MaximumRecordAge = int64Of(out.MaximumRecordAgeInSeconds)
	m.MaximumRetryAttempts = int64Of(out.MaximumRetryAttempts)
	if aws.ToBool(out.BisectBatchOnFunctionError) || !m.BisectBatch.IsNull() {
		m.BisectBatch = types.BoolValue(aws.ToBool(out.BisectBatchOnFunctionError))
	}
	if len(out.FunctionResponseTypes) > 0 || len(m.FunctionResponseTypes.Elements()) > 0 {
		set, d := types.SetValueFrom(ctx, types.StringType, out.FunctionResponseTypes)
		diags.Append(d...)
		m.FunctionResponseTypes = set
	}
	m.StartingPosition = text(aws.String(string(out.StartingPosition)), m.StartingPosition)
	m.LastModified = types.StringValue(aws.ToTime(out.LastModified).UTC().Format(time.RFC3339))
	m.State = types.StringPointerValue(out.State)
	m.StateTransitionReason = types.StringValue(aws.ToString(out.StateTransitionReason))

	tags, err := client.ListTags(ctx, &lambda.ListTagsInput{Resource: out.EventSourceMappingArn})
	if err != nil {
		diags.AddError(fmt.Sprintf("listing tags for Lambda Event Source Mapping (%s): %s", m.ID.ValueString(), err), "")
		return
	}
	m.Tags = r.ownTags(ctx, tags.Tags, m.Tags, diags)
	m.TagsAll = mapOf(ctx, tags.Tags, diags)
}

// sameFunction compares a configured name or ARN with a reported ARN.
func sameFunction(configured, arn string) bool {
	return configured == arn || strings.HasSuffix(arn, ":function:"+configured)
}

func (r *lambdaEventSourceMappingResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var m lambdaEventSourceMappingModel
	if resp.Diagnostics.Append(req.State.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	m.Region = types.StringValue(r.clients.region(m.Region))
	client := r.clients.lambda(m.Region.ValueString())
	out, err := client.GetEventSourceMapping(ctx, &lambda.GetEventSourceMappingInput{UUID: m.ID.ValueStringPointer()})
	if isNoLambda(err) {
		resp.State.RemoveResource(ctx)
		return
	}
	if err != nil {
		resp.Diagnostics.AddError(fmt.Sprintf("reading Lambda Event Source Mapping (%s): %s", m.ID.ValueString(), err), "")
		return
	}
	r.fill(ctx, client, &m, out, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

func (r *lambdaEventSourceMappingResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var m, state lambdaEventSourceMappingModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	if resp.Diagnostics.HasError() {
		return
	}
	m.ID, m.Region = state.ID, types.StringValue(r.clients.region(state.Region))
	client := r.clients.lambda(m.Region.ValueString())
	in := &lambda.UpdateEventSourceMappingInput{
		UUID:                           m.ID.ValueStringPointer(),
		FunctionName:                   m.FunctionName.ValueStringPointer(),
		Enabled:                        m.Enabled.ValueBoolPointer(),
		BatchSize:                      optionalInt32(m.BatchSize),
		MaximumBatchingWindowInSeconds: optionalInt32(m.BatchingWindow),
		BisectBatchOnFunctionError:     m.BisectBatch.ValueBoolPointer(),
		FunctionResponseTypes:          m.responseTypes(ctx, &resp.Diagnostics),
	}
	_, err := retried(ctx, func() (*lambda.UpdateEventSourceMappingOutput, error) {
		return client.UpdateEventSourceMapping(ctx, in)
	}, isMappingSettling)
	if err != nil {
		resp.Diagnostics.AddError(fmt.Sprintf("updating Lambda Event Source Mapping (%s): %s", m.ID.ValueString(), err), "")
		return
	}
	remove, set := tagDifference(stringMap(ctx, state.TagsAll, &resp.Diagnostics), stringMap(ctx, m.TagsAll, &resp.Diagnostics))
	if err := tagLambda(ctx, client, state.ARN.ValueString(), remove, set); err != nil {
		resp.Diagnostics.AddError(fmt.Sprintf("updating tags for Lambda Event Source Mapping (%s): %s", m.ID.ValueString(), err), "")
		return
	}
	r.settle(ctx, client, &m, "update", &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

func (r *lambdaEventSourceMappingResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var m lambdaEventSourceMappingModel
	if resp.Diagnostics.Append(req.State.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	client := r.clients.lambda(r.clients.region(m.Region))
	_, err := retried(ctx, func() (*lambda.DeleteEventSourceMappingOutput, error) {
		return client.DeleteEventSourceMapping(ctx, &lambda.DeleteEventSourceMappingInput{UUID: m.ID.ValueStringPointer()})
	}, func(err error) bool {
		_, busy := errors.AsType[*lambdatypes.ResourceInUseException](err)
		return busy
	})
	if isNoLambda(err) {
		return
	}
	if err == nil {
		err = until(ctx, 5*time.Minute, func() (bool, error) {
			_, err := client.GetEventSourceMapping(ctx, &lambda.GetEventSourceMappingInput{UUID: m.ID.ValueStringPointer()})
			if isNoLambda(err) {
				return true, nil
			}
			return false, err
		})
	}
	if err != nil {
		resp.Diagnostics.AddError(fmt.Sprintf("deleting Lambda Event Source Mapping (%s): %s", m.ID.ValueString(), err), "")
	}
}

func (r *lambdaEventSourceMappingResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	resource.ImportStatePassthroughID(ctx, path.Root("id"), req, resp)
}

func isNoLambda(err error) bool {
	_, gone := errors.AsType[*lambdatypes.ResourceNotFoundException](err)
	return gone
}

// tagLambda applies a difference of tags to a function or a mapping.
func tagLambda(ctx context.Context, client *lambda.Client, arn string, remove []string, set map[string]string) error {
	if len(remove) > 0 {
		if _, err := client.UntagResource(ctx, &lambda.UntagResourceInput{Resource: &arn, TagKeys: remove}); err != nil {
			return err
		}
	}
	if len(set) > 0 {
		_, err := client.TagResource(ctx, &lambda.TagResourceInput{Resource: &arn, Tags: set})
		return err
	}
	return nil
}
