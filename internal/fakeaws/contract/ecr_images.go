// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package contract

import (
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	ecrtypes "github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// everyType is what a client accepts that wants to see what is stored.
var everyType = []string{
	string(types.OCIManifestSchema1), string(types.OCIImageIndex),
	string(types.DockerManifestSchema2), string(types.DockerManifestList),
}

// get is BatchGetImage of one id.
func (r *repository) get(id ecrtypes.ImageIdentifier, accepted ...string) *ecr.BatchGetImageOutput {
	r.s.Helper()
	out, err := r.s.ecr.BatchGetImage(r.s.ctx, &ecr.BatchGetImageInput{
		RepositoryName: &r.name, ImageIds: []ecrtypes.ImageIdentifier{id}, AcceptedMediaTypes: accepted,
	})
	r.s.must(err)
	return out
}

var imageFacts = []fact{
	{documented, "BatchGetImage of a missing image: no error, but a failure ImageNotFound", "ECR API reference", "", func(s *session) string {
		r := s.repository()
		out := r.get(byTag("missing"), everyType...)
		s.wantEqual("images", len(out.Images), 0)
		s.wantEqual("failures", len(out.Failures), 1)
		s.wantEqual("code", out.Failures[0].FailureCode, "ImageNotFound")
		s.wantEqual("tag", aws.ToString(out.Failures[0].ImageId.ImageTag), "missing")
		return ""
	}},
	{documented, "BatchGetImage returns the very bytes that were pushed when their type is accepted", "ECR user guide, image manifest formats", "", func(s *session) string {
		r := s.repository()
		i := r.put("x", "a")
		for _, id := range []ecrtypes.ImageIdentifier{byTag("a"), byDigest(i.digest)} {
			out := r.get(id, everyType...)
			s.wantEqual("images", len(out.Images), 1)
			got := out.Images[0]
			s.wantEqual("manifest", aws.ToString(got.ImageManifest), string(i.manifest))
			s.wantEqual("media type", aws.ToString(got.ImageManifestMediaType), i.mediaType)
			s.wantEqual("digest", aws.ToString(got.ImageId.ImageDigest), i.digest)
		}
		return ""
	}},
	{unsure, "BatchGetImage by digest of an image with two tags gives", "not documented", "1 entry", func(s *session) string {
		r := s.repository()
		i := r.put("x", "a", "b")
		out := r.get(byDigest(i.digest), everyType...)
		for _, image := range out.Images {
			s.wantEqual("digest", aws.ToString(image.ImageId.ImageDigest), i.digest)
		}
		if len(out.Images) == 1 {
			return "1 entry"
		}
		return fmt.Sprint(len(out.Images), " entries")
	}},
	{unsure, "BatchGetImage of an index that accepts index types gives", "the model names no index type", "the index", func(s *session) string {
		r := s.repository()
		child := r.put("x", "@")
		all := index(child)
		r.want(r.putManifest(all, "multi"), 201, "")
		out := r.get(byTag("multi"), everyType...)
		switch {
		case len(out.Images) == 0:
			return fmt.Sprint("failure ", out.Failures[0].FailureCode)
		case aws.ToString(out.Images[0].ImageId.ImageDigest) == all.digest:
			return "the index"
		}
		return "another manifest"
	}},
	{unsure, "BatchGetImage by tag of an OCI image that accepts Docker only gives", "conversion is documented for pulls by tag", "a converted manifest", func(s *session) string {
		r := s.repository()
		i := r.put("x", "a")
		out := r.get(byTag("a"), string(types.DockerManifestSchema2))
		switch {
		case len(out.Images) == 0:
			return fmt.Sprint("failure ", out.Failures[0].FailureCode)
		case aws.ToString(out.Images[0].ImageManifest) == string(i.manifest):
			return "the stored manifest"
		}
		return "a converted manifest"
	}},
	{documented, "DescribeImages of a missing image: ImageNotFoundException", "ECR API reference", "", func(s *session) string {
		r := s.repository()
		_, err := s.ecr.DescribeImages(s.ctx, &ecr.DescribeImagesInput{RepositoryName: &r.name, ImageIds: []ecrtypes.ImageIdentifier{byTag("missing")}})
		s.wantCode(err, "ImageNotFoundException")
		return ""
	}},
	{documented, "DescribeImages tells tags, media type, time of push and status", "ECR API reference", "", func(s *session) string {
		r := s.repository()
		i := r.put("x", "a", "b")
		got := r.detail(i.digest)
		tags := slices.Sorted(slices.Values(got.ImageTags))
		s.wantEqual("imageTags", tags, []string{"a", "b"})
		s.wantEqual("imageManifestMediaType", aws.ToString(got.ImageManifestMediaType), i.mediaType)
		if age := time.Since(aws.ToTime(got.ImagePushedAt)); age < -time.Minute || age > 5*time.Minute {
			s.Errorf("imagePushedAt is %s ago", age)
		}
		return ""
	}},
	{unsure, "DescribeImages' imageSizeInBytes is the sum of", "the docs say only that it may be the compressed size", "config and layers", func(s *session) string {
		r := s.repository()
		i := r.put("a somewhat longer seed", "a")
		switch size := aws.ToInt64(r.detail(i.digest).ImageSizeInBytes); int(size) {
		case len(i.layer):
			return "layers"
		case len(i.layer) + len(i.config):
			return "config and layers"
		case len(i.layer) + len(i.config) + len(i.manifest):
			return "manifest, config and layers"
		default:
			return fmt.Sprintf("something else: %d, layer %d, config %d, manifest %d", size, len(i.layer), len(i.config), len(i.manifest))
		}
	}},
	{seen, "imageTags is absent for an untagged image", "moto's comment", "", func(s *session) string {
		r := s.repository()
		i := r.put("x", "@")
		if got := r.detail(i.digest).ImageTags; got != nil {
			s.Errorf("imageTags = %v, want none", got)
		}
		return ""
	}},
	{documented, "DescribeImages and ListImages filter by tagStatus", "ECR API reference", "", func(s *session) string {
		r := s.repository()
		tagged, untagged := r.put("x", "a"), r.put("y", "@")
		for status, want := range map[ecrtypes.TagStatus]string{ecrtypes.TagStatusTagged: tagged.digest, ecrtypes.TagStatusUntagged: untagged.digest} {
			described, err := s.ecr.DescribeImages(s.ctx, &ecr.DescribeImagesInput{RepositoryName: &r.name, Filter: &ecrtypes.DescribeImagesFilter{TagStatus: status}})
			s.must(err)
			s.wantEqual("images described", len(described.ImageDetails), 1)
			s.wantEqual("digest", aws.ToString(described.ImageDetails[0].ImageDigest), want)
			listed, err := s.ecr.ListImages(s.ctx, &ecr.ListImagesInput{RepositoryName: &r.name, Filter: &ecrtypes.ListImagesFilter{TagStatus: status}})
			s.must(err)
			s.wantEqual("images listed", len(listed.ImageIds), 1)
			s.wantEqual("digest", aws.ToString(listed.ImageIds[0].ImageDigest), want)
		}
		return ""
	}},
	{documented, "DescribeImages and ListImages page by nextToken", "ECR API reference", "", func(s *session) string {
		r := s.repository()
		for _, seed := range []string{"x", "y", "z"} {
			r.put(seed, "tag-"+seed)
		}
		var described, listed []string
		images := ecr.NewDescribeImagesPaginator(s.ecr, &ecr.DescribeImagesInput{RepositoryName: &r.name, MaxResults: aws.Int32(1)})
		pages := 0
		for images.HasMorePages() {
			page, err := images.NextPage(s.ctx)
			s.must(err)
			pages++
			for _, d := range page.ImageDetails {
				described = append(described, d.ImageTags...)
			}
		}
		ids := ecr.NewListImagesPaginator(s.ecr, &ecr.ListImagesInput{RepositoryName: &r.name, MaxResults: aws.Int32(2)})
		for ids.HasMorePages() {
			page, err := ids.NextPage(s.ctx)
			s.must(err)
			for _, id := range page.ImageIds {
				listed = append(listed, aws.ToString(id.ImageTag))
			}
		}
		slices.Sort(described)
		slices.Sort(listed)
		want := []string{"tag-x", "tag-y", "tag-z"}
		s.wantEqual("described", described, want)
		s.wantEqual("listed", listed, want)
		if pages < 3 {
			s.Errorf("%d pages of one image each, want at least 3", pages)
		}
		return ""
	}},
}

// detail is DescribeImages of one digest.
func (r *repository) detail(digest string) ecrtypes.ImageDetail {
	r.s.Helper()
	out, err := r.s.ecr.DescribeImages(r.s.ctx, &ecr.DescribeImagesInput{RepositoryName: &r.name, ImageIds: []ecrtypes.ImageIdentifier{byDigest(digest)}})
	r.s.must(err)
	return out.ImageDetails[0]
}
