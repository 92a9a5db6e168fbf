// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package ecrrepo

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	ggcr "github.com/google/go-containerregistry/pkg/v1/types"
)

// acceptedMediaTypes names every form that a manifest can be stored in, so
// that ECR returns what is stored and converts nothing (ECR user guide,
// "Container image manifest format support").
var acceptedMediaTypes = []string{
	string(ggcr.OCIManifestSchema1),
	string(ggcr.OCIImageIndex),
	string(ggcr.DockerManifestSchema2),
	string(ggcr.DockerManifestList),
	string(ggcr.DockerManifestSchema1Signed),
	string(ggcr.DockerManifestSchema1),
}

// Image is an image as the repository holds it.
type Image struct {
	Digest    string
	MediaType string
	// Manifest is the manifest's text.
	Manifest []byte
	// Size is the sum of the sizes that the manifest gives for the config and
	// the layers, in bytes, and 0 for an index or a manifest of schema 1,
	// which give none.
	Size int64
}

// Look returns the image that a tag or digest resolves to now. It makes one
// BatchGetImage request. The error is ErrImageNotFound or
// ErrRepositoryNotFound where nothing is there; any other failure is never
// taken for that.
func (r *Repository) Look(ctx context.Context, reference string) (Image, error) {
	images, err := r.images(ctx, []types.ImageIdentifier{imageID(reference)})
	if err != nil {
		return Image{}, err
	}
	if len(images) == 0 {
		return Image{}, r.errorf("ecr:BatchGetImage", ErrImageNotFound, "nothing at %q", reference)
	}
	return images[0], nil
}

// imageID is the identifier of a tag or of a digest, which a tag cannot look
// like.
func imageID(reference string) types.ImageIdentifier {
	if digestPattern.MatchString(reference) {
		return types.ImageIdentifier{ImageDigest: &reference}
	}
	return types.ImageIdentifier{ImageTag: &reference}
}

// images returns those of the images that exist.
func (r *Repository) images(ctx context.Context, ids []types.ImageIdentifier) ([]Image, error) {
	const action = "ecr:BatchGetImage"
	out, err := r.region.api.batchGetImage(ctx, &ecr.BatchGetImageInput{
		RegistryId:         r.registryID(),
		RepositoryName:     &r.URL.Name,
		ImageIds:           ids,
		AcceptedMediaTypes: acceptedMediaTypes,
	})
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok && len(ids) > 1 {
		// Some of the manifests are large: fewer at once.
		half := len(ids) / 2
		first, err := r.images(ctx, ids[:half])
		if err != nil {
			return nil, err
		}
		second, err := r.images(ctx, ids[half:])
		return append(first, second...), err
	}
	if err != nil {
		return nil, r.newError(ctx, action, err)
	}
	for _, failure := range out.Failures {
		if failure.FailureCode != types.ImageFailureCodeImageNotFound {
			return nil, r.failure(action, failure)
		}
	}
	images := make([]Image, 0, len(out.Images))
	for _, image := range out.Images {
		manifest := []byte(aws.ToString(image.ImageManifest))
		if image.ImageId == nil || !digestPattern.MatchString(aws.ToString(image.ImageId.ImageDigest)) || !json.Valid(manifest) {
			return nil, r.errorf(action, ErrUnexpectedAnswer, "an image without a digest or with a manifest that is not JSON")
		}
		digest := *image.ImageId.ImageDigest
		if slices.ContainsFunc(images, func(known Image) bool { return known.Digest == digest }) {
			continue // Whether an image has one entry or one for each tag is not documented.
		}
		images = append(images, Image{
			Digest:    digest,
			MediaType: aws.ToString(image.ImageManifestMediaType),
			Manifest:  manifest,
			Size:      manifestSize(manifest),
		})
	}
	if len(images)+len(out.Failures) != len(ids) {
		return nil, r.errorf(action, ErrUnexpectedAnswer, "%d images and %d failures for %d references", len(images), len(out.Failures), len(ids))
	}
	return images, nil
}

// failure is an entry of the failures that the batch operations give with
// HTTP status 200.
func (r *Repository) failure(action string, failure types.ImageFailure) error {
	return &Error{
		Action:   action,
		Resource: r.URL.String(),
		Code:     string(failure.FailureCode),
		Message:  aws.ToString(failure.FailureReason),
	}
}

// manifestSize sums the sizes in an image manifest, as DescribeImages does for
// imageSizeInBytes; 0 for one that names none, or nonsense.
func manifestSize(manifest []byte) int64 {
	var m struct {
		Config struct {
			Size int64 `json:"size"`
		} `json:"config"`
		Layers []struct {
			Size int64 `json:"size"`
		} `json:"layers"`
	}
	if json.Unmarshal(manifest, &m) != nil {
		return 0
	}
	size := m.Config.Size
	for _, layer := range m.Layers {
		if size < 0 || layer.Size < 0 || size+layer.Size < 0 {
			return 0
		}
		size += layer.Size
	}
	return max(size, 0)
}

// lookBatch is how many manifests are asked for at once; a manifest may be as
// large as 4 MiB.
const lookBatch = 20

// AnyTagged reports whether the repository has a tagged image, to be run or an
// index of such, for which match is true; signatures and other artifacts that
// tools keep beside images do not count. It reads tags and manifests until it
// finds one.
func (r *Repository) AnyTagged(ctx context.Context, match func(Image) bool) (bool, error) {
	pages := ecr.NewListImagesPaginator(r.region.api, &ecr.ListImagesInput{
		RegistryId:     r.registryID(),
		RepositoryName: &r.URL.Name,
		Filter:         &types.ListImagesFilter{TagStatus: types.TagStatusTagged},
	}, func(o *ecr.ListImagesPaginatorOptions) { o.StopOnDuplicateToken = true })
	seen := map[string]bool{}
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return false, r.newError(ctx, "ecr:ListImages", err)
		}
		if page.ImageIds == nil {
			// An empty repository has an empty list; an answer without one says
			// nothing.
			return false, r.errorf("ecr:ListImages", ErrUnexpectedAnswer, "an answer without a list of images")
		}
		var ids []types.ImageIdentifier
		for _, id := range page.ImageIds {
			if digest := aws.ToString(id.ImageDigest); digest != "" && !seen[digest] {
				seen[digest] = true
				ids = append(ids, types.ImageIdentifier{ImageDigest: &digest})
			}
		}
		for batch := range slices.Chunk(ids, lookBatch) {
			images, err := r.images(ctx, batch)
			if err != nil {
				return false, err
			}
			for _, image := range images {
				runs := ggcr.MediaType(image.MediaType).IsIndex() || isContainerImage(image.Manifest)
				if runs && match(image) {
					return true, nil
				}
			}
		}
	}
	return false, nil
}

// AnyOf reports whether the repository has an image with one of the digests.
// It makes no request for none.
func (r *Repository) AnyOf(ctx context.Context, digests []string) (bool, error) {
	ids := make([]types.ImageIdentifier, 0, len(digests))
	for _, digest := range digests {
		ids = append(ids, imageID(digest))
	}
	for batch := range slices.Chunk(ids, lookBatch) {
		if images, err := r.images(ctx, batch); err != nil || len(images) > 0 {
			return len(images) > 0, err
		}
	}
	return false, nil
}
