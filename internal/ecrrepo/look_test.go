// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package ecrrepo

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/fakeaws"
)

func TestLook(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.repository("app")
	digest := w.push(r, "v1", image(t, "one"))
	w.ResetRequests()
	for _, reference := range []string{"v1", digest} {
		found, err := r.Look(t.Context(), reference)
		if err != nil || found.Digest != digest || found.Size == 0 {
			t.Errorf("%s: %+v, %v", reference, found, err)
		}
	}
	if n := len(w.Requests()); n != 2 {
		t.Errorf("%d requests for two looks", n)
	}
	_, err := r.Look(t.Context(), "v2")
	_ = wantError(t, err, ErrImageNotFound, `ecr:BatchGetImage on `+testHost+`/app: image not found: nothing at "v2"`)
	_, err = w.open(w.client, testHost+"/absent").Look(t.Context(), "v1")
	failure := wantError(t, err, ErrRepositoryNotFound, "RepositoryNotFoundException")
	if failure.RequestID == "" || failure.StatusCode != http.StatusBadRequest || !IsGone(err) {
		t.Errorf("%+v", failure)
	}
}

// Nothing but ECR's own word is taken for "gone".
func TestLookNeverTakesAFaultForAbsence(t *testing.T) {
	t.Parallel()
	bodies := map[string]string{
		"nothing":              `{}`,
		"null":                 `null`,
		"empty body":           ``,
		"no images, no reason": `{"images":[],"failures":[]}`,
		"another failure":      `{"images":[],"failures":[{"imageId":{"imageTag":"v1"},"failureCode":"ImageInaccessible","failureReason":"x"}]}`,
		"failure without code": `{"images":[],"failures":[{"imageId":{"imageTag":"v1"}}]}`,
		"no digest":            `{"images":[{"imageManifest":"{}"}],"failures":[]}`,
		"a broken digest":      `{"images":[{"imageId":{"imageDigest":"sha256:12"},"imageManifest":"{}"}],"failures":[]}`,
		"no manifest":          `{"images":[{"imageId":{"imageDigest":"sha256:` + strings.Repeat("0", 64) + `"}}],"failures":[]}`,
		"a broken manifest":    `{"images":[{"imageId":{"imageDigest":"sha256:` + strings.Repeat("0", 64) + `"},"imageManifest":"{"}],"failures":[]}`,
		"an array":             `[]`,
		"two images":           `{"images":[{"imageId":{"imageDigest":"sha256:` + strings.Repeat("0", 64) + `"},"imageManifest":"{}"},{"imageId":{"imageDigest":"sha256:` + strings.Repeat("1", 64) + `"},"imageManifest":"{}"}],"failures":[]}`,
	}
	for name, body := range bodies {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			r := w.repository("app")
			w.push(r, "v1", image(t, "one"))
			w.Inject(fakeaws.Fault{Operation: "BatchGetImage", Count: -1, Kind: fakeaws.FaultRewrite, Rewrite: func(a *fakeaws.Answer) { a.Body = []byte(body) }})
			_, err := r.Look(t.Context(), "v1")
			if err == nil || IsGone(err) {
				t.Errorf("%v, want an error that is not absence", err)
			}
		})
	}
	for _, kind := range fakeaws.FaultKinds() {
		switch kind {
		case fakeaws.FaultHang, fakeaws.FaultHangAfter, fakeaws.FaultExpireToken, fakeaws.FaultExpireKeys:
			continue
		}
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			r := w.repository("app")
			w.push(r, "v1", image(t, "one"))
			w.Inject(fakeaws.Fault{Operation: "BatchGetImage", Count: -1, Kind: kind})
			_, err := r.Look(t.Context(), "v1")
			if _, typed := errors.AsType[*Error](err); !typed || IsGone(err) {
				t.Errorf("%v, want an *Error that is not absence", err)
			}
		})
	}
}

