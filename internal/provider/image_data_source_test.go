// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	ggcr "github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/fakeaws"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/seedimage"
)

const imageData = "lambdaseed_image"

// pushIndex pushes an index of images, which are there already, at a tag.
func (w *world) pushIndex(repository, tag string, images ...v1.Image) string {
	w.t.Helper()
	var addenda []mutate.IndexAddendum
	for i, img := range images {
		addenda = append(addenda, mutate.IndexAddendum{Add: img, Descriptor: v1.Descriptor{
			Platform: &v1.Platform{OS: "linux", Architecture: []string{"amd64", "arm64"}[i%2]},
		}})
	}
	index := mutate.AppendManifests(mutate.IndexMediaType(empty.Index, ggcr.OCIImageIndex), addenda...)
	ref, err := name.NewTag(testHost + "/" + repository + ":" + tag)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := remote.WriteIndex(ref, index, w.RemoteOptions(w.ctx())...); err != nil {
		w.t.Fatal(err)
	}
	digest, err := index.Digest()
	if err != nil {
		w.t.Fatal(err)
	}
	return digest.String()
}

// layered makes an image with a layer of a media type.
func layered(t *testing.T, layer ggcr.MediaType) v1.Image {
	t.Helper()
	img := mutate.ConfigMediaType(mutate.MediaType(empty.Image, ggcr.OCIManifestSchema1), ggcr.OCIConfigJSON)
	return withConfig(t, appendFile(t, img, "layer "+string(layer), layer))
}

func TestImage_byTag(t *testing.T) {
	w := newWorld(t)
	r := w.reader(nil)
	named := block{"repository_name": "app", "image_tag": "v1"}
	byURL := block{"repository_url": testRepository, "image_tag": "v1"}
	absent := map[string]any{
		"exists": false, "image_tag": "v1", "image_digest": nil, "image_uri": nil, "is_placeholder": nil,
		"image_pushed_at": nil, "image_size_in_bytes": nil, "lambda_compatible": nil,
	}

	w.ResetRequests()
	got := r.mustRead(imageData, named)
	expect(t, got, absent)
	expect(t, got, map[string]any{"reason": "The repository app does not exist."})
	w.expectRequests("DescribeImages")

	w.createRepository("app", types.ImageTagMutabilityMutable)
	w.ResetRequests()
	got = r.mustRead(imageData, named)
	expect(t, got, absent)
	expect(t, got, map[string]any{"reason": "There is no image v1 in the repository app."})
	expect(t, r.mustRead(imageData, byURL), map[string]any{"reason": "There is no image v1 in the repository " + testRepository + "."})
	w.expectRequests("DescribeImages", "DescribeImages")

	before := w.Now()
	digest := w.push("app", "v1", realImage(t, "one"))
	stored, _ := w.ImageAt(testRegion, "app", "v1")
	present := map[string]any{
		"exists": true, "image_tag": "v1", "image_digest": digest, "image_uri": testRepository + "@" + digest, "is_placeholder": false,
		"image_size_in_bytes": stored.Size, "lambda_compatible": true, "reason": nil,
	}
	w.ResetRequests()
	got = r.mustRead(imageData, byURL)
	expect(t, got, present)
	w.expectRequests("DescribeImages", "BatchGetImage")
	pushedAt, err := time.Parse(time.RFC3339, fmt.Sprint(got["image_pushed_at"]))
	if err != nil || pushedAt.Before(before.Truncate(time.Second)) || pushedAt.After(w.Now()) {
		t.Errorf("image_pushed_at = %v, pushed between %s and %s", got["image_pushed_at"], before, w.Now())
	}
	if _, offset := pushedAt.Zone(); offset != 0 {
		t.Errorf("image_pushed_at = %v is not UTC", got["image_pushed_at"])
	}

	// By its name: the registry's host is asked for once.
	expect(t, r.mustRead(imageData, named), present)
	w.expectRequests("DescribeImages", "BatchGetImage", "DescribeRepositories")
	w.createRepository("second", types.ImageTagMutabilityMutable)
	w.push("second", "v1", realImage(t, "one"))
	w.ResetRequests()
	expect(t, r.mustRead(imageData, block{"repository_name": "second", "image_tag": "v1"}), map[string]any{"image_uri": testHost + "/second@" + digest})
	w.expectRequests("DescribeImages", "BatchGetImage")
}

