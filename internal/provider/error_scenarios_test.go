// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/ecrrepo"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/fakeaws"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/handover"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/seedimage"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/sourceimage"
)

const placeholderType, copyType = "lambdaseed_placeholder_image", "lambdaseed_image_copy"

// errorScenarios bring about what is listed.
var errorScenarios = map[string]func(*world, *listing){
	"arguments of the placeholder":  listPlaceholderArguments,
	"arguments of the copy":         listCopyArguments,
	"arguments of the data sources": listDataSourceArguments,
	"arguments of the provider":     listProviderArguments,
	"functions":                     listFunctions,
	"import":                        listImport,
	"what ECR answers":              listECR,
	"what a source answers":         listSources,
	"what Lambda and SSM answer":    listHandover,
	"credentials":                   listCredentials,
	"a tag that is taken":           listTakenTag,
	"an immutable tag":              listImmutableTag,
	"destruction":                   listDestruction,
	"a provider that is not known":  listUnknownProvider,
	"private state that is no JSON": listPrivateState,
	"what the data sources refuse":  listRefusals,
}

func seedBlock(more block) block {
	b := block{"repository_url": testRepository}
	maps.Copy(b, more)
	return b
}

func listPlaceholderArguments(w *world, l *listing) {
	m := w.managed(placeholderType, nil)
	long := strings.Repeat("x", seedimage.MaxBodySize+1)
	for title, config := range map[string]block{
		"repository_url with a scheme":             {"repository_url": "https://" + testRepository},
		"repository_url with a tag":                {"repository_url": testRepository + ":latest"},
		"repository_url with a digest":             {"repository_url": testRepository + "@sha256:0"},
		"repository_url with upper-case letters":   {"repository_url": testHost + "/App"},
		"repository_url with a slash at its end":   {"repository_url": testRepository + "/"},
		"repository_url without a name":            {"repository_url": testHost},
		"repository_url of ECR Public":             {"repository_url": "public.ecr.aws/lambda/python"},
		"repository_url of Docker Hub":             {"repository_url": "library/alpine"},
		"repository_url with a FIPS host":          {"repository_url": testAccount + ".dkr.ecr-fips.us-east-1.amazonaws.com/app"},
		"repository_url that is an ARN":            {"repository_url": "arn:aws:ecr:" + testRegion + ":" + testAccount + ":repository/app"},
		"repository_url that is empty":             {"repository_url": ""},
		"image_tag with a blank":                   seedBlock(block{"image_tag": "not a tag"}),
		"image_tag that is empty":                  seedBlock(block{"image_tag": ""}),
		"architectures that are two":               seedBlock(block{"architectures": []any{"x86_64", "arm64"}}),
		"architectures that are none":              seedBlock(block{"architectures": []any{}}),
		"architectures with null":                  seedBlock(block{"architectures": []any{nil}}),
		"architectures in docker's words":          seedBlock(block{"architectures": []any{"amd64"}}),
		"architectures in docker's words, for arm": seedBlock(block{"architectures": []any{"aarch64"}}),
		"architectures that Lambda does not have":  seedBlock(block{"architectures": []any{"riscv64"}}),
		"if_exists that is not there":              seedBlock(block{"if_exists": "overwrite"}),
		"http_response with a strange status":      seedBlock(block{"http_response": block{"status_code": 42, "content_type": nil, "body": nil}}),
		"http_response with a strange media type":  seedBlock(block{"http_response": block{"content_type": "text/plain\nX-Evil: 1"}}),
		"http_response with a body that is long":   seedBlock(block{"http_response": block{"body": long}}),
		"timeouts that are none":                   seedBlock(block{"timeouts": block{"create": "soon"}}),
	} {
		l.add("lambdaseed_placeholder_image: "+title, m.apply(config)...)
	}
}

func listCopyArguments(w *world, l *listing) {
	m := w.managed(copyType, nil)
	for title, config := range map[string]block{
		"source_image with a scheme":           {"source_image": "https://public.ecr.aws/lambda/python:3.13"},
		"source_image with upper-case letters": {"source_image": "Alpine"},
		"source_image that is empty":           {"source_image": ""},
		"source_auth without a user name":      {"source_image": "alpine:3.22", "source_auth": block{"username": "", "password_wo": "secret"}},
	} {
		l.add("lambdaseed_image_copy: "+title, m.apply(seedBlock(config))...)
	}
}

