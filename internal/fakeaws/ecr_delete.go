// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

import "slices"

func (e *ecrService) deleteOperations() map[string]operation {
	return map[string]operation{"BatchDeleteImage": {handle: jsonHandler(e.batchDeleteImage)}}
}

type imageID struct {
	ImageDigest string `json:"imageDigest,omitempty"`
	ImageTag    string `json:"imageTag,omitempty"`
}

type imageFailure struct {
	ImageID       *imageID `json:"imageId,omitempty"`
	FailureCode   string   `json:"failureCode"`
	FailureReason string   `json:"failureReason"`
}

type batchDeleteImageInput struct {
	repositoryInput
	ImageIDs []imageID `json:"imageIds"`
}

type batchDeleteImageOutput struct {
	ImageIDs []imageID      `json:"imageIds"`
	Failures []imageFailure `json:"failures"`
}

func (e *ecrService) batchDeleteImage(c *call, in *batchDeleteImageInput) (*batchDeleteImageOutput, error) {
	if err := checkImageIDs(in.ImageIDs); err != nil {
		return nil, err
	}
	return withRepository(e, c, in.repositoryInput, func(repo *repository) (*batchDeleteImageOutput, error) {
		out := &batchDeleteImageOutput{ImageIDs: []imageID{}, Failures: []imageFailure{}}
		for _, id := range in.ImageIDs {
			deleted, failure := e.deleteImage(repo, id)
			if failure != nil {
				out.Failures = append(out.Failures, *failure)
			}
			out.ImageIDs = append(out.ImageIDs, deleted...)
		}
		return out, nil
	})
}

// checkImageIDs refuses lists that the API's model does not allow.
func checkImageIDs(ids []imageID) *apiError {
	if len(ids) == 0 || len(ids) > 100 {
		return clientError("InvalidParameterException",
			"Invalid parameter at 'imageIds' failed to satisfy constraint: 'Member must have length between 1 and 100'")
	}
	return nil
}

// resolve finds the image that an id names, and says what is wrong with the id
// otherwise; e.mu must be held. Codes: ECR API reference, ImageFailure.
func (r *repository) resolve(id imageID) (*storedImage, *imageFailure) {
	failure := func(code, reason string) (*storedImage, *imageFailure) {
		return nil, &imageFailure{&id, code, reason}
	}
	switch {
	case id.ImageDigest == "" && id.ImageTag == "":
		return failure("MissingDigestAndTag", "Invalid request parameters: both tag and digest cannot be null")
	case id.ImageDigest != "" && !digestPattern.MatchString(id.ImageDigest):
		return failure("InvalidImageDigest", "Invalid request parameters: image digest should satisfy the regex '[a-zA-Z0-9-_+.]+:[a-fA-F0-9]+'")
	case id.ImageTag != "" && !tagPattern.MatchString(id.ImageTag):
		return failure("InvalidImageTag", "Invalid request parameters: image tag should satisfy the regex '[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}'")
	}
	digest := id.ImageDigest
	if id.ImageTag != "" {
		tagged, ok := r.tags[id.ImageTag]
		switch {
		case !ok:
			return failure("ImageNotFound", "Requested image not found")
		case digest != "" && digest != tagged:
			return failure("ImageTagDoesNotMatchDigest", "The provided image tag does not match the provided digest")
		}
		digest = tagged
	}
	image, ok := r.images[digest]
	if !ok {
		return failure("ImageNotFound", "Requested image not found")
	}
	return image, nil
}

// deleteImage deletes by one id and returns what went; e.mu must be held.
// By tag the tag goes, and the image with its last tag; by digest the image
// and all its tags. Source: ECR API reference, BatchDeleteImage.
func (e *ecrService) deleteImage(repo *repository, id imageID) ([]imageID, *imageFailure) {
	image, failure := repo.resolve(id)
	if failure != nil {
		return nil, failure
	}
	behaviour := e.srv.Behaviour()
	byTag := id.ImageTag != "" && (id.ImageDigest == "" || !behaviour.IgnoreTagOfPair)
	tags := repo.tagsOf(image.digest)
	referenced := len(repo.referrersOf(image.digest)) > 0
	if byTag {
		last := len(tags) == 1
		if !last || referenced && behaviour.UntagReferencedChild {
			delete(repo.tags, id.ImageTag)
			return []imageID{{image.digest, id.ImageTag}}, nil
		}
	}
	if referenced {
		return nil, &imageFailure{
			&id, "ImageReferencedByManifestList",
			"Requested image referenced by manifest list: [" + repo.referrersOf(image.digest)[0] + "]",
		}
	}
	for _, tag := range tags {
		delete(repo.tags, tag)
	}
	delete(repo.images, image.digest)
	if len(tags) == 0 {
		return []imageID{{ImageDigest: image.digest}}, nil
	}
	deleted := make([]imageID, 0, len(tags))
	for _, tag := range slices.Sorted(slices.Values(tags)) {
		deleted = append(deleted, imageID{image.digest, tag})
	}
	return deleted, nil
}
