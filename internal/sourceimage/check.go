// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package sourceimage

import (
	"fmt"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

const (
	// maxImageSize is Lambda's limit for an image, uncompressed (Lambda
	// developer guide, "Lambda quotas": 10 GB). A manifest tells compressed
	// sizes only, so that what is over the limit by those is surely over it,
	// and what is not may be.
	maxImageSize = 10 << 30
	// maxConfigSize bounds what is read of a config; those of large images have
	// some ten thousand bytes.
	maxConfigSize = 4 << 20
)

var (
	configTypes = []types.MediaType{types.DockerConfigJSON, types.OCIConfigJSON}
	// layerTypes are those that Lambda is known to take (it answers
	// UnsupportedImageLayerDetected to others, seen in
	// bazel-contrib/rules_oci#645).
	layerTypes = []types.MediaType{types.DockerLayer, types.OCILayer}
)

// unsupportedManifest says why Lambda cannot run an image, as far as its
// manifest tells; "" if it can.
func unsupportedManifest(m *v1.Manifest, artifactType string, hasSubject bool) string {
	switch {
	case m.SchemaVersion == 1:
		return "its manifest is of schema 1, which registries replaced in 2017; build or push it again with a current tool"
	case isArtifactType(artifactType):
		return fmt.Sprintf("it is an artifact of type %q, not an image of a program", artifactType)
	case hasSubject:
		return "it only describes another image, as a signature does"
	case !slices.Contains(configTypes, m.Config.MediaType):
		return fmt.Sprintf("it is an artifact, not an image of a program: its config is of type %q", m.Config.MediaType)
	case m.Config.Size <= 0 || m.Config.Size > maxConfigSize:
		return fmt.Sprintf("its config has %d bytes", m.Config.Size)
	case m.Config.Digest.Algorithm != "sha256":
		return "its config is named by another digest than SHA-256, which is the one that ECR knows"
	}
	var size int64
	for n, l := range m.Layers {
		if reason := unsupportedLayer(l); reason != "" {
			return fmt.Sprintf("layer %d of %d (%s) %s", n+1, len(m.Layers), l.Digest, reason)
		}
		if size += l.Size; size > maxImageSize {
			return fmt.Sprintf("its layers have more than %d GB, compressed; Lambda's limit is %[1]d GB, uncompressed", maxImageSize>>30)
		}
	}
	return ""
}

// isArtifactType tells a type by which something calls itself no image: the
// type of an image's config is what an image's artifact type defaults to (OCI
// distribution specification, referrers).
func isArtifactType(t string) bool {
	return t != "" && !slices.Contains(configTypes, types.MediaType(t))
}

func unsupportedLayer(l v1.Descriptor) string {
	switch {
	case strings.HasSuffix(string(l.MediaType), "zstd"):
		return "is compressed with zstd, and Lambda takes gzip; build the image with gzip layers (docker buildx: --output type=image,compression=gzip,force-compression=true)"
	case !l.MediaType.IsDistributable() || len(l.URLs) > 0:
		return "is a foreign layer, which is not in the registry but somewhere else"
	case !slices.Contains(layerTypes, l.MediaType):
		return fmt.Sprintf("is of type %q, and Lambda takes layers that are compressed with gzip: %q and %q", l.MediaType, layerTypes[0], layerTypes[1])
	case l.Digest.Algorithm != "sha256":
		return "is named by another digest than SHA-256, which is the one that ECR knows"
	case l.Size <= 0:
		return fmt.Sprintf("has %d bytes", l.Size)
	}
	return ""
}