func listDataSourceArguments(w *world, l *listing) {
	r := w.reader(nil)
	validate := func(name, title string, config block) {
		dynamic, _ := r.dataConfig(name, config)
		resp, err := r.server.ValidateDataResourceConfig(w.ctx(), &tfprotov6.ValidateDataResourceConfigRequest{TypeName: name, Config: dynamic})
		if err != nil {
			w.t.Fatal(err)
		}
		l.add(name+": "+title, resp.Diagnostics...)
	}
	for title, config := range map[string]block{
		"neither repository_name nor repository_url": {"image_tag": "v1"},
		"both repository_name and repository_url":    {"repository_name": "app", "repository_url": testRepository, "image_tag": "v1"},
		"nothing to look up":                         {"repository_name": "app"},
		"two things to look up":                      {"repository_name": "app", "image_tag": "v1", "most_recent": true},
		"most_recent = false":                        {"repository_name": "app", "most_recent": false},
		"repository_name with upper-case letters":    {"repository_name": "App", "image_tag": "v1"},
		"repository_name that is a URL":              {"repository_name": testRepository, "image_tag": "v1"},
		"region that is a zone":                      {"repository_name": "app", "region": "Tokyo", "image_tag": "v1"},
		"region beside repository_url":               {"repository_url": testRepository, "region": testRegion, "image_tag": "v1"},
		"registry_id that is an alias":               {"repository_name": "app", "registry_id": "production", "image_tag": "v1"},
		"ssm_parameter_name that is none":            {"repository_name": "app", "ssm_parameter_name": "/app/my image"},
		"ssm_parameter_name that is empty":           {"repository_name": "app", "ssm_parameter_name": ""},
	} {
		validate("lambdaseed_image", title, config)
	}
	for title, config := range map[string]block{
		"function_name that is an ARN": {"function_name": "arn:aws:lambda:" + testRegion + ":" + testAccount + ":function:app"},
		"function_name that is empty":  {"function_name": ""},
		"function_name with an alias":  {"function_name": "app:live"},
		"qualifier that is none":       {"function_name": "app", "qualifier": "a b"},
		"region that is empty":         {"function_name": "app", "region": ""},
	} {
		validate("lambdaseed_function_image", title, config)
	}
}

func listProviderArguments(w *world, l *listing) {
	p := serve(w.t)
	role := func(arguments block) block { return block{"assume_role": []any{map[string]any(arguments)}} }
	endpoints := func(blocks ...any) block { return block{"endpoints": blocks} }
	for title, config := range map[string]block{
		"access_key alone":                     {"access_key": "AKIAIOSFODNN7EXAMPLE"},
		"allowed and forbidden accounts":       {"allowed_account_ids": []any{testAccount}, "forbidden_account_ids": []any{testAccount}},
		"region that does not exist":           {"region": "ap-northeast-1a"},
		"http_proxy alone":                     {"http_proxy": "http://proxy.example.com:3128"},
		"https_proxy without a scheme":         {"https_proxy": "proxy.example.com:3128"},
		"https_proxy of another kind":          {"https_proxy": "ftp://proxy.example.com"},
		"max_retries below zero":               {"max_retries": -1},
		"retry_mode that is none":              {"retry_mode": "legacy"},
		"skip_metadata_api_check that is none": {"skip_metadata_api_check": "maybe"},
		"endpoint without a scheme":            endpoints(map[string]any{"ecr": "localhost:4566"}),
		"endpoint with a user":                 endpoints(map[string]any{"ecr": "https://me@localhost:4566"}),
		"endpoint with a query":                endpoints(map[string]any{"ecr": "https://localhost:4566/?a=b"}),
		"two endpoints for ECR":                endpoints(map[string]any{"ecr": "https://one.example.com"}, map[string]any{"ecr": "https://two.example.com"}),
		"assume_role without a role":           role(block{"role_arn": ""}),
		"assume_role, one of two without":      {"assume_role": []any{map[string]any{"role_arn": "arn:aws:iam::123456789012:role/ci"}, map[string]any{}}},
		"assume_role with a name":              role(block{"role_arn": "deploy"}),
		"assume_role for a minute":             role(block{"role_arn": "arn:aws:iam::123456789012:role/ci", "duration": "1m"}),
		"assume_role for a while":              role(block{"role_arn": "arn:aws:iam::123456789012:role/ci", "duration": "a while"}),
		"assume_role in a strange session":     role(block{"role_arn": "arn:aws:iam::123456789012:role/ci", "session_name": "a b"}),
		"assume_role with a strange ID":        role(block{"role_arn": "arn:aws:iam::123456789012:role/ci", "external_id": "a b"}),
		"assume_role with a policy":            role(block{"role_arn": "arn:aws:iam::123456789012:role/ci", "policy": "allow everything"}),
		"web identity from two places": {"assume_role_with_web_identity": []any{map[string]any{
			"role_arn": "arn:aws:iam::123456789012:role/ci", "web_identity_token": "token", "web_identity_token_file": "/token",
		}}},
	} {
		resp, err := p.server.ValidateProviderConfig(w.ctx(), &tfprotov6.ValidateProviderConfigRequest{Config: p.config(config)})
		if err != nil {
			w.t.Fatal(err)
		}
		l.add("provider: "+title, resp.Diagnostics...)
	}
}

