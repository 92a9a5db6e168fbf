// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package standinaws

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// Update works in the original's order: configuration, code, concurrency, a new
// version, tags. On an error the state keeps what it held, so that the next plan
// shows the change again.
func (r *lambdaFunctionResource) Update(ctx context.Context, req resource.UpdateRequest, resp *resource.UpdateResponse) {
	var plan, state lambdaFunctionModel
	resp.Diagnostics.Append(req.Plan.Get(ctx, &plan)...)
	resp.Diagnostics.Append(req.State.Get(ctx, &state)...)
	limit, d := plan.Timeouts.Update(ctx, 10*time.Minute)
	if resp.Diagnostics.Append(d...); resp.Diagnostics.HasError() {
		return
	}
	plan.ID, plan.Region = state.ID, types.StringValue(r.clients.region(state.Region))
	client, name := r.clients.lambda(plan.Region.ValueString()), state.ID.ValueString()
	differs := func(names ...string) bool { return changed(req.Plan.Raw, req.State.Raw, names...) }

	config, code := differs(configAttributes...), differs(codeAttributes...)
	if config {
		r.updateConfiguration(ctx, client, &plan, differs, limit, &resp.Diagnostics)
	}
	if code && !resp.Diagnostics.HasError() {
		r.updateCode(ctx, client, &plan, differs, limit, &resp.Diagnostics)
	}
	if resp.Diagnostics.HasError() {
		return
	}
	if differs("reserved_concurrent_executions") {
		if err := updateConcurrency(ctx, client, name, plan.ReservedConcurrentExecutions.ValueInt64()); err != nil {
			resp.Diagnostics.AddError(fmt.Sprintf("setting Lambda Function (%s) concurrency: %s", name, err), "")
			return
		}
	}
	if plan.Publish.ValueBool() && (config || code || differs("publish")) {
		_, err := retried(ctx, func() (*lambda.PublishVersionOutput, error) {
			return client.PublishVersion(ctx, &lambda.PublishVersionInput{FunctionName: &name})
		}, isInProgress)
		if err != nil {
			resp.Diagnostics.AddError(fmt.Sprintf("publishing Lambda Function (%s) version: %s", name, err), "")
			return
		}
	}
	if differs("tags_all") {
		if err := r.updateTags(ctx, client, &plan, &state, &resp.Diagnostics); err != nil {
			resp.Diagnostics.AddError(fmt.Sprintf("updating tags for Lambda Function (%s): %s", name, err), "")
			return
		}
	}

	planned := plan
	if !r.refresh(ctx, client, &plan, &resp.Diagnostics) && !resp.Diagnostics.HasError() {
		resp.Diagnostics.AddError(fmt.Sprintf("reading Lambda Function (%s): couldn't find resource", name), "")
	}
	if resp.Diagnostics.HasError() {
		return
	}
	plan.keepPlanned(&planned)
	resp.Diagnostics.Append(resp.State.Set(ctx, &plan)...)
}

// keepPlanned puts back the computed values that were known in the plan: a
// pipeline may have published a version meanwhile, which is for the next refresh
// to find.
func (m *lambdaFunctionModel) keepPlanned(planned *lambdaFunctionModel) {
	for _, pair := range []struct{ now, before *types.String }{
		{&m.Version, &planned.Version},
		{&m.QualifiedARN, &planned.QualifiedARN},
		{&m.QualifiedInvokeARN, &planned.QualifiedInvokeARN},
		{&m.LastModified, &planned.LastModified},
		{&m.CodeSHA256, &planned.CodeSHA256},
		{&m.ImageURI, &planned.ImageURI},
	} {
		if !pair.before.IsUnknown() {
			*pair.now = *pair.before
		}
	}
	if !planned.SourceCodeSize.IsUnknown() {
		m.SourceCodeSize = planned.SourceCodeSize
	}
}

func (r *lambdaFunctionResource) updateConfiguration(ctx context.Context, client *lambda.Client, m *lambdaFunctionModel, differs func(...string) bool, limit time.Duration, diags *diag.Diagnostics) {
	name := m.ID.ValueString()
	in := m.configurationInput(ctx, differs, diags)
	if diags.HasError() {
		return
	}
	_, err := retried(ctx, func() (*lambda.UpdateFunctionConfigurationOutput, error) {
		return client.UpdateFunctionConfiguration(ctx, in)
	}, isSettling)
	if err != nil {
		diags.AddError(fmt.Sprintf("updating Lambda Function (%s) configuration: %s", name, err), "")
		return
	}
	if err := waitUpdated(ctx, client, name, limit); err != nil {
		diags.AddError(fmt.Sprintf("waiting for Lambda Function (%s) configuration update: %s", name, err), "")
	}
}

func (r *lambdaFunctionResource) updateCode(ctx context.Context, client *lambda.Client, m *lambdaFunctionModel, differs func(...string) bool, limit time.Duration, diags *diag.Diagnostics) {
	name := m.ID.ValueString()
	in := &lambda.UpdateFunctionCodeInput{FunctionName: &name}
	if differs("architectures") {
		for _, architecture := range stringList(ctx, m.Architectures, diags) {
			in.Architectures = append(in.Architectures, lambdatypes.Architecture(architecture))
		}
	}
	switch {
	case m.Filename.ValueString() != "":
		r.clients.lambdaMutex.Lock()
		defer r.clients.lambdaMutex.Unlock()
		in.ZipFile = readZip(m.Filename.ValueString(), diags)
	case m.ImageURI.ValueString() != "":
		in.ImageUri = m.ImageURI.ValueStringPointer()
	default:
		in.S3Bucket = m.S3Bucket.ValueStringPointer()
		in.S3Key = m.S3Key.ValueStringPointer()
		in.S3ObjectVersion = nonEmpty(m.S3ObjectVersion)
	}
	in.SourceKMSKeyArn = nonEmpty(m.SourceKMSKeyARN)
	if diags.HasError() {
		return
	}
	// Neither a missing image nor a conflict is retried here.
	if _, err := client.UpdateFunctionCode(ctx, in); err != nil {
		diags.AddError(fmt.Sprintf("updating Lambda Function (%s) code: %s", name, err), "")
		return
	}
	if err := waitUpdated(ctx, client, name, limit); err != nil {
		diags.AddError(fmt.Sprintf("waiting for Lambda Function (%s) code update: %s", name, err), "")
	}
}

func updateConcurrency(ctx context.Context, client *lambda.Client, name string, n int64) error {
	if n >= 0 {
		return putConcurrency(ctx, client, name, n)
	}
	_, err := client.DeleteFunctionConcurrency(ctx, &lambda.DeleteFunctionConcurrencyInput{FunctionName: &name})
	return err
}

func (r *lambdaFunctionResource) updateTags(ctx context.Context, client *lambda.Client, plan, state *lambdaFunctionModel, diags *diag.Diagnostics) error {
	remove, set := tagDifference(stringMap(ctx, state.TagsAll, diags), stringMap(ctx, plan.TagsAll, diags))
	return tagLambda(ctx, client, state.ARN.ValueString(), remove, set)
}

func nonEmpty(s types.String) *string {
	if s.ValueString() == "" {
		return nil
	}
	return aws.String(s.ValueString())
}
