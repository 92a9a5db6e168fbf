// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package ecrrepo

import (
	"net/http"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	ggcr "github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/fakeaws"
)

func (w *world) wantGone(r *Repository, reference string) {
	w.t.Helper()
	if _, err := r.Look(w.t.Context(), reference); !IsGone(err) {
		w.t.Errorf("a look at %s: %v, want that it is gone", reference, err)
	}
}

func (w *world) wantThere(r *Repository, reference string) {
	w.t.Helper()
	if _, err := r.Look(w.t.Context(), reference); err != nil {
		w.t.Errorf("a look at %s: %v", reference, err)
	}
}

func TestDeleteTag(t *testing.T) {
	onHosts(t, func(t *testing.T, w *world) {
		r := w.repository("app")
		digest := w.put(r, "seed", image(t, "ours")).Image.Digest
		found, err := r.DeleteTag(t.Context(), "seed", digest)
		if found != nil || err != nil {
			t.Fatalf("%v, %v", found, err)
		}
		w.wantGone(r, "seed")
		w.wantGone(r, digest) // The image goes with its last tag.
		found, err = r.DeleteTag(t.Context(), "seed", digest)
		if found != nil || err != nil {
			t.Errorf("a tag that is gone: %v, %v", found, err)
		}
	})
}

// Another tag on the same digest is never lost, however ECR takes an image id
// that has a tag and a digest.
func TestDeleteTagKeepsTheOthers(t *testing.T) {
	t.Parallel()
	for name, ignores := range map[string]bool{"by tag": false, "by digest": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, fakeaws.WithBehaviour(fakeaws.Behaviour{IgnoreTagOfPair: ignores}))
			r := w.repository("app")
			digest := w.put(r, "seed", image(t, "ours")).Image.Digest
			w.push(r, "released", image(t, "ours"))
			if _, err := r.DeleteTag(t.Context(), "seed", digest); err != nil {
				t.Fatal(err)
			}
			w.wantGone(r, "seed")
			w.wantThere(r, "released")
		})
	}
}

func TestDeleteTagOfAnotherImage(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.repository("app")
	ours := w.put(r, "seed", image(t, "ours")).Image.Digest
	theirs := w.push(r, "seed", image(t, "theirs"))
	found, err := r.DeleteTag(t.Context(), "seed", ours)
	if err != nil || found == nil || found.Digest != theirs {
		t.Errorf("%v, %v, want to be told of %s", found, err, theirs)
	}
	w.wantThere(r, "seed")
	if n := w.asked("BatchDeleteImage"); n != 0 {
		t.Errorf("%d deletes were sent", n)
	}
}

func TestDeleteInARepositoryThatIsGone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.open(w.client, testHost+"/absent")
	if found, err := r.DeleteTag(t.Context(), "seed", digestOf(t, image(t, "ours"))); found != nil || err != nil {
		t.Errorf("tag: %v, %v", found, err)
	}
	if err := r.DeleteUntagged(t.Context(), digestOf(t, image(t, "ours")), all); err != nil {
		t.Errorf("digest: %v", err)
	}
}

func all(Image) bool { return true }

// BatchDeleteImage says what it did not do with HTTP status 200.
func TestDeleteFailures(t *testing.T) {
	t.Parallel()
	answer := func(body string) http.HandlerFunc {
		return func(rw http.ResponseWriter, _ *http.Request) { _, _ = rw.Write([]byte(body)) }
	}
	for name, test := range map[string]struct {
		body   string
		fails  bool
		reason error
		says   string
	}{
		"gone meanwhile":   {`{"imageIds":[],"failures":[{"imageId":{"imageTag":"seed"},"failureCode":"ImageNotFound","failureReason":"Requested image not found"}]}`, false, nil, ""},
		"child of index":   {`{"imageIds":[],"failures":[{"imageId":{"imageTag":"seed"},"failureCode":"ImageReferencedByManifestList","failureReason":"x"}]}`, false, nil, ""},
		"key disabled":     {`{"imageIds":[],"failures":[{"imageId":{"imageTag":"seed"},"failureCode":"KmsError","failureReason":"The key is disabled"}]}`, true, nil, "ecr:BatchDeleteImage on " + testHost + "/app: KmsError: The key is disabled"},
		"unknown code":     {`{"imageIds":[],"failures":[{"imageId":{"imageTag":"seed"},"failureCode":"SomethingNew","failureReason":"why"}]}`, true, nil, "SomethingNew: why"},
		"nothing was said": {`{}`, true, ErrUnexpectedAnswer, "neither a deleted image nor a failure"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			r := w.repository("app")
			digest := w.put(r, "seed", image(t, "ours")).Image.Digest
			w.Inject(fakeaws.Fault{Operation: "BatchDeleteImage", Kind: fakeaws.FaultHandler, Handler: answer(test.body)})
			_, err := r.DeleteTag(t.Context(), "seed", digest)
			if !test.fails {
				if err != nil {
					t.Error(err)
				}
				return
			}
			_ = wantError(t, err, test.reason, test.says)
		})
	}
}

func TestDeleteDenied(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.repository("app")
	digest := w.put(r, "seed", image(t, "ours")).Image.Digest
	w.Inject(fakeaws.Fault{Operation: "BatchDeleteImage", Count: -1, Kind: fakeaws.FaultDenied})
	_, err := r.DeleteTag(t.Context(), "seed", digest)
	failure := wantError(t, err, ErrDenied, "is not authorized to perform: ecr:BatchDeleteImage on resource: arn:aws:ecr:"+testRegion+":"+testAccount+":repository/app")
	if failure.Action != "ecr:BatchDeleteImage" || failure.Code != "AccessDeniedException" || failure.RequestID == "" || failure.StatusCode != http.StatusBadRequest {
		t.Errorf("%+v", failure)
	}
}

