// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	ggcr "github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/fakeaws"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/seedimage"
)

var mostRecent = block{"repository_name": "app", "most_recent": true}

// pushLater pushes with another date than what was pushed before.
func (w *world) pushLater(tag string, img v1.Image) string {
	w.t.Helper()
	w.Advance(time.Minute)
	return w.push("app", tag, img)
}

func TestImage_mostRecent(t *testing.T) {
	w := newWorld(t)
	r := w.reader(nil)

	w.ResetRequests()
	expect(t, r.mustRead(imageData, mostRecent), map[string]any{"exists": false, "image_tag": nil, "image_uri": nil, "reason": "The repository app does not exist."})
	w.expectRequests("DescribeImages")
	w.createRepository("app", types.ImageTagMutabilityMutable)
	w.ResetRequests()
	nothing := map[string]any{"exists": false, "image_uri": nil, "reason": "The repository app holds no tagged image beside placeholders."}
	expect(t, r.mustRead(imageData, mostRecent), nothing)
	w.expectRequests("DescribeImages")

	// Never a placeholder, of whichever version.
	w.pushLater(defaultImageTag, placeholder(t, "x86_64", seedimage.Response{}))
	w.pushLater("older", olderPlaceholder(t, "x86_64"))
	w.ResetRequests()
	expect(t, r.mustRead(imageData, mostRecent), nothing)
	w.expectRequests("DescribeImages", "BatchGetImage")

	one := w.pushLater("v1", realImage(t, "one"))
	w.pushLater("arm", placeholder(t, "arm64", seedimage.Response{}))
	w.ResetRequests()
	expect(t, r.mustRead(imageData, mostRecent), map[string]any{
		"exists": true, "image_tag": "v1", "image_digest": one, "image_uri": testRepository + "@" + one, "is_placeholder": false, "lambda_compatible": true,
	})
	w.expectRequests("DescribeImages", "BatchGetImage", "DescribeRepositories")

	// Never an untagged image.
	two := w.pushLater("v2", realImage(t, "two"))
	w.push("app", "a-name-before-v2", realImage(t, "two"))
	expect(t, r.mustRead(imageData, mostRecent), map[string]any{"image_digest": two, "image_tag": "a-name-before-v2"})
	w.deleteTag("app", "a-name-before-v2")
	w.push("app", "v2", realImage(t, "one"))
	w.ResetRequests()
	expect(t, r.mustRead(imageData, mostRecent), map[string]any{"image_digest": one, "image_tag": "v1"})
	w.expectRequests("DescribeImages", "BatchGetImage")
}

// A platform's image that hangs in an index is never picked, even where it has a
// tag of its own and the dates do not tell.
func TestImage_mostRecentIndex(t *testing.T) {
	w := newWorld(t)
	w.createRepository("app", types.ImageTagMutabilityMutable)
	r := w.reader(nil)
	w.pushLater("v1", realImage(t, "one"))
	w.pushLater("v2-amd64", realImage(t, "two"))
	w.pushLater("v2-arm64", realImage(t, "two for arm"))
	w.Advance(time.Minute)
	index := w.pushIndex("app", "v2", realImage(t, "two"), realImage(t, "two for arm"))

	w.ResetRequests()
	expect(t, r.mustRead(imageData, block{"repository_url": testRepository, "most_recent": true}), map[string]any{
		"image_tag": "v2", "image_digest": index, "lambda_compatible": false, "is_placeholder": false, "image_uri": testRepository + "@" + index,
	})
	w.expectRequests("DescribeImages")

	three := w.pushLater("v3", realImage(t, "three"))
	w.ResetRequests()
	expect(t, r.mustRead(imageData, block{"repository_url": testRepository, "most_recent": true}), map[string]any{"image_tag": "v3", "image_digest": three})
	w.expectRequests("DescribeImages", "BatchGetImage", "BatchGetImage")

	// Dates in another order: the image listed would be the newest.
	w.Inject(fakeaws.Fault{Operation: "DescribeImages", Count: -1, Kind: fakeaws.FaultRewrite, Rewrite: redate(t, map[string]time.Time{
		"v2-arm64": w.Now().Add(2 * time.Hour), "v2-amd64": w.Now().Add(time.Hour), "v1": w.Now(),
	})})
	expect(t, r.mustRead(imageData, mostRecent), map[string]any{"image_tag": "v3", "image_digest": three})
}

