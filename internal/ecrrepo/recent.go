// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package ecrrepo

import (
	"context"
	"encoding/json"
	"regexp"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	ggcr "github.com/google/go-containerregistry/pkg/v1/types"
)

// MostRecent returns the tagged container image that was pushed last and for
// which match is true. An image is left out if an index of the repository lists
// it, and so is what is no image to run: signatures, attestations and other
// artifacts that tools keep beside images.
//
// It makes one DescribeImages request for each thousand tagged images and, as a
// rule, one BatchGetImage request: one more for every twenty images that do not
// match, and for every twenty indexes in the repository that were not among
// those read. The manifest of an index is not returned, because no request is
// made for it. ErrImageNotFound where there is no such image.
func (r *Repository) MostRecent(ctx context.Context, match func(Image) bool) (Detail, Image, error) {
	details, err := r.tagged(ctx)
	if err != nil {
		return Detail{}, Image{}, err
	}
	details = slices.DeleteFunc(details, Detail.accompanies)

	var indexes []string
	for _, d := range details {
		if d.IsIndex() {
			indexes = append(indexes, d.Digest)
		}
	}
	var listed map[string]bool
	for batch := range slices.Chunk(details, lookBatch) {
		images, err := r.manifests(ctx, batch)
		if err != nil {
			return Detail{}, Image{}, err
		}
		for _, d := range batch {
			image, exists := images[d.Digest]
			switch {
			case d.IsIndex():
				return d, Image{}, nil
			case !exists || !isContainerImage(image.Manifest) || !match(image):
				continue
			}
			// What an index lists is there before it, so that the index has
			// come first as a rule; but a date is no proof.
			if listed == nil {
				if listed, err = r.listed(ctx, indexes); err != nil {
					return Detail{}, Image{}, err
				}
			}
			if !listed[d.Digest] {
				return d, image, nil
			}
		}
	}
	return Detail{}, Image{}, r.errorf("ecr:DescribeImages", ErrImageNotFound, "no tagged image that a pipeline has pushed")
}

// manifests returns the images of a batch by digest, up to its first index:
// what comes after that is not needed. Those that were deleted meanwhile are
// left out.
func (r *Repository) manifests(ctx context.Context, batch []Detail) (map[string]Image, error) {
	var digests []string
	for _, d := range batch {
		if d.IsIndex() {
			break
		}
		digests = append(digests, d.Digest)
	}
	return r.byDigest(ctx, digests)
}

func (r *Repository) byDigest(ctx context.Context, digests []string) (map[string]Image, error) {
	found := make(map[string]Image, len(digests))
	for batch := range slices.Chunk(digests, lookBatch) {
		ids := make([]types.ImageIdentifier, len(batch))
		for i := range batch {
			ids[i].ImageDigest = &batch[i]
		}
		images, err := r.images(ctx, ids)
		if err != nil {
			return nil, err
		}
		for _, image := range images {
			found[image.Digest] = image
		}
	}
	return found, nil
}

// listed returns the digests that indexes list.
func (r *Repository) listed(ctx context.Context, indexes []string) (map[string]bool, error) {
	digests := map[string]bool{}
	images, err := r.byDigest(ctx, indexes)
	if err != nil {
		return nil, err
	}
	for _, image := range images {
		var index struct {
			Manifests []struct {
				Digest string `json:"digest"`
			} `json:"manifests"`
		}
		if err := json.Unmarshal(image.Manifest, &index); err != nil {
			return nil, r.errorf("ecr:BatchGetImage", ErrUnexpectedAnswer, "the index %s cannot be read: %w", image.Digest, err)
		}
		for _, m := range index.Manifests {
			digests[m.Digest] = true
		}
	}
	return digests, nil
}

// accompanyingTag is the tag under which tools keep what belongs to the image
// of a digest: the fallback of the OCI distribution specification for
// registries without a referrers API, and cosign's .sig, .att and .sbom.
var accompanyingTag = regexp.MustCompile(`^sha256-[a-f0-9]{64}(?:\.[a-z]+)?$`)

// accompanies reports whether an image only describes another one, by its tags.
func (d Detail) accompanies() bool {
	return !slices.ContainsFunc(d.Tags, func(tag string) bool { return !accompanyingTag.MatchString(tag) })
}

// isContainerImage reports whether a manifest is that of an image with a file
// system: it has an image's config, its layers are archives, and it is not a
// description of another manifest. An older manifest, which does not tell, is.
func isContainerImage(manifest []byte) bool {
	var m struct {
		SchemaVersion int              `json:"schemaVersion"`
		Subject       *json.RawMessage `json:"subject"`
		Config        struct {
			MediaType ggcr.MediaType `json:"mediaType"`
		} `json:"config"`
		Layers []struct {
			MediaType ggcr.MediaType `json:"mediaType"`
		} `json:"layers"`
	}
	if json.Unmarshal(manifest, &m) != nil {
		return false
	}
	if m.SchemaVersion == 1 {
		return true
	}
	if m.Subject != nil || !m.Config.MediaType.IsConfig() {
		return false
	}
	for _, layer := range m.Layers {
		if !layer.MediaType.IsLayer() {
			return false
		}
	}
	return true
}
