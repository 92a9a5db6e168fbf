// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/seedzip"
)

// placeholderZipFunction makes a .zip package. It is pure: it asks nobody, writes
// no file and needs no configured provider.
type placeholderZipFunction struct {
	build buildZip
}

// buildZip makes the placeholder package of a runtime and a handler.
type buildZip func(runtime, handler string) ([]byte, error)

var _ function.Function = placeholderZipFunction{}

// WithPlaceholderZip changes what a placeholder package is, as another version of
// the provider may.
func WithPlaceholderZip(build func(runtime, handler string) ([]byte, error)) Option {
	return func(p *lambdaseedProvider) { p.buildZip = build }
}

func newPlaceholderZipFunction(build buildZip) func() function.Function {
	return func() function.Function { return placeholderZipFunction{build} }
}

var placeholderZipTypes = map[string]attr.Type{
	"content_base64": types.StringType,
	"base64sha256":   types.StringType,
}

func (placeholderZipFunction) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "placeholder_zip"
}

func (placeholderZipFunction) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "Make a placeholder package for a Lambda function of package type Zip",
		MarkdownDescription: "A function of package type Zip cannot be created before there is a package for it. This one stands in until the application's pipeline has deployed its own:" +
			" a .zip archive of less than 8 kB that answers HTTP callers with a 503 and fails every other event, so that queues and streams keep what they hold and try again." +
			" It never reports success for an event, and nothing of an event gets into the log.\n\n" +
			"Returns an object:\n\n" +
			"- `content_base64`: the archive, for the argument of the same name of `aws_s3_object` or `local_file`\n" +
			"- `base64sha256`: SHA-256 of the archive in base64, for `source_code_hash` of `aws_lambda_function`\n\n" +
			"The same arguments give the same archive, on every platform and in every version of the provider in which the placeholder itself is the same. No file is written and nothing is asked of AWS.",
		Parameters: []function.Parameter{
			function.StringParameter{
				Name: "runtime",
				MarkdownDescription: "Runtime of the function: `python3.8` and later, `nodejs16.x` and later, `ruby3.2` and later, `provided.al2` or `provided.al2023`." +
					" A Python, Node.js or Ruby runtime that Lambda adds after this version of the provider is accepted too.",
			},
			function.StringParameter{
				Name: "handler",
				MarkdownDescription: "Handler of the function, as in `aws_lambda_function`: it decides how the file and the function in it are called." +
					" The runtimes `provided.al2` and `provided.al2023` start the file `bootstrap`, whatever the handler is.",
			},
		},
		Return: function.ObjectReturn{AttributeTypes: placeholderZipTypes},
	}
}

func (f placeholderZipFunction) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var runtime, handler string
	if resp.Error = req.Arguments.Get(ctx, &runtime, &handler); resp.Error != nil {
		return
	}
	content, err := f.build(runtime, handler)
	if err != nil {
		argument := int64(0)
		if _, ok := errors.AsType[*seedzip.HandlerError](err); ok {
			argument = 1
		}
		// Terraform puts a full stop behind it.
		resp.Error = function.NewArgumentFuncError(argument, strings.TrimSuffix(err.Error(), "."))
		return
	}
	sum := sha256.Sum256(content)
	result, diags := types.ObjectValue(placeholderZipTypes, map[string]attr.Value{
		"content_base64": types.StringValue(base64.StdEncoding.EncodeToString(content)),
		"base64sha256":   types.StringValue(base64.StdEncoding.EncodeToString(sum[:])),
	})
	if resp.Error = function.FuncErrorFromDiags(ctx, diags); resp.Error != nil {
		return
	}
	resp.Error = resp.Result.Set(ctx, result)
}