func listFunctions(w *world, l *listing) {
	text := func(s string) tftypes.Value { return tftypes.NewValue(tftypes.String, s) }
	for _, call := range []struct {
		name      string
		arguments []string
	}{
		{"parse_image_uri", []string{"public.ecr.aws/lambda/python:3.13"}},
		{"parse_image_uri", []string{"https://" + testURI}},
		{"parse_image_uri", []string{testRepository + ":"}},
		{"parse_image_uri", []string{""}},
		{"placeholder_zip", []string{"java21", "app.Handler::handle"}},
		{"placeholder_zip", []string{"python", "app.handler"}},
		{"placeholder_zip", []string{"python3.13", "handler"}},
		{"placeholder_zip", []string{"nodejs22.x", ""}},
	} {
		values := make([]tftypes.Value, len(call.arguments))
		for i, argument := range call.arguments {
			values[i] = text(argument)
		}
		_, problem := callFunction(w.t, call.name, values...)
		if problem == nil {
			w.t.Fatalf("%s(%q) has no problem", call.name, call.arguments)
		}
		l.add(fmt.Sprintf("%s(%q)", call.name, call.arguments), &tfprotov6.Diagnostic{
			Severity: tfprotov6.DiagnosticSeverityError, Summary: "Error in function call", Detail: problem.Text,
		})
	}
}

func listImport(w *world, l *listing) {
	m := w.managed(placeholderType, nil)
	for title, id := range map[string]string{
		"without a tag":   testRepository,
		"by a digest":     testRepository + "@sha256:" + strings.Repeat("0", 64),
		"of a name alone": "app",
		"of a FIPS host":  testAccount + ".dkr.ecr-fips.us-east-1.amazonaws.com/app:seed",
	} {
		l.add("terraform import "+title, m.importID(id)...)
	}
}

// plain is a diagnostic of the framework in the protocol's words.
func plain(d diag.Diagnostic) *tfprotov6.Diagnostic {
	severity := tfprotov6.DiagnosticSeverityError
	if d.Severity() == diag.SeverityWarning {
		severity = tfprotov6.DiagnosticSeverityWarning
	}
	return &tfprotov6.Diagnostic{Severity: severity, Summary: d.Summary(), Detail: d.Detail()}
}

// listECR brings about what ECR can be made to say, and writes the rest as it
// would be said.
func listECR(w *world, l *listing) {
	m := w.managed(placeholderType, nil)
	l.add("ECR: the repository does not exist", m.apply(seedBlock(nil))...)
	w.createRepository("app", types.ImageTagMutabilityMutable)
	l.add("ECR: the repository is on another host", m.apply(block{"repository_url": "localhost:5000/app"})...)
	fault := w.Inject(fakeaws.Fault{Service: "ecr", Operation: "BatchGetImage", Kind: fakeaws.FaultInternalError, Count: -1})
	l.add("ECR: an error of its own", m.apply(seedBlock(nil))...)
	fault.Remove()
	w.denyProvider("ecr:PutImage")
	l.add("ECR: a push is denied", m.apply(seedBlock(nil))...)
	w.denyProvider("ecr:BatchGetImage")
	l.add("ECR: a look is denied", m.apply(seedBlock(nil))...)
	w.denyProvider()
	for title, kind := range map[string]fakeaws.FaultKind{
		"requests are throttled": fakeaws.FaultThrottle,
		"a proxy answers":        fakeaws.FaultHTML,
	} {
		fault := w.Inject(fakeaws.Fault{Service: "ecr", Operation: "BatchGetImage", Kind: kind, Count: -1})
		l.add("ECR: "+title, m.apply(seedBlock(nil))...)
		fault.Remove()
	}
	written := []error{ecrrepo.ErrCredentials, ecrrepo.ErrUnreachable, ecrrepo.ErrTimeout, ecrrepo.ErrCanceled, ecrrepo.ErrImageNotFound}
	for _, r := range remedies {
		if slices.Contains(written, r.reason) {
			err := fmt.Errorf("%w: %w", r.reason, &ecrrepo.Error{Action: "ecr:PutImage", Resource: testRepository, Message: "(its words)", StatusCode: 400, RequestID: "…"})
			l.add("ECR: "+r.reason.Error(), plain(newDiagnostic("Creating the placeholder image", err)))
		}
	}
	l.add("ECR: anything else", plain(newDiagnostic("Creating the placeholder image", &ecrrepo.Error{
		Action: "ecr:PutImage", Resource: testRepository, Code: "LimitExceededException", Message: "(its words)", StatusCode: 400, RequestID: "…",
	})))
	l.add("an error of no known kind", plain(newDiagnostic("Creating the placeholder image", errors.New("(its words)"))))
}

