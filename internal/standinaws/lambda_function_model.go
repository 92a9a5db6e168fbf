// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package standinaws

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// createInput is the plan in Lambda's words, but for tags and the .zip file.
func (m *lambdaFunctionModel) createInput(ctx context.Context, diags *diag.Diagnostics) *lambda.CreateFunctionInput {
	in := &lambda.CreateFunctionInput{
		FunctionName:         m.FunctionName.ValueStringPointer(),
		Role:                 m.Role.ValueStringPointer(),
		Description:          aws.String(m.Description.ValueString()),
		PackageType:          lambdatypes.PackageType(m.PackageType.ValueString()),
		MemorySize:           int32Of(m.MemorySize),
		Timeout:              int32Of(m.Timeout),
		Publish:              m.Publish.ValueBool(),
		CodeSigningConfigArn: nonEmpty(m.CodeSigningConfigARN),
		KMSKeyArn:            nonEmpty(m.KMSKeyARN),
		Layers:               stringList(ctx, m.Layers, diags),
		Code: &lambdatypes.FunctionCode{
			ImageUri:        nonEmpty(m.ImageURI),
			S3Bucket:        nonEmpty(m.S3Bucket),
			S3Key:           nonEmpty(m.S3Key),
			S3ObjectVersion: nonEmpty(m.S3ObjectVersion),
			SourceKMSKeyArn: nonEmpty(m.SourceKMSKeyARN),
		},
		DeadLetterConfig: m.deadLetterConfig(),
		EphemeralStorage: m.ephemeralStorage(),
		LoggingConfig:    m.loggingConfig(),
		TracingConfig:    m.tracingConfig(),
		VpcConfig:        m.vpcConfig(ctx, diags),
	}
	for _, architecture := range stringList(ctx, m.Architectures, diags) {
		in.Architectures = append(in.Architectures, lambdatypes.Architecture(architecture))
	}
	if in.PackageType == lambdatypes.PackageTypeZip {
		in.Handler = aws.String(m.Handler.ValueString())
		in.Runtime = lambdatypes.Runtime(m.Runtime.ValueString())
	}
	if env := m.environment(ctx, diags); len(env.Variables) > 0 {
		in.Environment = env
	}
	if len(m.ImageConfig) > 0 {
		in.ImageConfig = m.imageConfig(ctx, diags)
	}
	return in
}

// configurationInput holds those parts of the configuration that differ.
func (m *lambdaFunctionModel) configurationInput(ctx context.Context, differs func(...string) bool, diags *diag.Diagnostics) *lambda.UpdateFunctionConfigurationInput {
	in := &lambda.UpdateFunctionConfigurationInput{FunctionName: m.ID.ValueStringPointer()}
	if differs("description") {
		in.Description = aws.String(m.Description.ValueString())
	}
	if differs("role") {
		in.Role = m.Role.ValueStringPointer()
	}
	if differs("handler") {
		in.Handler = aws.String(m.Handler.ValueString())
	}
	if differs("runtime") {
		in.Runtime = lambdatypes.Runtime(m.Runtime.ValueString())
	}
	if differs("memory_size") {
		in.MemorySize = int32Of(m.MemorySize)
	}
	if differs("timeout") {
		in.Timeout = int32Of(m.Timeout)
	}
	if differs("kms_key_arn") {
		in.KMSKeyArn = aws.String(m.KMSKeyARN.ValueString())
	}
	if differs("layers") {
		in.Layers = append([]string{}, stringList(ctx, m.Layers, diags)...)
	}
	if differs("environment", "kms_key_arn") {
		in.Environment = m.environment(ctx, diags)
	}
	if differs("image_config") {
		in.ImageConfig = m.imageConfig(ctx, diags)
	}
	if differs("dead_letter_config") {
		if in.DeadLetterConfig = m.deadLetterConfig(); in.DeadLetterConfig == nil {
			in.DeadLetterConfig = &lambdatypes.DeadLetterConfig{TargetArn: aws.String("")}
		}
	}
	if differs("ephemeral_storage") {
		in.EphemeralStorage = m.ephemeralStorage()
	}
	if differs("logging_config") {
		if in.LoggingConfig = m.loggingConfig(); in.LoggingConfig == nil {
			in.LoggingConfig = &lambdatypes.LoggingConfig{}
		}
	}
	if differs("tracing_config") {
		in.TracingConfig = m.tracingConfig()
	}
	if differs("vpc_config") {
		if in.VpcConfig = m.vpcConfig(ctx, diags); in.VpcConfig == nil {
			in.VpcConfig = &lambdatypes.VpcConfig{SecurityGroupIds: []string{}, SubnetIds: []string{}, Ipv6AllowedForDualStack: aws.Bool(false)}
		}
	}
	return in
}

func int32Of(n types.Int64) *int32 {
	return aws.Int32(int32(n.ValueInt64())) // #nosec G115 -- the schema bounds every number that comes here
}

