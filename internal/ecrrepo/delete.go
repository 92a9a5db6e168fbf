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
// the same digest keeps it. found is what the tag held instead; a tag or
// repository that is gone is success, with found nil.
//
// The tag alone is named in the request: what BatchDeleteImage does with a tag
// and a digest together that do not belong together is not documented beyond a
// failure code. ECR has no conditional delete, so that one round trip remains in
// which another image could be put at the tag and lose it.
func (r *Repository) DeleteTag(ctx context.Context, tag, expected string) (found *Image, err error) {
	err = r.deleteIf(ctx, types.ImageIdentifier{ImageTag: &tag}, func() (still bool, err error) {
		found, err = r.other(ctx, tag, expected)
		return found == nil, err
	})
	return found, err
}

// Untag is DeleteTag for an image that somebody else has pushed, too: the tag
// is deleted only while another tag keeps the image. Where none does, found is
// the image itself.
func (r *Repository) Untag(ctx context.Context, tag, expected string) (found *Image, err error) {
	err = r.deleteIf(ctx, types.ImageIdentifier{ImageTag: &tag}, func() (still bool, err error) {
		detail, err := r.Describe(ctx, expected)
		if err != nil {
			return false, err
		}
		// Last, since what the tag holds is what changes most.
		if found, err = r.other(ctx, tag, expected); err != nil || found != nil {
			return false, err
		}
		if len(detail.Tags) < 2 {
			found = &Image{Digest: expected, MediaType: detail.MediaType}
		}
		return found == nil, nil
	})
	return found, err
}

// other returns what a tag holds, nil if that is the digest expected.
func (r *Repository) other(ctx context.Context, tag, expected string) (*Image, error) {
	image, err := r.Look(ctx, tag)
	if err != nil || image.Digest == expected {
		return nil, err
	}
	return &image, nil
}

// DeleteUntagged deletes a manifest that has lost its last tag and for which
// ours is true. One that is gone, is tagged (again) or is not ours is left
// alone, and so is one that an index refers to, which ECR refuses to delete. As
// in DeleteTag, one round trip remains in which it could get a tag.
func (r *Repository) DeleteUntagged(ctx context.Context, digest string, ours func(Image) bool) error {
	image, err := r.Look(ctx, digest)
	if IsGone(err) {
		return nil
	}
	if err != nil || !ours(image) {
		return err
	}
	return r.deleteIf(ctx, types.ImageIdentifier{ImageDigest: &digest}, func() (bool, error) {
		detail, err := r.Describe(ctx, digest)
		return len(detail.Tags) == 0, err
	})
}

// deleteIf deletes while still says so, which is asked right before each try: a
// request that failed may be tried again half a minute later, and by then
// anything may be there. What is gone is success.
func (r *Repository) deleteIf(ctx context.Context, id types.ImageIdentifier, still func() (bool, error)) error {
	err := r.region.policy.run(ctx, false, func() error {
		ok, err := still()
		if err != nil || !ok {
			return err
		}
		return r.delete(ctx, id)
	})
	if err = r.newError(ctx, "ecr:BatchDeleteImage", err); IsGone(err) {
		return nil
	}
	return err
}

// delete sends one request. An error that may be tried again is the SDK's own.
func (r *Repository) delete(ctx context.Context, id types.ImageIdentifier) error {
	const action = "ecr:BatchDeleteImage"
	out, err := r.region.api.batchDeleteImage(ctx, &ecr.BatchDeleteImageInput{
		RegistryId:     r.registryID(),
		RepositoryName: &r.URL.Name,
		ImageIds:       []types.ImageIdentifier{id},
	}, func(o *ecr.Options) { o.Retryer = aws.NopRetryer{} }) // deleteIf looks before it tries again.
	if err != nil {
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
