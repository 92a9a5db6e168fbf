// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package ecrrepo

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
)

// DeleteTag deletes a tag that still resolves to the digest expected, and with
// its last tag the image (ECR API reference, BatchDeleteImage). Another tag on
// the same digest keeps it. found is what the tag held instead, with deleted
// false; a tag or repository that is gone is success, with found nil.
//
// The tag alone is named in the request: what BatchDeleteImage does with a tag
// and a digest together that do not belong together is not documented beyond a
// failure code.
func (r *Repository) DeleteTag(ctx context.Context, tag, expected string) (found *Image, err error) {
	image, err := r.Look(ctx, tag)
	switch {
	case IsGone(err):
		return nil, nil
	case err != nil:
		return nil, err
	case image.Digest != expected:
		return &image, nil
	}
	return nil, r.delete(ctx, types.ImageIdentifier{ImageTag: &tag})
}

// Untag is DeleteTag for an image that somebody else has pushed, too: the tag
// is deleted only while another tag keeps the image.
func (r *Repository) Untag(ctx context.Context, tag, expected string) (found *Image, err error) {
	image, err := r.Look(ctx, tag)
	switch {
	case IsGone(err):
		return nil, nil
	case err != nil:
		return nil, err
	case image.Digest != expected:
		return &image, nil
	}
	detail, err := r.Describe(ctx, expected)
	switch {
	case IsGone(err):
		return nil, nil
	case err != nil:
		return nil, err
	case len(detail.Tags) < 2:
		return &image, nil
	}
	return nil, r.delete(ctx, types.ImageIdentifier{ImageTag: &tag})
}

// DeleteUntagged deletes a manifest that has lost its last tag and for which
// ours is true. One that is gone, is tagged (again) or is not ours is left
// alone, and so is one that an index refers to, which ECR refuses to delete.
func (r *Repository) DeleteUntagged(ctx context.Context, digest string, ours func(Image) bool) error {
	const action = "ecr:DescribeImages"
	out, err := r.region.api.describeImages(ctx, &ecr.DescribeImagesInput{
		RegistryId:     r.registryID(),
		RepositoryName: &r.URL.Name,
		ImageIds:       []types.ImageIdentifier{{ImageDigest: &digest}},
	})
	if err != nil {
		if err = r.newError(ctx, action, err); IsGone(err) {
			return nil
		}
		return err
	}
	if len(out.ImageDetails) != 1 || aws.ToString(out.ImageDetails[0].ImageDigest) != digest {
		return r.errorf(action, ErrUnexpectedAnswer, "%d descriptions of the image %s", len(out.ImageDetails), digest)
	}
	if len(out.ImageDetails[0].ImageTags) > 0 {
		return nil
	}
	image, err := r.Look(ctx, digest)
	if IsGone(err) {
		return nil
	}
	if err != nil || !ours(image) {
		return err
	}
	return r.delete(ctx, types.ImageIdentifier{ImageDigest: &digest})
}

func (r *Repository) delete(ctx context.Context, id types.ImageIdentifier) error {
	const action = "ecr:BatchDeleteImage"
	out, err := r.region.api.batchDeleteImage(ctx, &ecr.BatchDeleteImageInput{
		RegistryId:     r.registryID(),
		RepositoryName: &r.URL.Name,
		ImageIds:       []types.ImageIdentifier{id},
	})
	if err != nil {
		if err = r.newError(ctx, action, err); IsGone(err) {
			return nil
		}
		return err
	}
	if len(out.ImageIds)+len(out.Failures) == 0 {
		return r.errorf(action, ErrUnexpectedAnswer, "neither a deleted image nor a failure")
	}
	for _, failure := range out.Failures {
		switch failure.FailureCode {
		case types.ImageFailureCodeImageNotFound, types.ImageFailureCodeImageReferencedByManifestList:
			continue
		}
		return r.failure(action, failure)
	}
	return nil
}

// IsGone reports that what was asked for, image or repository, does not exist:
// by ECR's own word and by nothing less.
func IsGone(err error) bool {
	return errors.Is(err, ErrImageNotFound) || errors.Is(err, ErrRepositoryNotFound)
}
