// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package standinaws

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework-timeouts/resource/timeouts"
	"github.com/hashicorp/terraform-plugin-framework-validators/int64validator"
	"github.com/hashicorp/terraform-plugin-framework-validators/listvalidator"
	"github.com/hashicorp/terraform-plugin-framework-validators/stringvalidator"
	"github.com/hashicorp/terraform-plugin-framework/path"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/booldefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/int64default"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/listplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/planmodifier"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringdefault"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema/stringplanmodifier"
	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

type lambdaFunctionModel struct {
	ID                           types.String   `tfsdk:"id"`
	ARN                          types.String   `tfsdk:"arn"`
	FunctionName                 types.String   `tfsdk:"function_name"`
	Region                       types.String   `tfsdk:"region"`
	Role                         types.String   `tfsdk:"role"`
	Description                  types.String   `tfsdk:"description"`
	PackageType                  types.String   `tfsdk:"package_type"`
	ImageURI                     types.String   `tfsdk:"image_uri"`
	Filename                     types.String   `tfsdk:"filename"`
	S3Bucket                     types.String   `tfsdk:"s3_bucket"`
	S3Key                        types.String   `tfsdk:"s3_key"`
	S3ObjectVersion              types.String   `tfsdk:"s3_object_version"`
	SourceCodeHash               types.String   `tfsdk:"source_code_hash"`
	SourceCodeSize               types.Int64    `tfsdk:"source_code_size"`
	SourceKMSKeyARN              types.String   `tfsdk:"source_kms_key_arn"`
	CodeSHA256                   types.String   `tfsdk:"code_sha256"`
	CodeSigningConfigARN         types.String   `tfsdk:"code_signing_config_arn"`
	Handler                      types.String   `tfsdk:"handler"`
	Runtime                      types.String   `tfsdk:"runtime"`
	Architectures                types.List     `tfsdk:"architectures"`
	Layers                       types.List     `tfsdk:"layers"`
	MemorySize                   types.Int64    `tfsdk:"memory_size"`
	Timeout                      types.Int64    `tfsdk:"timeout"`
	ReservedConcurrentExecutions types.Int64    `tfsdk:"reserved_concurrent_executions"`
	Publish                      types.Bool     `tfsdk:"publish"`
	SkipDestroy                  types.Bool     `tfsdk:"skip_destroy"`
	KMSKeyARN                    types.String   `tfsdk:"kms_key_arn"`
	InvokeARN                    types.String   `tfsdk:"invoke_arn"`
	StreamingInvokeARN           types.String   `tfsdk:"response_streaming_invoke_arn"`
	LastModified                 types.String   `tfsdk:"last_modified"`
	QualifiedARN                 types.String   `tfsdk:"qualified_arn"`
	QualifiedInvokeARN           types.String   `tfsdk:"qualified_invoke_arn"`
	SigningJobARN                types.String   `tfsdk:"signing_job_arn"`
	SigningProfileVersionARN     types.String   `tfsdk:"signing_profile_version_arn"`
	Version                      types.String   `tfsdk:"version"`
	Tags                         types.Map      `tfsdk:"tags"`
	TagsAll                      types.Map      `tfsdk:"tags_all"`
	Timeouts                     timeouts.Value `tfsdk:"timeouts"`

	Environment      []lambdaEnvironment      `tfsdk:"environment"`
	ImageConfig      []lambdaImageConfig      `tfsdk:"image_config"`
	DeadLetterConfig []lambdaDeadLetterConfig `tfsdk:"dead_letter_config"`
	EphemeralStorage []lambdaEphemeralStorage `tfsdk:"ephemeral_storage"`
	LoggingConfig    []lambdaLoggingConfig    `tfsdk:"logging_config"`
	TracingConfig    []lambdaTracingConfig    `tfsdk:"tracing_config"`
	VPCConfig        []lambdaVPCConfig        `tfsdk:"vpc_config"`
}

type lambdaEnvironment struct {
	Variables types.Map `tfsdk:"variables"`
}

type lambdaImageConfig struct {
	Command          types.List   `tfsdk:"command"`
	EntryPoint       types.List   `tfsdk:"entry_point"`
	WorkingDirectory types.String `tfsdk:"working_directory"`
}

type lambdaDeadLetterConfig struct {
	TargetARN types.String `tfsdk:"target_arn"`
}

type lambdaEphemeralStorage struct {
	Size types.Int64 `tfsdk:"size"`
}

type lambdaLoggingConfig struct {
	ApplicationLogLevel types.String `tfsdk:"application_log_level"`
	LogFormat           types.String `tfsdk:"log_format"`
	LogGroup            types.String `tfsdk:"log_group"`
	SystemLogLevel      types.String `tfsdk:"system_log_level"`
}

type lambdaTracingConfig struct {
	Mode types.String `tfsdk:"mode"`
}

type lambdaVPCConfig struct {
	IPv6AllowedForDualStack types.Bool `tfsdk:"ipv6_allowed_for_dual_stack"`
	SecurityGroupIDs        types.Set  `tfsdk:"security_group_ids"`
	SubnetIDs               types.Set  `tfsdk:"subnet_ids"`
}

// codeAttributes are those whose change makes the original call
// UpdateFunctionCode. Source: its needsFunctionCodeUpdate.
var codeAttributes = []string{
	"filename", "code_sha256", "source_code_hash", "s3_bucket", "s3_key",
	"s3_object_version", "source_kms_key_arn", "image_uri", "architectures",
}