func TestImage_placeholder(t *testing.T) {
	w := newWorld(t)
	w.createRepository("app", types.ImageTagMutabilityMutable)
	digest := w.push("app", "latest", placeholder(t, "arm64", seedimage.Response{}))
	r := w.reader(nil)
	w.ResetRequests()
	expect(t, r.mustRead(imageData, block{"repository_name": "app", "image_tag": "latest"}), map[string]any{
		"exists": true, "is_placeholder": true, "image_digest": digest, "image_uri": nil, "lambda_compatible": true,
		"reason": "The image " + digest + " in the repository app is a placeholder.",
	})
	w.expectRequests("DescribeImages", "BatchGetImage")
}

func TestImage_lambdaCompatible(t *testing.T) {
	w := newWorld(t)
	w.createRepository("app", types.ImageTagMutabilityMutable)
	artifact := mutate.ConfigMediaType(layered(t, ggcr.OCILayer), "application/vnd.example.config+json")
	for tag, img := range map[string]v1.Image{
		"docker": realImage(t, "docker"), "oci": layered(t, ggcr.OCILayer), "zstd": layered(t, ggcr.OCILayerZStd),
		"tar": layered(t, ggcr.OCIUncompressedLayer), "artifact": artifact,
	} {
		w.push("app", tag, img)
	}
	index := w.pushIndex("app", "index", realImage(t, "docker"))
	r := w.reader(nil)
	for tag, compatible := range map[string]bool{
		"docker": true, "oci": true, "zstd": false, "tar": false, "artifact": false,
	} {
		got := r.mustRead(imageData, block{"repository_url": testRepository, "image_tag": tag})
		if got["lambda_compatible"] != compatible || got["is_placeholder"] != false || got["image_uri"] == nil {
			t.Errorf("%s: %v", tag, got)
		}
	}
	w.ResetRequests()
	expect(t, r.mustRead(imageData, block{"repository_url": testRepository, "image_tag": "index"}), map[string]any{
		"exists": true, "image_digest": index, "image_uri": testRepository + "@" + index, "is_placeholder": false, "lambda_compatible": false,
	})
	w.expectRequests("DescribeImages")
}

