// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/function"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/ecrrepo"
)

// parseImageURIFunction takes an image URI apart. It is pure: it asks nobody
// and needs no configured provider.
type parseImageURIFunction struct{}

var _ function.Function = parseImageURIFunction{}

func newParseImageURIFunction() function.Function { return parseImageURIFunction{} }

var parsedImageURITypes = map[string]attr.Type{
	"registry_id":     types.StringType,
	"region":          types.StringType,
	"repository_name": types.StringType,
	"repository_url":  types.StringType,
	"image_tag":       types.StringType,
	"image_digest":    types.StringType,
}

func (parseImageURIFunction) Metadata(_ context.Context, _ function.MetadataRequest, resp *function.MetadataResponse) {
	resp.Name = "parse_image_uri"
}

func (parseImageURIFunction) Definition(_ context.Context, _ function.DefinitionRequest, resp *function.DefinitionResponse) {
	resp.Definition = function.Definition{
		Summary: "Take the URI of an image in a private Amazon ECR repository apart",
		MarkdownDescription: "Returns an object of the parts of an image URI, `HOST/NAME[:TAG][@DIGEST]`:\n\n" +
			"- `registry_id`: account ID of the registry\n" +
			"- `region`: AWS Region of the repository\n" +
			"- `repository_name`: name of the repository\n" +
			"- `repository_url`: the URI without tag and digest\n" +
			"- `image_tag`: tag\n" +
			"- `image_digest`: digest (`sha256:…`)\n\n" +
			"A part that the URI does not have is null. Hosts of every AWS partition are known, dual-stack and FIPS ones included; " +
			"the host of an emulator tells neither account nor Region. A URI in ECR Public, a scheme and a malformed name, tag or digest are errors. " +
			"Nothing is asked of AWS.",
		Parameters: []function.Parameter{
			function.StringParameter{
				Name:                "uri",
				MarkdownDescription: "Image URI, such as the `image_uri` of an `aws_lambda_function`.",
			},
		},
		Return: function.ObjectReturn{AttributeTypes: parsedImageURITypes},
	}
}

func (parseImageURIFunction) Run(ctx context.Context, req function.RunRequest, resp *function.RunResponse) {
	var uri string
	if resp.Error = req.Arguments.Get(ctx, &uri); resp.Error != nil {
		return
	}
	u, err := ecrrepo.ParseImageURI(uri)
	if err != nil {
		resp.Error = function.NewArgumentFuncError(0, strings.TrimSuffix(sentence(err), ".")) // Terraform ends the sentence.
		return
	}
	result, diags := types.ObjectValue(parsedImageURITypes, map[string]attr.Value{
		"registry_id":     stringOrNull(u.RegistryID),
		"region":          stringOrNull(u.Region),
		"repository_name": types.StringValue(u.Name),
		"repository_url":  types.StringValue(u.RepositoryURL.String()),
		"image_tag":       stringOrNull(u.Tag),
		"image_digest":    stringOrNull(u.Digest),
	})
	if resp.Error = function.FuncErrorFromDiags(ctx, diags); resp.Error != nil {
		return
	}
	resp.Error = resp.Result.Set(ctx, result)
}

func stringOrNull(s string) types.String {
	if s == "" {
		return types.StringNull()
	}
	return types.StringValue(s)
}
