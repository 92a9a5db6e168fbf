// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

import (
	"maps"
	"slices"
	"time"
)

// StoredImage is an image as a repository holds it.
type StoredImage struct {
	Digest    string // "sha256:…"
	MediaType string
	Manifest  []byte
	Tags      []string // in alphabetical order, nil if untagged
	PushedAt  time.Time
	Size      int64 // bytes, as imageSizeInBytes
}

func (r *repository) stored(image *storedImage) StoredImage {
	return StoredImage{
		Digest: image.digest, MediaType: image.mediaType, Manifest: slices.Clone(image.manifest),
		Tags: r.tagsOf(image.digest), PushedAt: image.pushedAt, Size: image.size,
	}
}

// Images returns a repository's images, in the default account, ordered by
// digest; nil if there are none or no such repository.
func (s *Server) Images(region, repository string) []StoredImage {
	return s.ImagesOf(s.account, region, repository)
}

// ImagesOf is Images for any account.
func (s *Server) ImagesOf(account, region, repository string) []StoredImage {
	s.ecr.mu.Lock()
	defer s.ecr.mu.Unlock()
	repo, ok := s.ecr.repositories[regionKey{account, region}][repository]
	if !ok {
		return nil
	}
	var images []StoredImage
	for _, digest := range slices.Sorted(maps.Keys(repo.images)) {
		images = append(images, repo.stored(repo.images[digest]))
	}
	return images
}

// ImageAt returns the image that a tag of a repository of the default account
// resolves to.
func (s *Server) ImageAt(region, repository, tag string) (StoredImage, bool) {
	for _, image := range s.Images(region, repository) {
		if slices.Contains(image.Tags, tag) {
			return image, true
		}
	}
	return StoredImage{}, false
}

// Repositories lists the names of the default account's repositories in a region.
func (s *Server) Repositories(region string) []string {
	s.ecr.mu.Lock()
	defer s.ecr.mu.Unlock()
	return slices.Sorted(maps.Keys(s.ecr.repositories[regionKey{s.account, region}]))
}

// ExpireImage deletes a tag as a lifecycle policy does, the image with its last
// tag; it tells whether there was one.
func (s *Server) ExpireImage(region, repository, tag string) bool {
	s.ecr.mu.Lock()
	defer s.ecr.mu.Unlock()
	repo, ok := s.ecr.repositories[regionKey{s.account, region}][repository]
	if !ok {
		return false
	}
	_, failure := s.ecr.deleteImage(repo, imageID{ImageTag: tag})
	return failure == nil
}

// RequestsPerRepository counts the requests to ECR and its registry by the
// repository that they name; those that name none, such as
// GetAuthorizationToken, are not counted.
func (s *Server) RequestsPerRepository() map[string]int {
	counts := map[string]int{}
	for _, r := range s.Requests() {
		if r.Repository != "" {
			counts[r.Repository]++
		}
	}
	return counts
}