// configAttributes are those whose change makes it call
// UpdateFunctionConfiguration. Source: its needsFunctionConfigUpdate.
var configAttributes = []string{
	"description", "handler", "image_config", "logging_config", "memory_size",
	"role", "timeout", "kms_key_arn", "layers", "dead_letter_config",
	"tracing_config", "vpc_config", "runtime", "environment", "ephemeral_storage",
}

func (r *lambdaFunctionResource) Schema(ctx context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	source := stringvalidator.ExactlyOneOf(path.MatchRoot("filename"), path.MatchRoot("image_uri"), path.MatchRoot("s3_bucket"))
	together := func(other string) validator.String { return stringvalidator.AlsoRequires(path.MatchRoot(other)) }

	resp.Schema = schema.Schema{
		Attributes: tagAttributes(map[string]schema.Attribute{
			"id":            computedString(),
			"arn":           computedString(),
			"function_name": replacingString(),
			"region":        regionAttribute(),
			"role":          requiredString(),
			"description":   optionalString(),
			"package_type": schema.StringAttribute{
				Optional: true, Computed: true, Default: stringdefault.StaticString("Zip"),
				PlanModifiers: []planmodifier.String{stringplanmodifier.RequiresReplace()},
				Validators:    []validator.String{stringvalidator.OneOf("Zip", "Image")},
			},
			"image_uri": schema.StringAttribute{Optional: true, Validators: []validator.String{source}},
			"filename":  schema.StringAttribute{Optional: true, Validators: []validator.String{source}},
			"s3_bucket": schema.StringAttribute{Optional: true, Validators: []validator.String{source, together("s3_key")}},
			"s3_key":    schema.StringAttribute{Optional: true, Validators: []validator.String{together("s3_bucket")}},
			"s3_object_version": schema.StringAttribute{Optional: true, Validators: []validator.String{
				stringvalidator.ConflictsWith(path.MatchRoot("filename"), path.MatchRoot("image_uri")),
			}},
			"source_code_hash":        optionalComputedString(),
			"source_code_size":        computedInt(),
			"source_kms_key_arn":      optionalString(),
			"code_sha256":             optionalComputedString(),
			"code_signing_config_arn": optionalString(),
			"handler":                 optionalString(),
			"runtime":                 optionalString(),
			"architectures": schema.ListAttribute{
				Optional: true, Computed: true, ElementType: types.StringType,
				PlanModifiers: []planmodifier.List{listplanmodifier.UseStateForUnknown()},
				Validators: []validator.List{
					listvalidator.SizeAtMost(1),
					listvalidator.ValueStringsAre(stringvalidator.OneOf("x86_64", "arm64")),
				},
			},
			"layers": schema.ListAttribute{Optional: true, ElementType: types.StringType},
			"memory_size": schema.Int64Attribute{
				Optional: true, Computed: true, Default: int64default.StaticInt64(128),
				Validators: []validator.Int64{int64validator.Between(128, 10240)},
			},
			"timeout": schema.Int64Attribute{
				Optional: true, Computed: true, Default: int64default.StaticInt64(3),
				Validators: []validator.Int64{int64validator.Between(1, 900)},
			},
			"reserved_concurrent_executions": schema.Int64Attribute{Optional: true, Computed: true, Default: int64default.StaticInt64(-1)},
			"publish":                        schema.BoolAttribute{Optional: true, Computed: true, Default: booldefault.StaticBool(false)},
			"skip_destroy":                   schema.BoolAttribute{Optional: true, Computed: true, Default: booldefault.StaticBool(false)},
			"kms_key_arn":                    optionalString(),
			"invoke_arn":                     computedString(),
			"response_streaming_invoke_arn":  computedString(),
			"last_modified":                  computedString(),
			"qualified_arn":                  computedString(),
			"qualified_invoke_arn":           computedString(),
			"signing_job_arn":                computedString(),
			"signing_profile_version_arn":    computedString(),
			"version":                        computedString(),
		}),
		Blocks: map[string]schema.Block{
			"environment": block(map[string]schema.Attribute{
				"variables": schema.MapAttribute{Optional: true, ElementType: types.StringType},
			}),
			"image_config": block(map[string]schema.Attribute{
				"command":           schema.ListAttribute{Optional: true, ElementType: types.StringType},
				"entry_point":       schema.ListAttribute{Optional: true, ElementType: types.StringType},
				"working_directory": optionalString(),
			}),
			"dead_letter_config": block(map[string]schema.Attribute{"target_arn": requiredString()}),
			"ephemeral_storage":  block(map[string]schema.Attribute{"size": schema.Int64Attribute{Optional: true, Computed: true, Default: int64default.StaticInt64(512)}}),
			"logging_config": block(map[string]schema.Attribute{
				"application_log_level": optionalString(),
				"log_format":            requiredString(),
				"log_group":             optionalString(),
				"system_log_level":      optionalString(),
			}),
			"tracing_config": block(map[string]schema.Attribute{"mode": requiredString()}),
			"vpc_config": block(map[string]schema.Attribute{
				"ipv6_allowed_for_dual_stack": schema.BoolAttribute{Optional: true, Computed: true, Default: booldefault.StaticBool(false)},
				"security_group_ids":          schema.SetAttribute{Required: true, ElementType: types.StringType},
				"subnet_ids":                  schema.SetAttribute{Required: true, ElementType: types.StringType},
			}),
			"timeouts": timeouts.Block(ctx, timeouts.Opts{Create: true, Update: true, Delete: true}),
		},
	}
}

// block is a block that may be written once at most.
func block(attributes map[string]schema.Attribute) schema.ListNestedBlock {
	return schema.ListNestedBlock{
		Validators:   []validator.List{listvalidator.SizeAtMost(1)},
		NestedObject: schema.NestedBlockObject{Attributes: attributes},
	}
}
