// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/ecrrepo"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/sourceimage/sourcetest"
)

// moveTag is what a pipeline does to a tag on a mutable repository: what it
// held stays behind without one.
func (w *world) moveTag(repository, tag string, to v1.Image) {
	w.t.Helper()
	w.push(repository, tag, to)
}

// An image that somebody else has pushed, and that this resource only gave a
// tag, is not sent again and outlives the resource, with and without a tag of
// its own.
func TestImageCopy_imageThatWasThere(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		before, after func(w copyWorld)
		left          func(digest string) map[string]string
	}{
		"under another tag": {
			left: func(digest string) map[string]string { return map[string]string{"v1": digest} },
		},
		"under another tag that moves on": {
			after: func(w copyWorld) { w.moveTag("app", "v1", realImage(w.t, "next")) },
			left:  func(digest string) map[string]string { return map[string]string{defaultCopyTag: digest, "v1": "*"} },
		},
		"without a tag": {
			before: func(w copyWorld) { w.moveTag("app", "v1", realImage(w.t, "next")) },
			left:   func(digest string) map[string]string { return map[string]string{defaultCopyTag: digest, "v1": "*"} },
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newCopyWorld(t, "ghcr.io")
			w.createRepository("app", types.ImageTagMutabilityMutable)
			img := sourcetest.OCI(t, sourcetest.Platform("amd64", ""), "promoted")
			w.source.Push(t, "team/app:1", img)
			digest := w.push("app", "v1", img)
			if test.before != nil {
				test.before(w)
			}
			w.ResetRequests()
			w.testWith(resource.TestCase{
				Steps: []resource.TestStep{
					{
						Config: copyOnly("ghcr.io/team/app:1", ""),
						Check: func(*terraformState) error {
							if wrote := w.wrote(); !slices.Equal(wrote, []string{"PutImage"}) {
								return fmt.Errorf("the provider sent %v", wrote)
							}
							if test.after != nil {
								test.after(w)
							}
							return nil
						},
					},
				},
				CheckDestroy: w.contains("app", test.left(digest)),
			})
		})
	}
}

// A find that has no other tag any more stays when the resource goes, and that
// is said.
func TestImageCopy_findStays(t *testing.T) {
	w := newCopyWorld(t, "ghcr.io")
	w.createRepository("app", types.ImageTagMutabilityMutable)
	img := sourcetest.OCI(t, sourcetest.Platform("amd64", ""), "promoted")
	w.source.Push(t, "team/app:1", img)
	digest := w.push("app", "v1", img)
	m := w.managed(copyType, nil)
	if got := said(m.apply(copyBlock("ghcr.io/team/app:1", nil))); got != "" {
		t.Fatal(got)
	}
	w.moveTag("app", "v1", realImage(t, "next"))
	want := "WARNING: Image left in the repository " + copyURI + " holds an image (" + digest + ") that this resource did not push. It was left alone"
	if got := said(m.destroy()); !strings.HasPrefix(got, want) {
		t.Errorf("said %q, want %q", got, want)
	}
	if err := w.contains("app", map[string]string{defaultCopyTag: digest, "v1": "*"})(nil); err != nil {
		t.Error(err)
	}
}

// A change to an image that was there leaves it there; the one before it, which
// this resource had pushed, goes.
func TestImageCopy_updateToImageThatWasThere(t *testing.T) {
	w := newCopyWorld(t, "ghcr.io")
	w.createRepository("app", types.ImageTagMutabilityMutable)
	platform := sourcetest.Platform("amd64", "")
	ours, theirs := sourcetest.OCI(t, platform, "ours"), sourcetest.OCI(t, platform, "theirs")
	w.source.Push(t, "team/app:1", ours)
	w.source.Push(t, "team/app:2", theirs)
	theirDigest := w.push("app", "v1", theirs)
	w.moveTag("app", "v1", realImage(t, "next"))
	w.testWith(resource.TestCase{
		Steps: []resource.TestStep{
			{Config: copyOnly("ghcr.io/team/app:1", "")},
			{Config: copyOnly("ghcr.io/team/app:2", "")},
			// Away from it again: it stays, without a tag as it was.
			{Config: copyOnly("ghcr.io/team/app:1", "")},
		},
		CheckDestroy: func(*terraformState) error {
			out, err := w.ecr().DescribeImages(w.ctx(), &ecr.DescribeImagesInput{
				RepositoryName: new("app"), ImageIds: []types.ImageIdentifier{{ImageDigest: &theirDigest}},
			})
			if err != nil || len(out.ImageDetails) != 1 {
				return fmt.Errorf("somebody else's image is gone: %w", err)
			}
			if contents := w.contents("app"); len(contents) != 2 {
				return fmt.Errorf("the repository holds %v", contents)
			}
			return nil
		},
	})
}

func TestOwnership(t *testing.T) {
	t.Parallel()
	put := func(digest string, existed bool) ecrrepo.PutResult {
		return ecrrepo.PutResult{Pushed: true, Image: ecrrepo.Image{Digest: digest}, Existed: existed}
	}
	for name, test := range map[string]struct {
		owned ownership
		older []string
	}{
		"one push":                     {pushed(put("a", false)), []string{"a"}},
		"a find":                       {pushed(put("a", true)), nil},
		"a push after a find":          {pushed(put("a", true)).replaced(put("b", false)), []string{"b"}},
		"a find after a push":          {pushed(put("a", false)).replaced(put("b", true)), []string{"a"}},
		"an own older one is no find":  {pushed(put("a", false)).replaced(put("b", false)).replaced(put("a", true)), []string{"b", "a"}},
		"the same again":               {pushed(put("a", false)).replaced(put("a", true)), []string{"a"}},
		"a find stays one":             {pushed(put("a", true)).replaced(put("b", false)).replaced(put("a", true)), []string{"b"}},
		"restored by a push":           {pushed(put("a", false)).restored(pushed(put("b", false))), []string{"a", "b"}},
		"restored by a find":           {pushed(put("a", false)).restored(pushed(put("b", true))), []string{"a"}},
		"restored by what there was":   {pushed(put("a", false)).restored(ownership{}), []string{"a"}},
		"a find, lost, and another":    {pushed(put("a", true)).restored(ownership{}), nil},
		"nothing":                      {ownership{}, nil},
		"restored by the same that is": {pushed(put("a", false)).restored(pushed(put("a", true))), []string{"a"}},
	} {
		if got := test.owned.older(); !slices.Equal(got, test.older) {
			t.Errorf("%s: %+v has the older digests %v, want %v", name, test.owned, got, test.older)
		}
	}
}
