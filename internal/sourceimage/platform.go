// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package sourceimage

import (
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// The architectures, in Lambda's words.
const (
	x8664 = "x86_64"
	arm64 = "arm64"
)

// goArchitectures are Lambda's architectures in the words of images, which are
// those of Go.
var goArchitectures = map[string]string{x8664: "amd64", arm64: "arm64"}

// variants are those that an image for Lambda may have, the best first. Lambda
// documents AVX2 for x86_64 (Lambda developer guide, "Using AVX2
// vectorization"), which v3 is, and Graviton2 for arm64, which is ARMv8.
var variants = map[string][]string{
	"amd64": {"", "v1", "v2", "v3"},
	"arm64": {"", "v8", "v8.0", "v8.1", "v8.2"},
}

// rank tells how well a platform suits an architecture: 0 is best, -1 not at
// all.
func rank(p v1.Platform, goArchitecture string) int {
	if p.OS != "linux" || p.Architecture != goArchitecture {
		return -1
	}
	return slices.Index(variants[goArchitecture], p.Variant)
}

// platformName is how docker writes a platform.
func platformName(p v1.Platform) string {
	text := p.OS + "/" + p.Architecture
	if p.Variant != "" {
		text += "/" + p.Variant
	}
	if p.OSVersion != "" {
		text += " (" + p.OSVersion + ")"
	}
	return text
}

// isAttestation tells the entries of an index that describe an image instead of
// being one: BuildKit marks its provenance and SBOM manifests by both.
func isAttestation(d v1.Descriptor) bool {
	if _, ok := d.Annotations["vnd.docker.reference.type"]; ok {
		return true
	}
	return isArtifactType(d.ArtifactType) || d.Platform != nil && d.Platform.OS == "unknown" && d.Platform.Architecture == "unknown"
}

// choose returns the entry of an index that suits the architecture best, and
// what else the index has, for people. nameless are the images that it names no
// platform for.
func choose(index *v1.IndexManifest, goArchitecture string) (best *v1.Descriptor, nameless []v1.Descriptor, platforms []string) {
	bestRank := -1
	for i, entry := range index.Manifests {
		if isAttestation(entry) {
			continue
		}
		if entry.MediaType.IsIndex() {
			platforms = append(platforms, "an index within the index (which is not looked into)")
		}
		if !entry.MediaType.IsImage() {
			continue
		}
		if entry.Platform == nil || entry.Platform.OS == "" && entry.Platform.Architecture == "" {
			nameless = append(nameless, entry)
			continue
		}
		platforms = append(platforms, platformName(*entry.Platform))
		if r := rank(*entry.Platform, goArchitecture); r >= 0 && (bestRank < 0 || r < bestRank) {
			best, bestRank = &index.Manifests[i], r
		}
	}
	return best, nameless, platforms
}

// listed is a list for people, bounded because an index may have any number.
func listed(platforms []string) string {
	const most = 20
	if len(platforms) == 0 {
		return "no image for any platform"
	}
	slices.Sort(platforms)
	platforms = slices.Compact(platforms)
	text := strings.Join(platforms[:min(len(platforms), most)], ", ")
	if len(platforms) > most {
		text += " and others"
	}
	return text
}