func (m *lambdaFunctionModel) environment(ctx context.Context, diags *diag.Diagnostics) *lambdatypes.Environment {
	out := &lambdatypes.Environment{Variables: map[string]string{}}
	if len(m.Environment) > 0 {
		out.Variables = stringMap(ctx, m.Environment[0].Variables, diags)
	}
	return out
}

func (m *lambdaFunctionModel) imageConfig(ctx context.Context, diags *diag.Diagnostics) *lambdatypes.ImageConfig {
	out := &lambdatypes.ImageConfig{}
	if len(m.ImageConfig) > 0 {
		block := m.ImageConfig[0]
		out.Command = stringList(ctx, block.Command, diags)
		out.EntryPoint = stringList(ctx, block.EntryPoint, diags)
		out.WorkingDirectory = aws.String(block.WorkingDirectory.ValueString())
	}
	return out
}

func (m *lambdaFunctionModel) deadLetterConfig() *lambdatypes.DeadLetterConfig {
	if len(m.DeadLetterConfig) == 0 {
		return nil
	}
	return &lambdatypes.DeadLetterConfig{TargetArn: m.DeadLetterConfig[0].TargetARN.ValueStringPointer()}
}

func (m *lambdaFunctionModel) ephemeralStorage() *lambdatypes.EphemeralStorage {
	if len(m.EphemeralStorage) == 0 {
		return nil
	}
	return &lambdatypes.EphemeralStorage{Size: int32Of(m.EphemeralStorage[0].Size)}
}

func (m *lambdaFunctionModel) loggingConfig() *lambdatypes.LoggingConfig {
	if len(m.LoggingConfig) == 0 {
		return nil
	}
	block := m.LoggingConfig[0]
	return &lambdatypes.LoggingConfig{
		ApplicationLogLevel: lambdatypes.ApplicationLogLevel(block.ApplicationLogLevel.ValueString()),
		LogFormat:           lambdatypes.LogFormat(block.LogFormat.ValueString()),
		LogGroup:            nonEmpty(block.LogGroup),
		SystemLogLevel:      lambdatypes.SystemLogLevel(block.SystemLogLevel.ValueString()),
	}
}

func (m *lambdaFunctionModel) tracingConfig() *lambdatypes.TracingConfig {
	if len(m.TracingConfig) == 0 {
		return nil
	}
	return &lambdatypes.TracingConfig{Mode: lambdatypes.TracingMode(m.TracingConfig[0].Mode.ValueString())}
}

func (m *lambdaFunctionModel) vpcConfig(ctx context.Context, diags *diag.Diagnostics) *lambdatypes.VpcConfig {
	if len(m.VPCConfig) == 0 {
		return nil
	}
	block := m.VPCConfig[0]
	out := &lambdatypes.VpcConfig{Ipv6AllowedForDualStack: aws.Bool(block.IPv6AllowedForDualStack.ValueBool())}
	diags.Append(block.SecurityGroupIDs.ElementsAs(ctx, &out.SecurityGroupIds, false)...)
	diags.Append(block.SubnetIDs.ElementsAs(ctx, &out.SubnetIds, false)...)
	return out
}

// fill takes over what GetFunction reports. image_uri comes back verbatim, as
// Lambda keeps it; where the code came from (filename, s3_*), publish and
// source_code_hash are never reported and stay.
func (m *lambdaFunctionModel) fill(ctx context.Context, out *lambda.GetFunctionOutput, diags *diag.Diagnostics) {
	c := out.Configuration
	m.FunctionName = m.ID
	m.ARN = types.StringPointerValue(c.FunctionArn)
	m.Role = types.StringPointerValue(c.Role)
	m.Description = text(c.Description, m.Description)
	m.PackageType = types.StringValue(string(c.PackageType))
	m.ImageURI = text(out.Code.ImageUri, m.ImageURI)
	m.SourceKMSKeyARN = text(out.Code.SourceKMSKeyArn, m.SourceKMSKeyARN)
	m.SourceCodeHash = types.StringValue(m.SourceCodeHash.ValueString())
	m.SourceCodeSize = types.Int64Value(c.CodeSize)
	m.CodeSHA256 = types.StringPointerValue(c.CodeSha256)
	m.Handler = text(c.Handler, m.Handler)
	m.Runtime = text(aws.String(string(c.Runtime)), m.Runtime)
	m.Architectures = listOf(ctx, c.Architectures, diags)
	m.MemorySize = int64Of(c.MemorySize)
	m.Timeout = int64Of(c.Timeout)
	m.KMSKeyARN = text(c.KMSKeyArn, m.KMSKeyARN)
	m.LastModified = types.StringPointerValue(c.LastModified)
	m.SigningJobARN = types.StringValue(aws.ToString(c.SigningJobArn))
	m.SigningProfileVersionARN = types.StringValue(aws.ToString(c.SigningProfileVersionArn))
	m.Publish = types.BoolValue(m.Publish.ValueBool())
	m.SkipDestroy = types.BoolValue(m.SkipDestroy.ValueBool())
	m.ReservedConcurrentExecutions = types.Int64Value(-1)
	if out.Concurrency != nil && out.Concurrency.ReservedConcurrentExecutions != nil {
		m.ReservedConcurrentExecutions = int64Of(out.Concurrency.ReservedConcurrentExecutions)
	}
	var layers []string
	for _, layer := range c.Layers {
		layers = append(layers, aws.ToString(layer.Arn))
	}
	if len(layers) > 0 || len(m.Layers.Elements()) > 0 {
		m.Layers = listOf(ctx, layers, diags)
	}
	m.fillBlocks(ctx, c, diags)
}