// listSources writes what is said of source registries.
func listSources(_ *world, l *listing) {
	ofSources := []error{
		sourceimage.ErrNotFound, sourceimage.ErrDenied, sourceimage.ErrDockerHubLimit, sourceimage.ErrThrottled, sourceimage.ErrUnreachable,
		sourceimage.ErrFault, sourceimage.ErrUnexpectedAnswer, sourceimage.ErrCorrupt, sourceimage.ErrPlainHTTP, sourceimage.ErrPlatform,
		sourceimage.ErrUnsupported, sourceimage.ErrTimeout, sourceimage.ErrCanceled,
	}
	for _, r := range remedies {
		if slices.Contains(ofSources, r.reason) {
			l.add("a source: "+r.summary, plain(newDiagnostic("Reading the source image", fmt.Errorf("%w: (the registry's words)", r.reason))))
		}
	}
}

func listHandover(w *world, l *listing) {
	r := w.reader(nil)
	read := func() []*tfprotov6.Diagnostic {
		dynamic, _ := r.dataConfig("lambdaseed_function_image", block{"function_name": "app"})
		resp, err := r.server.ReadDataSource(w.ctx(), &tfprotov6.ReadDataSourceRequest{TypeName: "lambdaseed_function_image", Config: dynamic})
		if err != nil {
			w.t.Fatal(err)
		}
		return resp.Diagnostics
	}
	for title, kind := range map[string]fakeaws.FaultKind{
		"denied":              fakeaws.FaultDenied,
		"throttled":           fakeaws.FaultThrottle,
		"a proxy answers":     fakeaws.FaultHTML,
		"an error of its own": fakeaws.FaultInternalError,
		"no answer":           fakeaws.FaultDropBefore,
	} {
		fault := w.Inject(fakeaws.Fault{Service: "lambda", Operation: "GetFunction", Kind: kind, Count: -1})
		l.add("Lambda: "+title, read()...)
		fault.Remove()
	}
	for _, found := range handoverRemedies {
		if errors.Is(found.reason, handover.ErrTimeout) || errors.Is(found.reason, handover.ErrCanceled) {
			err := fmt.Errorf("%w: %w", found.reason, &handover.Error{Action: "lambda:GetFunction", Resource: "function app in " + testRegion})
			l.add("Lambda: "+found.reason.Error(), plain(newHandoverDiagnostic("Reading the function", err)))
		}
	}
}

func listCredentials(w *world, l *listing) {
	const denied = "arn:aws:iam::" + testAccount + ":role/denied"
	w.DenyAssumeRole(denied)
	for title, config := range map[string]block{
		"of another account":       {"allowed_account_ids": []any{"210987654321"}},
		"of a role that is denied": {"assume_role": []any{map[string]any{"role_arn": denied}}},
		"of a profile that is not there": {
			"access_key": nil, "secret_key": nil, "profile": "nobody",
			"shared_config_files": []any{w.ca + ".none"}, "shared_credentials_files": []any{w.ca + ".none"},
		},
		"for another region's name":         {"region": "ap-northeast-1a", "skip_region_validation": false},
		"through a proxy that is not there": {"https_proxy": "http://127.0.0.1:1"},
	} {
		l.add("credentials "+title, w.managed(placeholderType, config).apply(seedBlock(nil))...)
	}
}

func listTakenTag(w *world, l *listing) {
	w.createRepository("app", types.ImageTagMutabilityMutable)
	w.push("app", "real", realImage(w.t, "one"))
	w.push("app", "arm", placeholder(w.t, seedimage.ArchitectureARM64, seedimage.Response{}))
	l.add("create: the tag holds a placeholder for another architecture", w.managed(placeholderType, nil).apply(seedBlock(block{"image_tag": "arm"}))...)
	l.add("create: the tag holds a real image, adopt", w.managed(placeholderType, nil).apply(seedBlock(block{"image_tag": "real"}))...)
	l.add("create: the tag holds a real image, error", w.managed(placeholderType, nil).apply(seedBlock(block{"image_tag": "real", "if_exists": "error"}))...)
}