// What tools keep beside images is not an image: signatures, attestations,
// charts.
func TestImage_mostRecentArtifacts(t *testing.T) {
	w := newWorld(t)
	w.createRepository("app", types.ImageTagMutabilityMutable)
	digest := w.pushLater("v1", realImage(t, "one"))
	about := "sha256-" + digest[len("sha256:"):]
	w.pushLater(about+".sig", layered(t, ggcr.OCILayer))
	w.pushLater("attestation", layered(t, "application/vnd.in-toto+json"))
	w.pushLater("chart", mutate.ConfigMediaType(layered(t, ggcr.OCILayer), "application/vnd.cncf.helm.config.v1+json"))
	image, err := partial.Descriptor(realImage(t, "one"))
	if err != nil {
		t.Fatal(err)
	}
	referrer, ok := mutate.Subject(layered(t, ggcr.OCILayer), *image).(v1.Image)
	if !ok {
		t.Fatal("an image with a subject is no image")
	}
	w.pushLater("referrer", referrer)
	w.Advance(time.Minute)
	w.pushIndex("app", about, realImage(t, "one"))
	// That index lists v1, and does not make a platform's image of it.
	expect(t, w.reader(nil).mustRead(imageData, mostRecent), map[string]any{"image_tag": "v1", "image_digest": digest})
}

// redate gives images, by one of their tags, another date in what
// DescribeImages answers.
func redate(t *testing.T, dates map[string]time.Time) func(*fakeaws.Answer) {
	return func(answer *fakeaws.Answer) {
		var body map[string]any
		if err := json.Unmarshal(answer.Body, &body); err != nil {
			t.Error(err)
			return
		}
		details, _ := body["imageDetails"].([]any)
		for _, detail := range details {
			fields, _ := detail.(map[string]any)
			tags, _ := fields["imageTags"].([]any)
			for _, tag := range tags {
				if date, ok := dates[fmt.Sprint(tag)]; ok {
					fields["imagePushedAt"] = date.Unix()
				}
			}
		}
		changed, err := json.Marshal(body)
		if err != nil {
			t.Error(err)
			return
		}
		answer.Body = changed
		answer.Header.Del("Content-Length")
	}
}

// ECR gives a thousand at once, in an order of its own.
func TestImage_mostRecentOfMany(t *testing.T) {
	w := newWorld(t)
	w.createRepository("app", types.ImageTagMutabilityMutable)
	w.push("app", "v0", realImage(t, "zero"))
	base, ok := w.ImageAt(testRegion, "app", "v0")
	if !ok {
		t.Fatal("nothing at v0")
	}
	client := w.ecr()
	var last string
	for i := range 2100 {
		// White space alone gives each manifest a digest of its own.
		manifest := string(base.Manifest) + fmt.Sprintf("%*s", i+1, "\n")
		out, err := client.PutImage(w.ctx(), &ecr.PutImageInput{
			RepositoryName: aws.String("app"), ImageManifest: &manifest, ImageTag: aws.String(fmt.Sprintf("v%04d", i)),
		})
		if err != nil {
			t.Fatal(err)
		}
		last = aws.ToString(out.Image.ImageId.ImageDigest)
		if i == 1050 {
			w.Advance(time.Hour)
		}
	}
	w.Advance(time.Hour)
	newest := w.push("app", "newest", realImage(t, "newest"))
	for i := range 25 {
		w.pushLater(fmt.Sprintf("seed-%d", i), placeholder(t, "x86_64", seedimage.Response{StatusCode: 500 + i}))
	}
	r := w.reader(nil)
	w.ResetRequests()
	expect(t, r.mustRead(imageData, block{"repository_url": testRepository, "most_recent": true}), map[string]any{"image_digest": newest})
	w.expectRequests("DescribeImages", "DescribeImages", "DescribeImages", "BatchGetImage", "BatchGetImage")
	if last == newest {
		t.Error("the test proves nothing")
	}
}