func TestAnyTagged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.repository("app")
	none, err := r.AnyTagged(t.Context(), all)
	if none || err != nil {
		t.Errorf("an empty repository: %v, %v", none, err)
	}
	digest := ""
	for i := range 2*lookBatch + 5 {
		digest = w.push(r, fmt.Sprintf("v%d", i), image(t, fmt.Sprint(i)))
	}
	// Once without its tag, which does not count.
	w.push(r, fmt.Sprintf("v%d", 2*lookBatch+4), image(t, "other"))
	untagged, err := r.AnyTagged(t.Context(), func(i Image) bool { return i.Digest == digest })
	if untagged || err != nil {
		t.Errorf("an untagged image: %v, %v", untagged, err)
	}
	w.ResetRequests()
	one, err := r.AnyTagged(t.Context(), func(i Image) bool { return i.Digest == digestOf(t, image(t, "other")) })
	if !one || err != nil {
		t.Errorf("one of many: %v, %v", one, err)
	}
	if lists, looks := w.asked("ListImages"), w.asked("BatchGetImage"); lists != 1 || looks > 3 {
		t.Errorf("%d lists and %d looks", lists, looks)
	}
	_, err = w.open(w.client, testHost+"/absent").AnyTagged(t.Context(), all)
	_ = wantError(t, err, ErrRepositoryNotFound, "ecr:ListImages")
}

// A signature beside a lost seed is no hand-over.
func TestAnyTaggedLeavesArtifactsOut(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		img  v1.Image
		want bool
	}{
		"an image":    {image(t, "x"), true},
		"a signature": {mutate.ConfigMediaType(image(t, "x"), "application/vnd.dev.cosign.simplesigning.v1+json"), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			r := w.repository("app")
			w.push(r, "sha256-0.sig", test.img)
			if got, err := r.AnyTagged(t.Context(), all); got != test.want || err != nil {
				t.Errorf("%v, %v, want %v", got, err, test.want)
			}
		})
	}
}

// A list that is missing is not an empty one.
func TestAnyTaggedNeedsAList(t *testing.T) {
	t.Parallel()
	for _, body := range []string{`{}`, `{"nextToken":null}`, `{"imageIds":null}`} {
		w := newWorld(t)
		r := w.repository("app")
		w.push(r, "v1", image(t, "one"))
		w.Inject(fakeaws.Fault{Operation: "ListImages", Kind: fakeaws.FaultRewrite, Rewrite: func(a *fakeaws.Answer) { a.Body = []byte(body) }})
		_, err := r.AnyTagged(t.Context(), all)
		_ = wantError(t, err, ErrUnexpectedAnswer, "ecr:ListImages", "an answer without a list of images")
	}
}

// Manifests that are too much for one answer are asked for in smaller batches.
func TestAnyTaggedOfLargeManifests(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.repository("app")
	for i := range 6 {
		img := image(t, fmt.Sprint(i))
		w.push(r, fmt.Sprint("v", i), img)
		manifest, err := img.RawManifest()
		if err != nil {
			t.Fatal(err)
		}
		var m map[string]any
		if err := json.Unmarshal(manifest, &m); err != nil {
			t.Fatal(err)
		}
		m["annotations"] = map[string]string{"x": strings.Repeat("x", 4<<20-2000)}
		large, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.ecr().PutImage(t.Context(), &ecr.PutImageInput{
			RepositoryName: aws.String("app"), ImageTag: aws.String(fmt.Sprint("v", i)), ImageManifest: aws.String(string(large)),
		}); err != nil {
			t.Fatal(err)
		}
	}
	w.ResetRequests()
	seen := map[string]bool{}
	found, err := r.AnyTagged(t.Context(), func(i Image) bool {
		seen[i.Digest] = len(i.Manifest) > 4_000_000
		return false
	})
	if found || err != nil || len(seen) != 6 {
		t.Errorf("saw %d of 6 images, %v", len(seen), err)
	}
	if n := w.asked("BatchGetImage"); n != 3 {
		t.Errorf("%d requests, want 3: all at once, and two halves", n)
	}
}

func TestManifestSize(t *testing.T) {
	t.Parallel()
	for manifest, want := range map[string]int64{
		`{"config":{"size":1},"layers":[{"size":2},{"size":3}]}`: 6,
		`{"manifests":[{"size":9}]}`:                             0,
		`{"config":{"size":"1"}}`:                                0,
		`{"config":{"size":-5}}`:                                 0,
		`{"config":{"size":9223372036854775807},"layers":[{"size":9223372036854775807}]}`: 0,
		``: 0, `null`: 0, `[]`: 0, `{`: 0,
	} {
		if got := manifestSize([]byte(manifest)); got != want {
			t.Errorf("%s: %d, want %d", manifest, got, want)
		}
	}
}
