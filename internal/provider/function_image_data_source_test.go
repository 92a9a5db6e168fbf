// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"archive/zip"
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/fakeaws"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/seedimage"
)

const functionImage = "lambdaseed_function_image"

// createFunction makes a function beside Terraform, and waits for it.
func (w *world) createFunction(name, uri string) {
	w.t.Helper()
	w.createFunctionFrom(name, &lambda.CreateFunctionInput{
		PackageType: lambdatypes.PackageTypeImage, Code: &lambdatypes.FunctionCode{ImageUri: &uri},
	})
}

func (w *world) createFunctionFrom(name string, in *lambda.CreateFunctionInput) {
	w.t.Helper()
	w.SetLambdaBehaviour(fakeaws.LambdaBehaviour{AnyRole: true, Lag: -1})
	in.FunctionName, in.Role = &name, aws.String("arn:aws:iam::"+testAccount+":role/any")
	if _, err := w.lambda().CreateFunction(w.ctx(), in); err != nil {
		w.t.Fatal(err)
	}
}

func TestFunctionImage(t *testing.T) {
	w := newWorld(t)
	w.createRepository("app", types.ImageTagMutabilityMutable)
	seed := w.push("app", defaultImageTag, placeholder(t, "x86_64", seedimage.Response{}))
	r := w.reader(nil)
	app := block{"function_name": "app"}

	w.ResetRequests()
	expect(t, r.mustRead(functionImage, app), map[string]any{
		"exists": false, "image_uri": nil, "resolved_image_uri": nil, "image_digest": nil, "is_placeholder": nil,
		"architectures": nil, "last_modified": nil, "reason": "The function app does not exist in " + testRegion + ".",
	})
	w.expectRequests("GetFunction")

	w.createFunction("app", testURI)
	w.ResetRequests()
	expect(t, r.mustRead(functionImage, app), map[string]any{
		"exists": true, "image_uri": nil, "resolved_image_uri": testRepository + "@" + seed, "image_digest": seed, "is_placeholder": true,
		"architectures": []any{"x86_64"}, "reason": "The function app still runs a placeholder, " + testURI + ".",
	})
	w.expectRequests("GetFunction", "BatchGetImage")

	digest := w.push("app", "v1", realImage(t, "one"))
	w.deploy("app", testRepository+":v1")
	w.ResetRequests()
	got := r.mustRead(functionImage, app)
	expect(t, got, map[string]any{
		"exists": true, "image_uri": testRepository + ":v1", "resolved_image_uri": testRepository + "@" + digest, "image_digest": digest,
		"is_placeholder": false, "architectures": []any{"x86_64"}, "reason": nil,
	})
	if modified, _ := got["last_modified"].(string); !strings.HasSuffix(modified, "+0000") {
		t.Errorf("last_modified = %q", modified)
	}
	w.expectRequests("GetFunction", "BatchGetImage")

	// The tag moves on, what the function runs does not.
	w.push("app", "v1", placeholder(t, "x86_64", seedimage.Response{}))
	expect(t, r.mustRead(functionImage, app), map[string]any{"image_digest": digest, "is_placeholder": false, "image_uri": testRepository + ":v1"})
}

// A placeholder of any version, wherever it is, is one; what was built on one is
// not.
func TestFunctionImage_placeholders(t *testing.T) {
	w := newWorld(t)
	w.createRepository("app", types.ImageTagMutabilityMutable)
	w.createRepository("elsewhere", types.ImageTagMutabilityMutable)
	w.push("app", "older", olderPlaceholder(t, "arm64"))
	w.push("elsewhere", "seed", placeholder(t, "arm64", seedimage.Response{StatusCode: 429}))
	r := w.reader(nil)
	for name, uri := range map[string]string{"older": testRepository + ":older", "elsewhere": testHost + "/elsewhere:seed"} {
		w.createFunction(name, uri)
		expect(t, r.mustRead(functionImage, block{"function_name": name}), map[string]any{"is_placeholder": true, "image_uri": nil})
	}
}

// Where it cannot be told whether the function runs a placeholder, its image is
// kept.
func TestFunctionImage_untold(t *testing.T) {
	w := newWorld(t)
	w.createRepository("app", types.ImageTagMutabilityMutable)
	digest := w.push("app", "v1", realImage(t, "one"))
	w.createFunction("app", testRepository+":v1")
	r := w.reader(nil)
	untold := func(reason string) {
		t.Helper()
		expect(t, r.mustRead(functionImage, block{"function_name": "app"}), map[string]any{
			"exists": true, "image_uri": testRepository + ":v1", "image_digest": digest, "is_placeholder": nil,
			"reason": fmt.Sprintf(reason, testRepository+"@"+digest),
		})
	}
	w.denyProvider("ecr:BatchGetImage")
	untold("Whether the function runs a placeholder is not known: the look at its image %s is denied. Allow ecr:BatchGetImage on the repository.")
	w.denyProvider()
	w.deleteTag("app", "v1")
	untold("Whether the function runs a placeholder is not known: its image %s is gone from the repository.")
	w.deleteRepository("app")
	untold("Whether the function runs a placeholder is not known: its image %s is gone from the repository.")
}

