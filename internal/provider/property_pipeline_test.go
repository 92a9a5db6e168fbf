// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

func (s *sequence) createRepository() {
	modes := []types.ImageTagMutability{
		types.ImageTagMutabilityMutable, types.ImageTagMutabilityMutable, types.ImageTagMutabilityImmutable,
		types.ImageTagMutabilityImmutableWithExclusion, types.ImageTagMutabilityMutableWithExclusion,
	}
	mode := modes[s.rand.IntN(len(modes))]
	var exclusions []string
	if mode == types.ImageTagMutabilityImmutableWithExclusion || mode == types.ImageTagMutabilityMutableWithExclusion {
		exclusions = []string{s.pick("latest", "lambdaseed-*")}
	}
	s.step("pipeline: create the repository, %s %v", mode, exclusions)
	s.w.createRepository("app", mode, exclusions...)
}

// remember notes what becomes the pipeline's, and ceases to be, by what it does.
func (s *sequence) remember(act func()) {
	before := s.look()
	act()
	after := s.look()
	for tag, digest := range after.tags {
		if before.tags[tag] == digest {
			continue
		}
		delete(s.theirs, tag)
		if s.images[digest] {
			s.theirs[tag] = digest
		}
	}
	for tag := range before.tags {
		if after.tags[tag] == "" {
			delete(s.theirs, tag)
		}
	}
	for _, digest := range after.digests {
		if s.images[digest] && !slices.Contains(before.digests, digest) && !s.copied(digest) {
			s.first[digest] = true
		}
	}
	for _, digest := range before.digests {
		if !slices.Contains(after.digests, digest) {
			delete(s.first, digest)
		}
	}
}

// copied tells an image that a workspace has pushed.
func (s *sequence) copied(digest string) bool {
	for _, pushed := range s.pushed {
		for key := range pushed {
			if strings.HasSuffix(key, " "+digest) {
				return true
			}
		}
	}
	return false
}

// pipeline does what a pipeline, a lifecycle policy or a person does.
func (s *sequence) pipeline() {
	if s.look().digests == nil && !slices.Contains(s.w.Repositories(testRegion), "app") {
		s.createRepository()
		return
	}
	tag := s.pick(defaultImageTag, defaultImageTag, "latest", "v1", "v2", "copied")
	switch s.rand.IntN(9) {
	case 0, 1, 2, 3:
		s.push(tag)
	case 4:
		s.step("pipeline: push a placeholder to %s", tag)
		s.pushImage(tag, olderPlaceholder(s.t, s.pick("x86_64", "arm64")))
	case 5:
		s.step("pipeline: delete tag %s", tag)
		_, _ = s.w.ecr().BatchDeleteImage(s.w.ctx(), &ecr.BatchDeleteImageInput{
			RepositoryName: aws.String("app"), ImageIds: []types.ImageIdentifier{{ImageTag: &tag}},
		})
	case 6:
		s.step("lifecycle policy: expire the image at %s", tag)
		s.w.ExpireImage(testRegion, "app", tag)
	case 7:
		from := s.look().tags[tag]
		to := s.pick("kept", "v1", defaultImageTag)
		s.step("pipeline: give %s, which is at %s, the tag %s", from, tag, to)
		s.retag(tag, to)
	case 8:
		if s.rand.IntN(3) == 0 {
			s.step("somebody: delete the repository")
			s.w.deleteRepository("app")
		}
	}
}

// push puts a real image at a tag, or tries to: a new one, or what the copying
// workspace copies.
func (s *sequence) push(tag string) {
	if s.rand.IntN(4) == 0 {
		content := s.pick("1", "2")
		s.step("pipeline: push the image %s of the source to %s", content, tag)
		_, img, _ := multiPlatform(s.t, content)
		s.pushImage(tag, img)
		return
	}
	s.pushes++
	content := fmt.Sprintf("real %d", s.pushes)
	s.step("pipeline: push %s to %s", content, tag)
	img := realImage(s.t, content)
	s.images[digestOf(s.t, img)] = true
	s.pushImage(tag, img)
}

func (s *sequence) retag(from, to string) {
	out, err := s.w.ecr().BatchGetImage(s.w.ctx(), &ecr.BatchGetImageInput{RepositoryName: aws.String("app"), ImageIds: []types.ImageIdentifier{{ImageTag: &from}}})
	if err != nil || len(out.Images) == 0 {
		return
	}
	_, _ = s.w.ecr().PutImage(s.w.ctx(), &ecr.PutImageInput{
		RepositoryName: aws.String("app"), ImageTag: &to, ImageManifest: out.Images[0].ImageManifest, ImageManifestMediaType: out.Images[0].ImageManifestMediaType,
	})
}

// pushImage is a push that the repository may refuse: its tags may be
// immutable.
func (s *sequence) pushImage(tag string, img v1.Image) {
	ref, err := name.NewTag(testRepository + ":" + tag)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := remote.Write(ref, img, s.w.RemoteOptions(s.w.ctx())...); err != nil {
		s.step("  refused: %.80s", err)
	}
}
