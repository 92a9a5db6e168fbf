// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package standinaws

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/types"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
)

// lambdaFunctionResource is aws_lambda_function: the reason for this provider.
// What of it decides whether a placeholder works is listed in the package's
// documentation.
type lambdaFunctionResource struct{ configuredResource }

var (
	_ resource.ResourceWithConfigure   = (*lambdaFunctionResource)(nil)
	_ resource.ResourceWithImportState = (*lambdaFunctionResource)(nil)
	_ resource.ResourceWithModifyPlan  = (*lambdaFunctionResource)(nil)
)

func newLambdaFunctionResource() resource.Resource { return &lambdaFunctionResource{} }

func (r *lambdaFunctionResource) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = "aws_lambda_function"
}

// ModifyPlan decides which computed attributes a change makes unknown.
func (r *lambdaFunctionResource) ModifyPlan(ctx context.Context, req resource.ModifyPlanRequest, resp *resource.ModifyPlanResponse) {
	if req.Plan.Raw.IsNull() {
		return
	}
	r.planTagsAll(ctx, req, resp)
	planned := resp.Plan.Raw
	if equalsText(planned, "package_type", "Zip") && (isMissing(planned, "handler") || isMissing(planned, "runtime")) {
		resp.Diagnostics.AddError("handler and runtime must be set when PackageType is Zip", "")
		return
	}
	if req.State.Raw.IsNull() {
		return
	}

	code := changed(planned, req.State.Raw, codeAttributes...)
	config := changed(planned, req.State.Raw, configAttributes...)
	publish := changed(planned, req.State.Raw, "publish")
	if code {
		unknown(ctx, &resp.Plan, req.Config, &resp.Diagnostics, "code_sha256", "source_code_size")
	}
	if code || config {
		unknown(ctx, &resp.Plan, req.Config, &resp.Diagnostics, "last_modified")
	}
	if equalsBool(planned, "publish", true) && (code || config || publish) {
		unknown(ctx, &resp.Plan, req.Config, &resp.Diagnostics, "version", "qualified_arn", "qualified_invoke_arn", "last_modified")
	}
}

func isMissing(object tftypes.Value, name string) bool {
	value, err := tftypesAttribute(object, name)
	return err == nil && isZero(value)
}

func equalsText(object tftypes.Value, name, want string) bool {
	value, err := tftypesAttribute(object, name)
	return err == nil && value.Equal(tftypes.NewValue(tftypes.String, want))
}

func equalsBool(object tftypes.Value, name string, want bool) bool {
	value, err := tftypesAttribute(object, name)
	return err == nil && value.Equal(tftypes.NewValue(tftypes.Bool, want))
}

