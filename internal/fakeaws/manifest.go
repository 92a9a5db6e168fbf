// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/types"
)

// maxManifest is the largest manifest. Source: service model, ImageManifest.
const maxManifest = 4194304

// manifestJSON is the part of image manifests and indexes that ECR looks at.
type manifestJSON struct {
	SchemaVersion int              `json:"schemaVersion"`
	MediaType     string           `json:"mediaType"`
	ArtifactType  string           `json:"artifactType"`
	Config        *descriptorJSON  `json:"config"`
	Layers        []descriptorJSON `json:"layers"`
	Manifests     []descriptorJSON `json:"manifests"`
}

type descriptorJSON struct {
	MediaType string   `json:"mediaType"`
	Digest    string   `json:"digest"`
	Size      int64    `json:"size"`
	URLs      []string `json:"urls"`
}

var (
	imageMediaTypes = []string{string(types.DockerManifestSchema2), string(types.OCIManifestSchema1)}
	indexMediaTypes = []string{string(types.DockerManifestList), string(types.OCIImageIndex)}
)

// invalidManifest is the refusal of a manifest that ECR cannot read or does
// not take, in the API; the registry wraps the same text into 405 UNSUPPORTED
// (falcosecurity/falcoctl#302, opcr-io/policy#149).
func invalidManifest() *apiError {
	return clientError("InvalidParameterException",
		"Invalid parameter at 'ImageManifest' failed to satisfy constraint: 'Invalid JSON syntax'")
}

// put checks a manifest and adds it to the repository, with a tag unless that
// is "". mediaType is what the caller says it is ("" to go by the manifest).
// created is false when the very same image was there already, with the tag.
// e.mu must be held. Error codes are the API's; the registry translates them.
func (e *ecrService) put(repo *repository, manifest []byte, mediaType, tag, digest string) (image *storedImage, created bool, refusal *apiError) {
	image, refusal = e.readManifest(manifest, mediaType)
	if refusal != nil {
		return nil, false, refusal
	}
	if digest != "" && digest != image.digest {
		// Seen in google/go-containerregistry#1568.
		return nil, false, clientError("ImageDigestDoesNotMatchException",
			"The image with digest '%s' in repository '%s' and registry ID '%s' does not match the image digest that Amazon ECR has calculated.",
			digest, repo.name, repo.key.Account)
	}
	if refusal := repo.checkReferences(image, manifest); refusal != nil {
		return nil, false, refusal
	}
	existing, stored := repo.images[image.digest]
	current, tagged := repo.tags[tag]
	if tag != "" && tagged {
		sameDigest := current == image.digest
		if repo.isImmutable(tag) && (!sameDigest || !e.srv.Behaviour().ImmutableSameDigestAllowed) {
			return existing, false, e.tagTaken(repo, tag)
		}
		if sameDigest {
			return existing, false, nil
		}
	}
	if stored {
		image = existing
	} else {
		image.pushedAt = e.srv.clock.now()
		repo.images[image.digest] = image
	}
	if tag == "" {
		return image, !stored, nil
	}
	// A retag leaves the old manifest where it is, untagged.
	repo.tags[tag] = image.digest
	return image, true, nil
}

// tagTaken is the refusal of an immutable tag, in the wording of now or of
// before about 2025. Seen in osscontainertools/kaniko#204, docker/buildx#2955.
func (e *ecrService) tagTaken(repo *repository, tag string) *apiError {
	thing := "tag"
	if e.srv.Behaviour().OldImmutableWording {
		thing = "repository"
	}
	return clientError("ImageTagAlreadyExistsException",
		"The image tag '%s' already exists in the '%s' repository and cannot be overwritten because the %s is immutable.", tag, repo.name, thing)
}

