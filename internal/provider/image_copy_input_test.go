// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
)

// Bad input is found out without a network, with what is wrong and what was
// expected.
func TestImageCopy_badInput(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ config, want string }{
		"scheme":                 {copyOnly("https://ghcr.io/team/app", ""), `The source image "https://ghcr.io/team/app" begins with a scheme; remove "https://"`},
		"upper case":             {copyOnly("ghcr.io/Team/App:1", ""), `contains upper-case letters, which the name of a repository cannot have`},
		"empty":                  {copyOnly("", ""), `The source image is empty; expected an image as docker names it, such as "alpine:3.22"`},
		"two architectures":      {copyOnly("alpine", `architectures = ["x86_64", "arm64"]`), `a Lambda function has exactly one architecture`},
		"docker's architecture":  {copyOnly("alpine", `architectures = ["amd64"]`), `"amd64" is not Lambda's name for it; write "x86_64".`},
		"tag":                    {copyOnly("alpine", `image_tag = "a b"`), `Invalid image tag`},
		"if_exists":              {copyOnly("alpine", `if_exists = "overwrite"`), `Attribute if_exists value must be one of: ["adopt" "error"]`},
		"login without password": {copyOnly("alpine", `source_auth = { username = "robot" }`), `attribute "password_wo" is required`},
		"login without a name":   {copyOnly("alpine", `source_auth = { password_wo = "x" }`), `attribute "username" is required`},
		"empty password":         {copyOnly("alpine", `source_auth = { username = "robot", password_wo = "" }`), `string length must be at least 1`},
		"no source": {
			fmt.Sprintf("resource \"lambdaseed_image_copy\" \"app\" {\n  repository_url = %q\n}\n", testRepository),
			`The argument "source_image" is required`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newCopyWorld(t, "unused.example.com")
			w.testWith(resource.TestCase{
				TerraformVersionChecks: writeOnly,
				Steps:                  []resource.TestStep{{Config: test.config, PlanOnly: true, ExpectError: says(test.want)}},
			})
			if n := len(w.Requests()); n > 0 {
				t.Errorf("%d requests were made", n)
			}
		})
	}
}

// A source that is known only at apply is checked there.
func TestImageCopy_badInputAtApply(t *testing.T) {
	w := newCopyWorld(t, "unused.example.com")
	w.createRepository("app", types.ImageTagMutabilityMutable)
	w.test([]resource.TestStep{{
		Config: fmt.Sprintf(`
resource "lambdaseed_image_copy" "app" {
  repository_url = %q
  source_image   = terraform_data.source.output
}

resource "terraform_data" "source" {
  input = "docker://alpine"
}
`, testRepository),
		ExpectError: says(`Invalid source image`),
	}})
	if err := w.wroteNothing(nil); err != nil {
		t.Error(err)
	}
}