func (r *lambdaFunctionResource) Create(ctx context.Context, req resource.CreateRequest, resp *resource.CreateResponse) {
	var m lambdaFunctionModel
	if resp.Diagnostics.Append(req.Plan.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	limit, d := m.Timeouts.Create(ctx, 10*time.Minute)
	if resp.Diagnostics.Append(d...); resp.Diagnostics.HasError() {
		return
	}
	region := r.clients.region(m.Region)
	client, name := r.clients.lambda(region), m.FunctionName.ValueString()

	in := m.createInput(ctx, &resp.Diagnostics)
	in.Tags = r.allTags(ctx, m.Tags, &resp.Diagnostics)
	if m.Filename.ValueString() != "" {
		r.clients.lambdaMutex.Lock()
		defer r.clients.lambdaMutex.Unlock()
		in.Code.ZipFile = readZip(m.Filename.ValueString(), &resp.Diagnostics)
	}
	if resp.Diagnostics.HasError() {
		return
	}
	_, err := retried(ctx, func() (*lambda.CreateFunctionOutput, error) { return client.CreateFunction(ctx, in) }, isSettling)
	if err != nil {
		resp.Diagnostics.AddError(fmt.Sprintf("creating Lambda Function (%s): %s", name, err), "")
		return
	}

	// From here on the function exists: an error leaves it tainted in the state.
	m.ID, m.Region = m.FunctionName, types.StringValue(region)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("id"), m.ID)...)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("function_name"), m.FunctionName)...)
	resp.Diagnostics.Append(resp.State.SetAttribute(ctx, path.Root("region"), m.Region)...)
	if err := waitCreated(ctx, client, name, limit); err != nil {
		resp.Diagnostics.AddError(fmt.Sprintf("waiting for Lambda Function (%s) create: %s", name, err), "")
		return
	}
	if n := m.ReservedConcurrentExecutions.ValueInt64(); n >= 0 {
		if err := putConcurrency(ctx, client, name, n); err != nil {
			resp.Diagnostics.AddError(fmt.Sprintf("setting Lambda Function (%s) concurrency: %s", name, err), "")
			return
		}
	}
	if !r.refresh(ctx, client, &m, &resp.Diagnostics) && !resp.Diagnostics.HasError() {
		resp.Diagnostics.AddError(fmt.Sprintf("reading Lambda Function (%s): couldn't find resource", name), "")
	}
	if resp.Diagnostics.HasError() {
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

// isSettling tells the errors after which a create or a configuration update is
// tried again: IAM has not spread a role yet, or another update is under way. A
// missing image is not among them.
// Source: the original's retryFunctionOp. It retries every conflict, a name that
// is taken included, for five minutes; here only one that passes.
func isSettling(err error) bool {
	if invalid, ok := errors.AsType[*lambdatypes.InvalidParameterValueException](err); ok {
		for _, passing := range []string{
			"The role defined for the function cannot be assumed by Lambda",
			"The provided execution role does not have permissions",
			"throttled by EC2",
			"Lambda was unable to configure access to your environment variables because the KMS key is invalid for CreateGrant",
		} {
			if strings.Contains(invalid.ErrorMessage(), passing) {
				return true
			}
		}
	}
	return isInProgress(err)
}

func isInProgress(err error) bool {
	conflict, ok := errors.AsType[*lambdatypes.ResourceConflictException](err)
	return ok && strings.Contains(conflict.ErrorMessage(), "in progress")
}

func readZip(name string, diags *diag.Diagnostics) []byte {
	content, err := os.ReadFile(name) // #nosec G304 -- the user's own file, as in the original
	if err != nil {
		diags.AddError(fmt.Sprintf("reading ZIP file (%s): %s", name, err), "")
	}
	return content
}

func putConcurrency(ctx context.Context, client *lambda.Client, name string, n int64) error {
	_, err := client.PutFunctionConcurrency(ctx, &lambda.PutFunctionConcurrencyInput{
		FunctionName: &name, ReservedConcurrentExecutions: aws.Int32(int32(n)), // #nosec G115 -- far below 2^31
	})
	return err
}

func (r *lambdaFunctionResource) Read(ctx context.Context, req resource.ReadRequest, resp *resource.ReadResponse) {
	var m lambdaFunctionModel
	if resp.Diagnostics.Append(req.State.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	m.Region = types.StringValue(r.clients.region(m.Region))
	exists := r.refresh(ctx, r.clients.lambda(m.Region.ValueString()), &m, &resp.Diagnostics)
	if resp.Diagnostics.HasError() {
		return
	}
	if !exists {
		resp.State.RemoveResource(ctx)
		return
	}
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

// refresh takes over what Lambda reports; it returns false when there is no such
// function.
func (r *lambdaFunctionResource) refresh(ctx context.Context, client *lambda.Client, m *lambdaFunctionModel, diags *diag.Diagnostics) bool {
	name := m.ID.ValueString()
	out, err := client.GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: &name})
	if isNoLambda(err) {
		return false
	}
	if err != nil {
		diags.AddError(fmt.Sprintf("reading Lambda Function (%s): %s", name, err), "")
		return true
	}
	latest, err := latestVersion(ctx, client, name)
	if err != nil {
		diags.AddError(fmt.Sprintf("reading Lambda Function (%s) latest version: %s", name, err), "")
		return true
	}
	region := m.Region.ValueString()
	m.fill(ctx, out, diags)
	arn := m.ARN.ValueString()
	m.InvokeARN = types.StringValue(r.clients.invokeARN(region, arn))
	m.StreamingInvokeARN = types.StringValue(r.clients.streamingInvokeARN(region, arn))
	m.QualifiedARN = types.StringPointerValue(latest.FunctionArn)
	m.QualifiedInvokeARN = types.StringValue(r.clients.invokeARN(region, aws.ToString(latest.FunctionArn)))
	m.Version = types.StringPointerValue(latest.Version)
	m.Tags = r.ownTags(ctx, out.Tags, m.Tags, diags)
	m.TagsAll = mapOf(ctx, out.Tags, diags)
	return true
}

// latestVersion is the last of the function's versions, oldest first; $LATEST
// when none is published.
func latestVersion(ctx context.Context, client *lambda.Client, name string) (*lambdatypes.FunctionConfiguration, error) {
	var last *lambdatypes.FunctionConfiguration
	pages := lambda.NewListVersionsByFunctionPaginator(client, &lambda.ListVersionsByFunctionInput{FunctionName: &name, MaxItems: aws.Int32(10000)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, err
		}
		if n := len(page.Versions); n > 0 {
			last = &page.Versions[n-1]
		}
	}
	if last == nil {
		return nil, errors.New("empty result")
	}
	return last, nil
}

func (r *lambdaFunctionResource) Delete(ctx context.Context, req resource.DeleteRequest, resp *resource.DeleteResponse) {
	var m lambdaFunctionModel
	if resp.Diagnostics.Append(req.State.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	if m.SkipDestroy.ValueBool() {
		return
	}
	limit, d := m.Timeouts.Delete(ctx, 10*time.Minute)
	if resp.Diagnostics.Append(d...); resp.Diagnostics.HasError() {
		return
	}
	client, name := r.clients.lambda(r.clients.region(m.Region)), m.ID.ValueString()
	_, err := client.DeleteFunction(ctx, &lambda.DeleteFunctionInput{FunctionName: &name})
	if isNoLambda(err) {
		return
	}
	if err != nil {
		resp.Diagnostics.AddError(fmt.Sprintf("deleting Lambda Function (%s): %s", name, err), "")
		return
	}
	err = until(ctx, limit, func() (bool, error) {
		_, err := client.GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: &name})
		if isNoLambda(err) {
			return true, nil
		}
		return false, err
	})
	if err != nil {
		resp.Diagnostics.AddError(fmt.Sprintf("waiting for Lambda Function (%s) delete: %s", name, err), "")
	}
}