func listImmutableTag(w *world, l *listing) {
	w.createRepository("app", types.ImageTagMutabilityImmutable)
	m := w.managed(placeholderType, nil)
	l.add("create: latest, where tags are immutable", m.apply(seedBlock(block{"image_tag": "latest"}))...)
	l.add("change of architectures, where tags are immutable", m.apply(seedBlock(block{"image_tag": "latest", "architectures": []any{"arm64"}}))...)
}

func listDestruction(w *world, l *listing) {
	w.createRepository("app", types.ImageTagMutabilityMutable)
	m := w.managed(placeholderType, nil)
	m.apply(seedBlock(nil))
	w.push("app", defaultImageTag, realImage(w.t, "one"))
	m.refresh()
	l.add("destroy: the pipeline has taken the tag", m.destroy()...)

	m = w.managed(placeholderType, nil)
	m.apply(seedBlock(block{"image_tag": "kept", "skip_destroy": true}))
	l.add("destroy: skip_destroy", m.destroy()...)
}

func listUnknownProvider(w *world, l *listing) {
	w.createRepository("app", types.ImageTagMutabilityMutable)
	m := w.managed(placeholderType, nil)
	m.apply(seedBlock(nil))
	m.configure(w.providerBlock(block{"assume_role": []any{map[string]any{"role_arn": unknown}}}))
	l.add("refresh: an argument of the provider is not known yet", m.refresh()...)

	r := w.reader(block{"assume_role": []any{map[string]any{"role_arn": unknown}}})
	dynamic, _ := r.dataConfig("lambdaseed_function_image", block{"function_name": "app"})
	resp, err := r.server.ReadDataSource(w.ctx(), &tfprotov6.ReadDataSourceRequest{TypeName: "lambdaseed_function_image", Config: dynamic})
	if err != nil {
		w.t.Fatal(err)
	}
	l.add("data source: an argument of the provider is not known yet", resp.Diagnostics...)
}

func listPrivateState(w *world, l *listing) {
	w.createRepository("app", types.ImageTagMutabilityMutable)
	m := w.managed(placeholderType, nil)
	m.apply(seedBlock(nil))
	m.private = []byte(`{"ownership":"W10="}`)
	l.add("refresh: the private state was damaged", m.refresh()...)
}

// listRefusals has what is an error although AWS has answered.
func listRefusals(w *world, l *listing) {
	w.createRepository("app", types.ImageTagMutabilityMutable)
	w.createFunctionFrom("zipped", &lambda.CreateFunctionInput{
		PackageType: lambdatypes.PackageTypeZip, Runtime: lambdatypes.RuntimePython313, Handler: aws.String("app.handler"),
		Code: &lambdatypes.FunctionCode{ZipFile: emptyZip(w.t)},
	})
	r := w.reader(nil)
	read := func(title, name string, config block) {
		dynamic, _ := r.dataConfig(name, config)
		resp, err := r.server.ReadDataSource(w.ctx(), &tfprotov6.ReadDataSourceRequest{TypeName: name, Config: dynamic})
		if err != nil {
			w.t.Fatal(err)
		}
		l.add(name+": "+title, resp.Diagnostics...)
	}
	read("a function of package type Zip", "lambdaseed_function_image", block{"function_name": "zipped"})
	for title, p := range map[string]struct {
		kind  ssmtypes.ParameterType
		value string
	}{
		"a list":                   {ssmtypes.ParameterTypeStringList, "v1,v2"},
		"the URI of another image": {ssmtypes.ParameterTypeString, testHost + "/other:v1"},
		"a URL without a tag":      {ssmtypes.ParameterTypeString, testRepository},
		"a digest that is short":   {ssmtypes.ParameterTypeString, "sha256:0123"},
		"words":                    {ssmtypes.ParameterTypeString, "the new version"},
		"a URL of the web":         {ssmtypes.ParameterTypeString, "https://example.com/app"},
		"a secret":                 {ssmtypes.ParameterTypeSecureString, "not for everybody's eyes"},
	} {
		name := "/errors/" + strings.ReplaceAll(title, " ", "-")
		w.publish(name, p.kind, p.value)
		read("the parameter holds "+title, "lambdaseed_image", block{"repository_name": "app", "ssm_parameter_name": name})
	}
}