// fillBlocks refreshes the blocks. One that Lambda reports and nobody wrote is
// drift only where the original treats it so: environment, image_config,
// dead_letter_config and vpc_config.
func (m *lambdaFunctionModel) fillBlocks(ctx context.Context, c *lambdatypes.FunctionConfiguration, diags *diag.Diagnostics) {
	written := len(m.Environment) > 0
	switch {
	case c.Environment != nil && len(c.Environment.Variables) > 0:
		m.Environment = []lambdaEnvironment{{Variables: mapOf(ctx, c.Environment.Variables, diags)}}
	case !written:
		m.Environment = []lambdaEnvironment{}
	case len(m.Environment[0].Variables.Elements()) > 0:
		m.Environment = []lambdaEnvironment{}
	}

	var image *lambdatypes.ImageConfig
	if c.ImageConfigResponse != nil {
		image = c.ImageConfigResponse.ImageConfig
	}
	if image == nil {
		image = &lambdatypes.ImageConfig{}
	}
	empty := len(image.Command) == 0 && len(image.EntryPoint) == 0 && aws.ToString(image.WorkingDirectory) == ""
	if len(m.ImageConfig) > 0 || !empty {
		if len(m.ImageConfig) == 0 {
			m.ImageConfig = []lambdaImageConfig{{Command: types.ListNull(types.StringType), EntryPoint: types.ListNull(types.StringType)}}
		}
		block := &m.ImageConfig[0]
		if len(image.Command) > 0 || len(block.Command.Elements()) > 0 {
			block.Command = listOf(ctx, image.Command, diags)
		}
		if len(image.EntryPoint) > 0 || len(block.EntryPoint.Elements()) > 0 {
			block.EntryPoint = listOf(ctx, image.EntryPoint, diags)
		}
		block.WorkingDirectory = text(image.WorkingDirectory, block.WorkingDirectory)
	} else {
		m.ImageConfig = []lambdaImageConfig{}
	}

	m.DeadLetterConfig = nonNil(m.DeadLetterConfig[:0])
	if c.DeadLetterConfig != nil && aws.ToString(c.DeadLetterConfig.TargetArn) != "" {
		m.DeadLetterConfig = []lambdaDeadLetterConfig{{TargetARN: types.StringPointerValue(c.DeadLetterConfig.TargetArn)}}
	}
	if len(m.EphemeralStorage) > 0 && c.EphemeralStorage != nil {
		m.EphemeralStorage = []lambdaEphemeralStorage{{Size: int64Of(c.EphemeralStorage.Size)}}
	}
	if len(m.TracingConfig) > 0 && c.TracingConfig != nil {
		m.TracingConfig = []lambdaTracingConfig{{Mode: types.StringValue(string(c.TracingConfig.Mode))}}
	}
	if len(m.LoggingConfig) > 0 && c.LoggingConfig != nil {
		block := &m.LoggingConfig[0]
		block.LogFormat = types.StringValue(string(c.LoggingConfig.LogFormat))
		if !block.LogGroup.IsNull() {
			block.LogGroup = types.StringPointerValue(c.LoggingConfig.LogGroup)
		}
	}
	if c.VpcConfig != nil && len(c.VpcConfig.SubnetIds) > 0 {
		security, d := types.SetValueFrom(ctx, types.StringType, c.VpcConfig.SecurityGroupIds)
		diags.Append(d...)
		subnets, d := types.SetValueFrom(ctx, types.StringType, c.VpcConfig.SubnetIds)
		diags.Append(d...)
		m.VPCConfig = []lambdaVPCConfig{{
			IPv6AllowedForDualStack: types.BoolValue(aws.ToBool(c.VpcConfig.Ipv6AllowedForDualStack)),
			SecurityGroupIDs:        security,
			SubnetIDs:               subnets,
		}}
	}
	m.EphemeralStorage, m.TracingConfig = nonNil(m.EphemeralStorage), nonNil(m.TracingConfig)
	m.LoggingConfig, m.VPCConfig = nonNil(m.LoggingConfig), nonNil(m.VPCConfig)
}

// nonNil makes an absent block an empty list, which is what Terraform sends.
func nonNil[T any](blocks []T) []T {
	if blocks == nil {
		return []T{}
	}
	return blocks
}

func int64Of(n *int32) types.Int64 { return types.Int64Value(int64(aws.ToInt32(n))) }
