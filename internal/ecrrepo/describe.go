// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package ecrrepo

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	ggcr "github.com/google/go-containerregistry/pkg/v1/types"
)

// Detail is what ECR tells of an image without its manifest (ECR API
// reference, DescribeImages, ImageDetail).
type Detail struct {
	Digest string
	// Tags are in alphabetical order, nil for an untagged image.
	Tags []string
	// MediaType is that of the manifest.
	MediaType string
	// Size is imageSizeInBytes; for an index that of its largest image.
	Size int64
	// PushedAt is when the image was pushed.
	PushedAt time.Time
}

// IsIndex reports whether the manifest is a list of manifests, one for each
// platform: Lambda takes none (Lambda developer guide, "Create a Lambda
// function using a container image").
func (d Detail) IsIndex() bool { return ggcr.MediaType(d.MediaType).IsIndex() }

// Describe returns the detail of the image that a tag or digest resolves to
// now. It makes one DescribeImages request; errors are those of Look.
func (r *Repository) Describe(ctx context.Context, reference string) (Detail, error) {
	const action = "ecr:DescribeImages"
	out, err := r.region.api.describeImages(ctx, &ecr.DescribeImagesInput{
		RegistryId:     r.registryID(),
		RepositoryName: &r.URL.Name,
		ImageIds:       []types.ImageIdentifier{imageID(reference)},
	})
	if err != nil {
		return Detail{}, r.newError(ctx, action, err)
	}
	if len(out.ImageDetails) != 1 {
		return Detail{}, r.errorf(action, ErrUnexpectedAnswer, "%d images for one reference", len(out.ImageDetails))
	}
	detail, err := r.detail(out.ImageDetails[0])
	if err == nil && digestPattern.MatchString(reference) && detail.Digest != reference {
		return Detail{}, r.errorf(action, ErrUnexpectedAnswer, "the image %s for %s", detail.Digest, reference)
	}
	return detail, err
}

func (r *Repository) detail(from types.ImageDetail) (Detail, error) {
	d := Detail{
		Digest:    aws.ToString(from.ImageDigest),
		Tags:      slices.Sorted(slices.Values(from.ImageTags)),
		MediaType: aws.ToString(from.ImageManifestMediaType),
		Size:      aws.ToInt64(from.ImageSizeInBytes),
		PushedAt:  aws.ToTime(from.ImagePushedAt),
	}
	if !digestPattern.MatchString(d.Digest) {
		return Detail{}, r.errorf("ecr:DescribeImages", ErrUnexpectedAnswer, "an image without a digest")
	}
	return d, nil
}

// describePage is how many details come with one answer, the most that ECR
// gives (ECR API reference, DescribeImages, maxResults).
const describePage = 1000

// tagged returns the details of all tagged images that ECR has at hand
// (archived ones are not among them), the newest first, in one DescribeImages
// request for each thousand. Of those pushed at the same time an index comes
// before what it lists.
func (r *Repository) tagged(ctx context.Context) ([]Detail, error) {
	pages := ecr.NewDescribeImagesPaginator(r.region.api, &ecr.DescribeImagesInput{
		RegistryId:     r.registryID(),
		RepositoryName: &r.URL.Name,
		Filter:         &types.DescribeImagesFilter{TagStatus: types.TagStatusTagged},
		MaxResults:     aws.Int32(describePage),
	}, func(o *ecr.DescribeImagesPaginatorOptions) { o.StopOnDuplicateToken = true })
	var details []Detail
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, r.newError(ctx, "ecr:DescribeImages", err)
		}
		for _, from := range page.ImageDetails {
			switch from.ImageStatus {
			case types.ImageStatusArchived, types.ImageStatusActivating:
				continue
			}
			detail, err := r.detail(from)
			if err != nil {
				return nil, err
			}
			details = append(details, detail)
		}
	}
	slices.SortFunc(details, func(a, b Detail) int {
		switch newer := b.PushedAt.Compare(a.PushedAt); {
		case newer != 0:
			return newer
		case a.IsIndex() == b.IsIndex():
			return strings.Compare(a.Digest, b.Digest)
		case a.IsIndex():
			return -1
		}
		return 1
	})
	return details, nil
}

// ValidateDigest tells whether a string is the digest of an image.
func ValidateDigest(digest string) error {
	if digestPattern.MatchString(digest) {
		return nil
	}
	return fmt.Errorf("%q is not a digest: expected sha256: and 64 hexadecimal digits in lower case", digest)
}