func TestImage_elsewhere(t *testing.T) {
	const region, account = "eu-west-1", "210987654321"
	w := newWorld(t, fakeaws.WithCredential("AKIAOTHERACCOUNT0001", account, "arn:aws:iam::"+account+":user/other"))
	other := w.AWSConfig(region)
	other.Credentials = credentials.NewStaticCredentialsProvider("AKIAOTHERACCOUNT0001", "secret", "")
	client := ecr.NewFromConfig(other)
	if _, err := client.CreateRepository(w.ctx(), &ecr.CreateRepositoryInput{RepositoryName: aws.String("app")}); err != nil {
		t.Fatal(err)
	}
	_, err := client.SetRepositoryPolicy(w.ctx(), &ecr.SetRepositoryPolicyInput{
		RepositoryName: aws.String("app"),
		PolicyText: aws.String(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + testAccount + `:root"},
			"Action":["ecr:DescribeImages","ecr:BatchGetImage","ecr:DescribeRepositories"]}]}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	url := account + ".dkr.ecr." + region + ".amazonaws.com/app"
	ref, err := name.NewTag(url + ":v1")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, realImage(t, "one"), w.RemoteOptionsFor(w.ctx(), "AKIAOTHERACCOUNT0001", region)...); err != nil {
		t.Fatal(err)
	}
	digest := digestOf(t, realImage(t, "one"))
	r := w.reader(nil)
	for _, config := range []block{
		{"repository_url": url, "image_tag": "v1"},
		{"repository_name": "app", "region": region, "registry_id": account, "image_tag": "v1"},
		{"repository_name": "app", "region": region, "registry_id": account, "most_recent": true},
	} {
		expect(t, r.mustRead(imageData, config), map[string]any{"image_uri": url + "@" + digest, "image_tag": "v1"})
	}
	expect(t, r.mustRead(imageData, block{"repository_name": "app", "region": region, "image_tag": "v1"}), map[string]any{
		"exists": false, "reason": "The repository app does not exist.",
	})
}

func TestImage_emulator(t *testing.T) {
	w := newWorld(t, fakeaws.WithEmulatorHosts())
	url := w.emulatorRepository(testRegion, "app")
	ref, err := name.NewTag(url + ":v1")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(ref, realImage(t, "one"), w.RemoteOptions(w.ctx())...); err != nil {
		t.Fatal(err)
	}
	w.publish("/app/image", "String", url+":v1")
	endpoints := []any{map[string]any{"ecr": w.URL(), "lambda": w.URL(), "ssm": w.URL(), "sts": w.URL()}}
	r := w.reader(block{"endpoints": endpoints, "https_proxy": nil, "custom_ca_bundle": nil})
	want := map[string]any{"image_uri": url + "@" + digestOf(t, realImage(t, "one")), "image_tag": "v1"}
	for _, config := range []block{
		{"repository_url": url, "image_tag": "v1"},
		{"repository_name": "app", "image_tag": "v1"},
		{"repository_name": "app", "most_recent": true},
		{"repository_url": url, "ssm_parameter_name": "/app/image"},
		{"repository_name": "app", "ssm_parameter_name": "/app/image"},
	} {
		expect(t, r.mustRead(imageData, config), want)
	}
}

func TestImage_badInput(t *testing.T) {
	w := newWorld(t)
	r := w.reader(nil)
	w.ResetRequests()
	for _, test := range []struct {
		config    block
		attribute string
		says      string
	}{
		{block{"image_tag": "v1"}, "", "Exactly one of these attributes must be configured: [repository_name,repository_url]"},
		{block{"repository_name": "app", "repository_url": testRepository, "image_tag": "v1"}, "repository_name", "Exactly one of these attributes must be configured: [repository_name,repository_url]"},
		{block{"repository_name": "app"}, "", "Exactly one of these attributes must be configured: [image_tag,ssm_parameter_name,most_recent]"},
		{block{"repository_name": "app", "image_tag": "v1", "most_recent": true}, "image_tag", "Exactly one of these attributes must be configured: [image_tag,ssm_parameter_name,most_recent]"},
		{block{"repository_name": "app", "most_recent": false}, "most_recent", "Value must be \"true\""},
		{block{"repository_name": "A", "image_tag": "v1"}, "repository_name", "ECR takes 2 to 256"},
		{block{"repository_name": testRepository + "/APP", "image_tag": "v1"}, "repository_name", "is not one that ECR takes"},
		{block{"repository_url": "https://" + testRepository, "image_tag": "v1"}, "repository_url", "begins with a scheme"},
		{block{"repository_url": testRepository + ":v1", "image_tag": "v1"}, "repository_url", "names a tag"},
		{block{"repository_url": testRepository, "region": testRegion, "image_tag": "v1"}, "region", `"repository_name" must be specified when "region" is specified`},
		{block{"repository_url": testRepository, "registry_id": testAccount, "image_tag": "v1"}, "registry_id", `"repository_name" must be specified when "registry_id" is specified`},
		{block{"repository_name": "app", "registry_id": "1", "image_tag": "v1"}, "registry_id", "expected twelve digits"},
		{block{"repository_name": "app", "region": "Tokyo", "image_tag": "v1"}, "region", "is not the name of an AWS Region"},
		{block{"repository_name": "app", "image_tag": "a/b"}, "image_tag", "is not an image tag"},
		{block{"repository_name": "app", "ssm_parameter_name": ""}, "ssm_parameter_name", "is not the name or ARN of an SSM parameter"},
		{block{"repository_name": "app", "ssm_parameter_name": "app/image"}, "ssm_parameter_name", "a name with levels begins with a slash"},
		{block{"repository_name": "app", "ssm_parameter_name": "arn:aws:ssm:eu-west-1:1:parameter/a"}, "ssm_parameter_name", "is not the name or ARN of an SSM parameter"},
	} {
		_, problems := r.read(imageData, test.config)
		expectProblem(t, problems, test.attribute, test.says)
	}
	w.expectRequests()
}
