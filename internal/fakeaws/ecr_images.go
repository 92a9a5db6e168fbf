// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

import (
	"maps"
	"slices"
	"strings"
)

func (e *ecrService) imageOperations() map[string]operation {
	return map[string]operation{
		"BatchGetImage":  {handle: jsonHandler(e.batchGetImage)},
		"DescribeImages": {handle: jsonHandler(e.describeImages)},
		"ListImages":     {handle: jsonHandler(e.listImages)},
	}
}

type batchGetImageInput struct {
	repositoryInput
	ImageIDs           []imageID `json:"imageIds"`
	AcceptedMediaTypes []string  `json:"acceptedMediaTypes"`
}

type batchGetImageOutput struct {
	Images   []ecrImage     `json:"images"`
	Failures []imageFailure `json:"failures"`
}

// batchGetImage returns manifests. By tag they are converted for clients that
// do not accept what is stored; by digest never.
func (e *ecrService) batchGetImage(c *call, in *batchGetImageInput) (*batchGetImageOutput, error) {
	if err := checkImageIDs(in.ImageIDs); err != nil {
		return nil, err
	}
	return withRepository(e, c, in.repositoryInput, func(repo *repository) (*batchGetImageOutput, error) {
		out := &batchGetImageOutput{Images: []ecrImage{}, Failures: []imageFailure{}}
		for _, id := range in.ImageIDs {
			image, failure := repo.resolve(id)
			if failure != nil {
				out.Failures = append(out.Failures, *failure)
				continue
			}
			shown := view{image.digest, image.mediaType, image.manifest}
			if id.ImageDigest == "" {
				shown = image.as(in.AcceptedMediaTypes)
			}
			tags := []string{id.ImageTag}
			if of := repo.tagsOf(image.digest); id.ImageTag == "" && e.srv.Behaviour().EntryPerTag && len(of) > 0 {
				tags = of
			}
			for _, tag := range tags {
				out.Images = append(out.Images, repo.present(tag, shown))
			}
		}
		return out, nil
	})
}

type imageFilter struct {
	TagStatus   string `json:"tagStatus"`
	ImageStatus string `json:"imageStatus"`
}

// selects tells whether an image with so many tags passes. Images here are
// always ACTIVE.
func (f imageFilter) selects(tags int) bool {
	switch {
	case f.ImageStatus != "" && f.ImageStatus != "ACTIVE" && f.ImageStatus != "ANY":
		return false
	case f.TagStatus == "TAGGED":
		return tags > 0
	case f.TagStatus == "UNTAGGED":
		return tags == 0
	}
	return true
}

type describeImagesInput struct {
	repositoryInput
	ImageIDs []imageID   `json:"imageIds"`
	Filter   imageFilter `json:"filter"`
	pageInput
}

type imageDetail struct {
	RegistryID             string    `json:"registryId"`
	RepositoryName         string    `json:"repositoryName"`
	ImageDigest            string    `json:"imageDigest"`
	ImageTags              []string  `json:"imageTags,omitempty"` // absent when untagged
	ImageSizeInBytes       int64     `json:"imageSizeInBytes"`
	ImagePushedAt          epochTime `json:"imagePushedAt"`
	ImageManifestMediaType string    `json:"imageManifestMediaType"`
	ArtifactMediaType      string    `json:"artifactMediaType,omitempty"`
	ImageStatus            string    `json:"imageStatus"`
}

type describeImagesOutput struct {
	ImageDetails []imageDetail `json:"imageDetails"`
	NextToken    string        `json:"nextToken,omitempty"`
}

func (e *ecrService) describeImages(c *call, in *describeImagesInput) (*describeImagesOutput, error) {
	return withRepository(e, c, in.repositoryInput, func(repo *repository) (*describeImagesOutput, error) {
		out := &describeImagesOutput{ImageDetails: []imageDetail{}}
		if len(in.ImageIDs) > 0 {
			for _, id := range in.ImageIDs {
				image, failure := repo.resolve(id)
				if failure != nil {
					return nil, repo.imageNotFound(id, failure)
				}
				out.ImageDetails = append(out.ImageDetails, repo.detail(image))
			}
			return out, nil
		}
		digests := slices.DeleteFunc(slices.Sorted(maps.Keys(repo.images)), func(digest string) bool {
			return !in.Filter.selects(len(repo.tagsOf(digest)))
		})
		page, next, err := paginate(digests, in.pageInput)
		if err != nil {
			return nil, err
		}
		for _, digest := range page {
			out.ImageDetails = append(out.ImageDetails, repo.detail(repo.images[digest]))
		}
		out.NextToken = next
		return out, nil
	})
}

func (r *repository) detail(image *storedImage) imageDetail {
	artifact := image.artifactType
	if artifact == "" {
		artifact = image.configMediaType
	}
	return imageDetail{
		RegistryID: r.key.Account, RepositoryName: r.name, ImageDigest: image.digest, ImageTags: r.tagsOf(image.digest),
		ImageSizeInBytes: image.size, ImagePushedAt: epochTime{image.pushedAt},
		ImageManifestMediaType: image.mediaType, ArtifactMediaType: artifact, ImageStatus: "ACTIVE",
	}
}

// imageNotFound is DescribeImages' refusal of an id.
func (r *repository) imageNotFound(id imageID, failure *imageFailure) *apiError {
	if failure.FailureCode != "ImageNotFound" {
		return clientError("InvalidParameterException", "%s", failure.FailureReason)
	}
	digest, tag := id.ImageDigest, id.ImageTag
	if digest == "" {
		digest = "null"
	}
	if tag == "" {
		tag = "null"
	}
	return clientError("ImageNotFoundException",
		"The image with imageId {imageDigest:'%s', imageTag:'%s'} does not exist within the repository with name '%s' in the registry with id '%s'",
		digest, tag, r.name, r.key.Account)
}

type listImagesInput struct {
	repositoryInput
	Filter imageFilter `json:"filter"`
	pageInput
}

type listImagesOutput struct {
	ImageIDs  []imageID `json:"imageIds"`
	NextToken string    `json:"nextToken,omitempty"`
}

// listImages lists one id per tag, and one without a tag per untagged image.
func (e *ecrService) listImages(c *call, in *listImagesInput) (*listImagesOutput, error) {
	return withRepository(e, c, in.repositoryInput, func(repo *repository) (*listImagesOutput, error) {
		var keys []string
		for digest := range repo.images {
			tags := repo.tagsOf(digest)
			if !in.Filter.selects(len(tags)) {
				continue
			}
			if len(tags) == 0 {
				keys = append(keys, digest+" ")
			}
			for _, tag := range tags {
				keys = append(keys, digest+" "+tag)
			}
		}
		slices.Sort(keys)
		page, next, err := paginate(keys, in.pageInput)
		if err != nil {
			return nil, err
		}
		out := &listImagesOutput{ImageIDs: []imageID{}, NextToken: next}
		for _, key := range page {
			digest, tag, _ := strings.Cut(key, " ")
			out.ImageIDs = append(out.ImageIDs, imageID{digest, tag})
		}
		return out, nil
	})
}