func TestFunctionImage_qualifierAndRegion(t *testing.T) {
	w := newWorld(t)
	w.createRepository("app", types.ImageTagMutabilityMutable)
	w.push("app", defaultImageTag, placeholder(t, "x86_64", seedimage.Response{}))
	w.push("app", "v1", realImage(t, "one"))
	w.createFunction("app", testURI)
	if _, err := w.lambda().PublishVersion(w.ctx(), &lambda.PublishVersionInput{FunctionName: aws.String("app")}); err != nil {
		t.Fatal(err)
	}
	w.deploy("app", testRepository+":v1")
	r := w.reader(nil)
	expect(t, r.mustRead(functionImage, block{"function_name": "app", "qualifier": "1"}), map[string]any{"is_placeholder": true})
	expect(t, r.mustRead(functionImage, block{"function_name": "app", "qualifier": "$LATEST"}), map[string]any{"image_uri": testRepository + ":v1"})
	expect(t, r.mustRead(functionImage, block{"function_name": "app", "qualifier": "live"}), map[string]any{
		"exists": false, "image_uri": nil,
		"reason": "The function app, or its version or alias live, does not exist in " + testRegion + ".",
	})
	expect(t, r.mustRead(functionImage, block{"function_name": "app", "region": "eu-west-1"}), map[string]any{
		"exists": false, "reason": "The function app does not exist in eu-west-1.",
	})
	elsewhere := w.reader(block{"region": "eu-west-1"})
	expect(t, elsewhere.mustRead(functionImage, block{"function_name": "app", "region": testRegion}), map[string]any{"image_uri": testRepository + ":v1"})
}

// An emulator's host tells no region: the function's is taken.
func TestFunctionImage_emulator(t *testing.T) {
	const region = "eu-west-1"
	w := newWorld(t, fakeaws.WithEmulatorHosts(), fakeaws.WithDefaultRegion(region))
	url := w.emulatorRepository(region, "app")
	host, err := name.NewTag(url + ":v1")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(host, realImage(t, "one"), w.RemoteOptions(w.ctx())...); err != nil {
		t.Fatal(err)
	}
	w.SetLambdaBehaviour(fakeaws.LambdaBehaviour{AnyRole: true, Lag: -1})
	_, err = lambda.NewFromConfig(w.AWSConfig(region)).CreateFunction(w.ctx(), &lambda.CreateFunctionInput{
		FunctionName: aws.String("app"), Role: aws.String("arn:aws:iam::" + testAccount + ":role/any"),
		PackageType: lambdatypes.PackageTypeImage, Code: &lambdatypes.FunctionCode{ImageUri: aws.String(url + ":v1")},
	})
	if err != nil {
		t.Fatal(err)
	}

	endpoints := []any{map[string]any{"ecr": w.URL(), "lambda": w.URL(), "ssm": w.URL(), "sts": w.URL()}}
	r := w.reader(block{"endpoints": endpoints, "https_proxy": nil, "custom_ca_bundle": nil})
	w.ResetRequests()
	expect(t, r.mustRead(functionImage, block{"function_name": "app", "region": region}), map[string]any{
		"image_uri": url + ":v1", "is_placeholder": false, "reason": nil,
	})
	w.expectRequests("GetFunction", "BatchGetImage")
	expect(t, r.mustRead(functionImage, block{"function_name": "app"}), map[string]any{"exists": false})
}

// emulatorRepository makes a repository and returns its URL.
func (w *world) emulatorRepository(region, name string) string {
	w.t.Helper()
	out, err := ecr.NewFromConfig(w.AWSConfig(region)).CreateRepository(w.ctx(), &ecr.CreateRepositoryInput{RepositoryName: &name})
	if err != nil {
		w.t.Fatal(err)
	}
	return aws.ToString(out.Repository.RepositoryUri)
}

// emptyZip is the archive of a function that does nothing.
func emptyZip(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	if _, err := w.Create("app.py"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestFunctionImage_zip(t *testing.T) {
	w := newWorld(t)
	w.createFunctionFrom("app", &lambda.CreateFunctionInput{
		PackageType: lambdatypes.PackageTypeZip, Runtime: lambdatypes.RuntimePython312, Handler: aws.String("app.handler"),
		Code: &lambdatypes.FunctionCode{ZipFile: emptyZip(t)},
	})
	_, problems := w.reader(nil).read(functionImage, block{"function_name": "app"})
	expectProblem(t, problems, "function_name", "Function is not made from an image", "made from a .zip file (package type Zip)")
}

func TestFunctionImage_badInput(t *testing.T) {
	w := newWorld(t)
	r := w.reader(nil)
	for _, test := range []struct {
		config    block
		attribute string
		says      string
	}{
		{block{"function_name": ""}, "function_name", `"" is not the name of a function`},
		{block{"function_name": "a function"}, "function_name", `expected 1 to 64 letters`},
		{block{"function_name": "arn:aws:lambda:eu-west-1:123456789012:function:app"}, "function_name", "is the ARN of a function; write its name"},
		{block{"function_name": "app:live"}, "function_name", "write what is after the colon in the argument qualifier"},
		{block{"function_name": "app", "qualifier": ""}, "qualifier", "is neither a version nor an alias"},
		{block{"function_name": "app", "qualifier": "a/b"}, "qualifier", "is neither a version nor an alias"},
		{block{"function_name": "app", "region": ""}, "region", `"" is not the name of an AWS Region`},
		{block{"function_name": "app", "region": "evil.example/"}, "region", "is not the name of an AWS Region"},
	} {
		_, problems := r.read(functionImage, test.config)
		expectProblem(t, problems, test.attribute, test.says)
	}
	w.expectRequests()
}
