// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"fmt"

	"github.com/hashicorp/terraform-plugin-framework/schema/validator"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/ecrrepo"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/seedimage"
)

// stringCheck is a validator made of a function, for the rules that other
// packages own.
type stringCheck struct {
	summary, description string
	check                func(string) error
}

var _ validator.String = stringCheck{}

func (v stringCheck) Description(context.Context) string         { return v.description }
func (v stringCheck) MarkdownDescription(context.Context) string { return v.description }

func (v stringCheck) ValidateString(_ context.Context, req validator.StringRequest, resp *validator.StringResponse) {
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	if err := v.check(req.ConfigValue.ValueString()); err != nil {
		detail := sentence(err)
		if len(req.Path.Steps()) > 1 {
			// Terraform shows no line for an attribute inside of another.
			detail = "Attribute " + pathName(req.Path) + ": " + detail
		}
		resp.Diagnostics.AddAttributeError(req.Path, v.summary, detail)
	}
}

// sentence writes an error as one: a capital letter and a full stop.
func sentence(err error) string {
	s := err.Error()
	if s != "" && s[0] >= 'a' && s[0] <= 'z' {
		s = string(s[0]-'a'+'A') + s[1:]
	}
	return s + "."
}

var validRepositoryURL = stringCheck{
	summary:     "Invalid repository URL",
	description: "must be the URL of a private ECR repository, without scheme, tag and digest",
	check: func(s string) error {
		u, err := ecrrepo.ParseRepositoryURL(s)
		if err != nil {
			return err
		}
		return u.CheckLambdaHost()
	},
}

var validImageTag = stringCheck{
	summary:     "Invalid image tag",
	description: "must be an image tag",
	check:       ecrrepo.ValidateTag,
}

var validContentType = stringCheck{
	summary:     "Invalid content type",
	description: "must be printable ASCII characters",
	check:       func(s string) error { return seedimage.Response{ContentType: s}.Validate() },
}

var validResponseBody = stringCheck{
	summary:     "Invalid response body",
	description: fmt.Sprintf("must have at most %d bytes", seedimage.MaxBodySize),
	check:       func(s string) error { return seedimage.Response{Body: &s}.Validate() },
}

// oneArchitecture wants exactly one of Lambda's architectures.
type oneArchitecture struct{}

var _ validator.List = oneArchitecture{}

func (oneArchitecture) Description(context.Context) string {
	return `must be a list of exactly one of "x86_64" and "arm64"`
}

func (v oneArchitecture) MarkdownDescription(ctx context.Context) string { return v.Description(ctx) }

func (oneArchitecture) ValidateList(_ context.Context, req validator.ListRequest, resp *validator.ListResponse) {
	const summary = "Invalid architectures"
	if req.ConfigValue.IsNull() || req.ConfigValue.IsUnknown() {
		return
	}
	elements := req.ConfigValue.Elements()
	if len(elements) != 1 {
		resp.Diagnostics.AddAttributeError(req.Path, summary, fmt.Sprintf(
			"The list has %d elements, but a Lambda function has exactly one architecture: [\"x86_64\"] or [\"arm64\"].", len(elements)))
		return
	}
	value, ok := elements[0].(types.String)
	if !ok || value.IsUnknown() {
		return
	}
	at := req.Path.AtListIndex(0)
	if value.IsNull() {
		resp.Diagnostics.AddAttributeError(at, summary, `The architecture is null; expected "x86_64" or "arm64".`)
		return
	}
	switch architecture := value.ValueString(); architecture {
	case seedimage.ArchitectureX8664, seedimage.ArchitectureARM64:
	case "amd64", "x86-64", "x64":
		resp.Diagnostics.AddAttributeError(at, summary, fmt.Sprintf("%q is not Lambda's name for it; write \"x86_64\".", architecture))
	case "aarch64", "arm64v8", "arm":
		resp.Diagnostics.AddAttributeError(at, summary, fmt.Sprintf("%q is not Lambda's name for it; write \"arm64\".", architecture))
	default:
		resp.Diagnostics.AddAttributeError(at, summary, fmt.Sprintf("Lambda has no architecture %q; expected \"x86_64\" or \"arm64\".", architecture))
	}
}