func (r *lambdaFunctionResource) ImportState(ctx context.Context, req resource.ImportStateRequest, resp *resource.ImportStateResponse) {
	resource.ImportStatePassthroughID(ctx, path.Root("id"), req, resp)
}

// waitCreated waits for the function to become active.
func waitCreated(ctx context.Context, client *lambda.Client, name string, limit time.Duration) error {
	return until(ctx, limit, func() (bool, error) {
		out, err := client.GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: &name})
		if err != nil {
			return false, err
		}
		switch c := out.Configuration; c.State {
		case lambdatypes.StatePending:
			return false, nil
		case lambdatypes.StateActive, lambdatypes.StateActiveNonInvocable:
			return true, nil
		default:
			return false, fmt.Errorf("unexpected state '%s', wanted target 'Active, ActiveNonInvocable'. last error: %s: %s", c.State, c.StateReasonCode, aws.ToString(c.StateReason))
		}
	})
}

// waitUpdated waits for the end of the last update.
func waitUpdated(ctx context.Context, client *lambda.Client, name string, limit time.Duration) error {
	return until(ctx, limit, func() (bool, error) {
		out, err := client.GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: &name})
		if err != nil {
			return false, err
		}
		switch c := out.Configuration; c.LastUpdateStatus {
		case lambdatypes.LastUpdateStatusInProgress:
			return false, nil
		case lambdatypes.LastUpdateStatusSuccessful:
			return true, nil
		default:
			return false, fmt.Errorf("unexpected state '%s', wanted target 'Successful'. last error: %s: %s", c.LastUpdateStatus, c.LastUpdateStatusReasonCode, aws.ToString(c.LastUpdateStatusReason))
		}
	})
}