func TestDeleteUntagged(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.repository("app")
	old := w.put(r, "seed", image(t, "old")).Image.Digest
	result, err := r.Replace(t.Context(), "seed", old, image(t, "new"))
	if err != nil {
		t.Fatal(err)
	}
	steps := []struct {
		what   string
		digest string
		ours   func(Image) bool
		gone   bool
	}{
		{"tagged", result.Image.Digest, all, false},
		{"not ours", old, func(i Image) bool { return i.Digest != old }, false},
		{"ours", old, all, true},
		{"gone already", old, all, true},
	}
	for _, step := range steps {
		if err := r.DeleteUntagged(t.Context(), step.digest, step.ours); err != nil {
			t.Errorf("%s: %v", step.what, err)
		}
		if step.gone {
			w.wantGone(r, step.digest)
		} else {
			w.wantThere(r, step.digest)
		}
	}
}

// A manifest that got a tag again, or that an index lists, is left alone.
func TestDeleteUntaggedThatIsUsed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.repository("app")
	child := image(t, "child")
	digest := w.push(r, "child", child)
	index := mutate.AppendManifests(mutate.IndexMediaType(empty.Index, ggcr.OCIImageIndex), mutate.IndexAddendum{
		Add: child, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "amd64"}},
	})
	ref, err := name.NewTag(r.URL.TagURI("index"))
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.WriteIndex(ref, index, w.RemoteOptions(t.Context())...); err != nil {
		t.Fatal(err)
	}
	w.push(r, "child", image(t, "newer child"))
	if err := r.DeleteUntagged(t.Context(), digest, all); err != nil {
		t.Errorf("an index's child: %v", err)
	}
	w.wantThere(r, digest)
}

// What DescribeImages does not say is not taken for "untagged".
func TestDeleteUntaggedNeedsAnAnswer(t *testing.T) {
	t.Parallel()
	const another = "sha256:0000000000000000000000000000000000000000000000000000000000000000"
	for name, test := range map[string]struct{ body, says string }{
		"nothing":       {`{}`, "0 images for one reference"},
		"empty list":    {`{"imageDetails":[]}`, "0 images for one reference"},
		"another image": {`{"imageDetails":[{"imageDigest":"` + another + `","imagePushedAt":1}]}`, "the image " + another + " for sha256:"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			r := w.repository("app")
			digest := w.put(r, "seed", image(t, "ours")).Image.Digest
			w.Inject(fakeaws.Fault{Operation: "DescribeImages", Kind: fakeaws.FaultRewrite, Rewrite: func(a *fakeaws.Answer) { a.Body = []byte(test.body) }})
			_ = wantError(t, r.DeleteUntagged(t.Context(), digest, all), ErrUnexpectedAnswer, "ecr:DescribeImages", test.says)
			w.wantThere(r, "seed")
		})
	}
}

func TestMutability(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		m         Mutability
		tag       string
		immutable bool
		known     bool
	}{
		"mutable":                    {Mutability{Mode: "MUTABLE"}, "a", false, true},
		"immutable":                  {Mutability{Mode: "IMMUTABLE"}, "a", true, true},
		"immutable, excluded":        {Mutability{"IMMUTABLE_WITH_EXCLUSION", []string{"x", "dev-*"}}, "dev-1", false, true},
		"immutable, not excluded":    {Mutability{"IMMUTABLE_WITH_EXCLUSION", []string{"x", "dev-*"}}, "prod", true, true},
		"mutable, excluded":          {Mutability{"MUTABLE_WITH_EXCLUSION", []string{"v*.0"}}, "v1.0", true, true},
		"mutable, not excluded":      {Mutability{"MUTABLE_WITH_EXCLUSION", []string{"v*.0"}}, "v1.1", false, true},
		"dots are dots":              {Mutability{"MUTABLE_WITH_EXCLUSION", []string{"v.0"}}, "vx0", false, true},
		"a mode that is yet to come": {Mutability{Mode: "SOLID"}, "a", false, false},
	} {
		if immutable, known := test.m.Immutable(test.tag); immutable != test.immutable || known != test.known {
			t.Errorf("%s: %v %v", name, immutable, known)
		}
	}
	w := newWorld(t)
	in := &ecr.CreateRepositoryInput{
		RepositoryName: aws.String("app"), ImageTagMutability: types.ImageTagMutabilityImmutableWithExclusion,
		ImageTagMutabilityExclusionFilters: []types.ImageTagMutabilityExclusionFilter{{Filter: aws.String("latest"), FilterType: types.ImageTagMutabilityExclusionFilterTypeWildcard}},
	}
	if _, err := w.ecr().CreateRepository(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	m, err := w.open(w.client, testHost+"/app").Mutability(t.Context())
	if err != nil || m.Mode != "IMMUTABLE_WITH_EXCLUSION" || len(m.Exclusions) != 1 || m.Exclusions[0] != "latest" {
		t.Errorf("%+v, %v", m, err)
	}
	_, err = w.open(w.client, testHost+"/absent").Mutability(t.Context())
	_ = wantError(t, err, ErrRepositoryNotFound, "ecr:DescribeRepositories")
}
