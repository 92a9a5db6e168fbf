// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
)

// Bad input is an error at plan time, on the attribute at fault.
func TestPlaceholderImage_badInput(t *testing.T) {
	t.Parallel()
	url := func(u string) string {
		return fmt.Sprintf("resource \"lambdaseed_placeholder_image\" \"app\" {\n  repository_url = %q\n}\n", u)
	}
	for name, test := range map[string]struct{ config, attribute, want string }{
		"scheme":              {url("https://" + testRepository), "repository_url", `begins with a scheme; remove "https://"`},
		"tag":                 {url(testRepository + ":latest"), "repository_url", "names a tag; remove everything from the last"},
		"digest":              {url(testRepository + "@sha256:0"), "repository_url", "names a digest"},
		"upper case":          {url(testHost + "/App"), "repository_url", "contains upper-case letters"},
		"public":              {url("public.ecr.aws/lambda/python"), "repository_url", "is in Amazon ECR Public, which Lambda does not run images from"},
		"FIPS":                {url(testAccount + ".dkr.ecr-fips.us-east-1.amazonaws.com/app"), "repository_url", "FIPS registry host, which Lambda refuses in an image URI; write " + testAccount + ".dkr.ecr.us-east-1.amazonaws.com/app"},
		"trailing slash":      {url(testRepository + "/"), "repository_url", "ends with a slash"},
		"illegal tag":         {seedOnly(`image_tag = "not a tag"`), "image_tag", `"not a tag" is not an image tag`},
		"empty tag":           {seedOnly(`image_tag = ""`), "image_tag", `"" is not an image tag`},
		"two architectures":   {seedOnly(`architectures = ["x86_64", "arm64"]`), "architectures", "The list has 2 elements, but a Lambda function has exactly one architecture"},
		"no architecture":     {seedOnly(`architectures = []`), "architectures", "The list has 0 elements"},
		"null architecture":   {seedOnly(`architectures = [null]`), "architectures", `The architecture is null; expected "x86_64" or "arm64".`},
		"amd64":               {seedOnly(`architectures = ["amd64"]`), "architectures", `"amd64" is not Lambda's name for it; write "x86_64".`},
		"aarch64":             {seedOnly(`architectures = ["aarch64"]`), "architectures", `"aarch64" is not Lambda's name for it; write "arm64".`},
		"riscv64":             {seedOnly(`architectures = ["riscv64"]`), "architectures", `Lambda has no architecture "riscv64"`},
		"status code 42":      {seedOnly(`http_response = { status_code = 42 }`), "http_response", "value must be between 200 and 599, got: 42"},
		"content type":        {seedOnly(`http_response = { content_type = "text/plain\nX-Evil: 1" }`), "http_response", "The content type must consist of printable ASCII characters"},
		"body over 16 KiB":    {seedOnly(`http_response = { body = "` + strings.Repeat("x", 16<<10+1) + `" }`), "http_response", "The body must have at most 16384 bytes, got 16385."},
		"if_exists overwrite": {seedOnly(`if_exists = "overwrite"`), "if_exists", `value must be one of: ["adopt" "error"], got: "overwrite"`},
		"timeout":             {seedOnly("timeouts {\n    create = \"soon\"\n  }"), "create", `must be a string`},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.test([]resource.TestStep{{Config: test.config, PlanOnly: true, ExpectError: says(test.want)}})
			w.test([]resource.TestStep{{Config: test.config, PlanOnly: true, ExpectError: regexp.MustCompile(`(?s)\son\s.*` + test.attribute)}})
			if requests := w.Requests(); len(requests) > 0 {
				t.Errorf("bad input led to %d requests", len(requests))
			}
		})
	}
}
