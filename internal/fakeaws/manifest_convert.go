// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/types"
)

// view is how a client gets to see an image: as stored, or converted.
type view struct {
	digest, mediaType string
	manifest          []byte
}

// ociToDocker pairs the media types that conversion exchanges.
var ociToDocker = map[string]string{
	string(types.OCIManifestSchema1):   string(types.DockerManifestSchema2),
	string(types.OCIConfigJSON):        string(types.DockerConfigJSON),
	string(types.OCILayer):             string(types.DockerLayer),
	string(types.OCIUncompressedLayer): string(types.DockerUncompressedLayer),
}

// as returns the image for a client that asked by tag and accepts some media
// types: converted between Docker and OCI when the stored type is not among
// them, as it is in all other cases. By digest there is no conversion.
// Source: ECR user guide, image manifest formats.
func (i *storedImage) as(accepted []string) view {
	stored := view{i.digest, i.mediaType, i.manifest}
	if len(accepted) == 0 || slices.Contains(accepted, i.mediaType) || slices.Contains(accepted, "*/*") {
		return stored
	}
	table := map[string]string{}
	for oci, docker := range ociToDocker {
		table[oci], table[docker] = docker, oci
	}
	wanted, ok := table[i.mediaType]
	if !ok || !slices.Contains(accepted, wanted) {
		return stored
	}
	text := string(i.manifest)
	for from, to := range table {
		if (ociToDocker[from] != "") == (ociToDocker[i.mediaType] != "") {
			text = strings.ReplaceAll(text, `"`+from+`"`, `"`+to+`"`)
		}
	}
	sum := sha256.Sum256([]byte(text))
	return view{"sha256:" + hex.EncodeToString(sum[:]), wanted, []byte(text)}
}
