// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"strings"
	"testing"

	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"
)

func callPlaceholderZip(t *testing.T, runtime, handler string) (result map[string]any, argument int64, problem string) {
	t.Helper()
	result, failure := callFunction(t, "placeholder_zip", tftypes.NewValue(tftypes.String, runtime), tftypes.NewValue(tftypes.String, handler))
	if failure == nil {
		return result, -1, ""
	}
	if failure.FunctionArgument == nil {
		return nil, -1, failure.Text
	}
	return nil, *failure.FunctionArgument, failure.Text
}

func TestPlaceholderZip(t *testing.T) {
	t.Parallel()
	for runtime, file := range map[string]string{"python3.13": "src/app.py", "nodejs24.x": "src/app.js", "ruby4.0": "src/app.rb", "provided.al2023": "bootstrap"} {
		result, _, problem := callPlaceholderZip(t, runtime, "src/app.handler")
		if problem != "" {
			t.Fatal(problem)
		}
		encoded, _ := result["content_base64"].(string)
		content, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			t.Fatal(err)
		}
		if sum := sha256.Sum256(content); result["base64sha256"] != base64.StdEncoding.EncodeToString(sum[:]) {
			t.Errorf("%s: the hash is %v", runtime, result["base64sha256"])
		}
		archive, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
		if err != nil {
			t.Fatal(err)
		}
		f, err := archive.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(f); err != nil || !strings.Contains(string(text), "terraform-provider-lambdaseed") {
			t.Errorf("%s: %v, %s", runtime, err, text)
		}
	}
}

func TestPlaceholderZip_errors(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		runtime, handler string
		argument         int64
		want             string
	}{
		{"python3.7", "app.handler", 0, `There is no placeholder for the runtime "python3.7". Supported are python3.8 and later, nodejs16.x and later, ruby3.2 and later, provided.al2 and provided.al2023.`},
		{"java21", "example.Handler::handleRequest", 0, `There is no placeholder for the runtime "java21". Supported are python3.8 and later, nodejs16.x and later, ruby3.2 and later, provided.al2 and provided.al2023. Runtimes of compiled languages need a compiled placeholder, which this function does not have; a function of package type Image gets one from lambdaseed_placeholder_image, whatever its language.`},
		{"", "", 0, `There is no placeholder for the runtime "". Supported are python3.8 and later, nodejs16.x and later, ruby3.2 and later, provided.al2 and provided.al2023.`},
		{"python3.13", "handler", 1, `The handler "handler" does not fit the runtime python3.13: it must name a module and a function, such as "app.handler" for handler in app.py, or "pkg/app.handler" for handler in pkg/app.py.`},
		{"ruby3.4", "../app.handler", 1, `The handler "../app.handler" does not fit the runtime ruby3.4: it must name a file and a method, and may name a class between them, such as "app.handler" for handler in app.rb, or "lib/app.Api::Handler.process" for Api::Handler.process in lib/app.rb.`},
		{"provided.al2023", "", 1, `The handler "" does not fit the runtime provided.al2023: Lambda wants one for every .zip package, even where nothing reads it.`},
	} {
		if _, argument, problem := callPlaceholderZip(t, tt.runtime, tt.handler); argument != tt.argument || problem+"." != tt.want {
			t.Errorf("%s, %s: got the error on argument %d: %s", tt.runtime, tt.handler, argument, problem)
		}
	}
}

// TestPlaceholderZip_terraform calls the function from a configuration, without
// credentials and without a provider block.
func TestPlaceholderZip_terraform(t *testing.T) {
	t.Parallel()
	call := func(arguments string) string {
		return "resource \"terraform_data\" \"handler\" {\n  input = \"app.handler\"\n}\n" +
			"output \"hash\" {\n  value = provider::lambdaseed::placeholder_zip(" + arguments + ").base64sha256\n}\n"
	}
	result, _, _ := callPlaceholderZip(t, "python3.13", "app.handler")
	hash, _ := result["base64sha256"].(string)
	resource.UnitTest(t, resource.TestCase{
		ProtoV6ProviderFactories: factories(),
		Steps: []resource.TestStep{
			{
				Config: call(`"dotnet8", "Assembly::Namespace.Class::Method"`),
				ExpectError: says(`Invalid value for "runtime" parameter: There is no placeholder for the runtime "dotnet8". Supported are python3.8 and later,` +
					` nodejs16.x and later, ruby3.2 and later, provided.al2 and provided.al2023.`),
			},
			{
				Config:      call(`"nodejs22.x", "index"`),
				ExpectError: says(`Invalid value for "handler" parameter: The handler "index" does not fit the runtime nodejs22.x: it must name a file and what it exports, such as "index.handler"`),
			},
			{
				Config: call(`"python3.13", "app.handler"`),
				ConfigStateChecks: []statecheck.StateCheck{
					statecheck.ExpectKnownOutputValue("hash", knownvalue.StringExact(hash)),
				},
			},
			// Not known before the apply.
			{
				Config: call(`"python3.13", terraform_data.handler.output`),
				ConfigStateChecks: []statecheck.StateCheck{
					statecheck.ExpectKnownOutputValue("hash", knownvalue.StringExact(hash)),
				},
			},
		},
	})
}