// readManifest parses a manifest and sees that it is of a kind that ECR takes.
func (e *ecrService) readManifest(manifest []byte, mediaType string) (*storedImage, *apiError) {
	if len(manifest) > maxManifest {
		return nil, clientError("InvalidParameterException",
			"Invalid parameter at 'imageManifest' failed to satisfy constraint: 'Member must have length less than or equal to %d'", maxManifest)
	}
	mediaType, _, _ = strings.Cut(mediaType, ";")
	var m manifestJSON
	if json.Unmarshal(manifest, &m) != nil || m.SchemaVersion != 2 {
		return nil, invalidManifest()
	}
	if mediaType == "" || mediaType == "application/json" {
		mediaType = m.MediaType
	}
	// Without a media type anywhere PutImage needs imageManifestMediaType
	// (aws/aws-sdk#193).
	if mediaType == "" || m.MediaType != "" && m.MediaType != mediaType {
		return nil, invalidManifest()
	}
	sum := sha256.Sum256(manifest)
	image := &storedImage{
		digest: "sha256:" + hex.EncodeToString(sum[:]), mediaType: mediaType, artifactType: m.ArtifactType,
		manifest: bytes.Clone(manifest),
	}
	switch {
	case slices.Contains(imageMediaTypes, mediaType):
		if m.Config == nil || !allDigests(append(m.Layers, *m.Config)) || len(m.Manifests) > 0 {
			return nil, invalidManifest()
		}
		image.configMediaType = m.Config.MediaType
		for _, d := range append([]descriptorJSON{*m.Config}, m.Layers...) {
			image.size += d.Size
			if len(d.URLs) == 0 { // foreign layers are not in the repository
				image.layers = append(image.layers, d.Digest)
			}
		}
	case slices.Contains(indexMediaTypes, mediaType):
		if m.Config != nil || len(m.Layers) > 0 || !allDigests(m.Manifests) {
			return nil, invalidManifest()
		}
		for _, d := range m.Manifests {
			image.children = append(image.children, d.Digest)
		}
	default:
		return nil, invalidManifest()
	}
	return image, nil
}

func allDigests(descriptors []descriptorJSON) bool {
	return !slices.ContainsFunc(descriptors, func(d descriptorJSON) bool {
		return !digestPattern.MatchString(d.Digest) || d.MediaType == "" || d.Size < 0
	})
}

// checkReferences sees that layers and child manifests are there already.
func (r *repository) checkReferences(image *storedImage, manifest []byte) *apiError {
	var missing []string
	for _, digest := range image.layers {
		if _, ok := r.layers[digest]; !ok {
			missing = append(missing, digest)
		}
	}
	if len(missing) > 0 {
		return clientError("LayersNotFoundException",
			"Layers with digests '[%s]' required for pushing image into repository with name '%s' in the registry with id '%s' do not exist",
			strings.Join(missing, ", "), r.name, r.key.Account)
	}
	for _, digest := range image.children {
		child, ok := r.images[digest]
		if !ok {
			missing = append(missing, digest)
			continue
		}
		image.size = max(image.size, child.size)
	}
	if len(missing) > 0 {
		return clientError("ReferencedImagesNotFoundException",
			"Images with digests '[%s]' required for pushing image into repository with name '%s' in the registry with id '%s' do not exist",
			strings.Join(missing, ", "), r.name, r.key.Account)
	}
	// What a client says a blob's size is must be true, or the image could
	// never be pulled.
	var m manifestJSON
	if json.Unmarshal(manifest, &m) != nil {
		return invalidManifest()
	}
	descriptors := m.Layers
	if m.Config != nil {
		descriptors = append(descriptors, *m.Config)
	}
	for _, d := range descriptors {
		if size, ok := r.layers[d.Digest]; ok && size != d.Size {
			return invalidManifest()
		}
	}
	return nil
}

// registryForm translates an API refusal of a manifest into the registry's
// status and code. The code for missing layers is not known for /v2/.
func (e *apiError) registryForm() (status int, code string) {
	switch e.Code {
	case "ImageTagAlreadyExistsException":
		return http.StatusBadRequest, "TAG_INVALID"
	case "ImageDigestDoesNotMatchException":
		return http.StatusBadRequest, "MANIFEST_INVALID"
	case "LayersNotFoundException", "ReferencedImagesNotFoundException":
		return http.StatusBadRequest, "MANIFEST_BLOB_UNKNOWN"
	case "InvalidParameterException":
		return http.StatusMethodNotAllowed, "UNSUPPORTED"
	}
	return http.StatusBadRequest, "MANIFEST_INVALID"
}
