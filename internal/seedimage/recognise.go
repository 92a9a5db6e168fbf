// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package seedimage

import (
	"encoding/base64"
	"encoding/json"
	"strconv"

	"github.com/google/go-containerregistry/pkg/v1/types"
)

// Placeholder is what a manifest tells about the placeholder it belongs to.
type Placeholder struct {
	// Version is the version of the mark, at least 1. It may be newer than the
	// Version that this package builds.
	Version int
	// Architecture is "x86_64" or "arm64"; "" if the manifest does not tell.
	Architecture string
	// Response is the answer to HTTP callers, with every default spelled out (see
	// Response.WithDefaults); the zero value if the manifest does not tell.
	Response Response
}

// Recognise reads a raw manifest, any bytes at all, and reports whether it belongs
// to a placeholder, of whichever version.
//
// Only an OCI image manifest that carries the mark counts, not an index. The mark
// speaks for the one layer it was set for: tools that build on an image, such as
// "crane append", copy its annotations, and what they make is somebody's real
// image. In doubt the answer is no, because an image that is not a placeholder is
// never overwritten or deleted.
func Recognise(manifest []byte) (Placeholder, bool) {
	var m struct {
		SchemaVersion int               `json:"schemaVersion"`
		MediaType     types.MediaType   `json:"mediaType"`
		Manifests     json.RawMessage   `json:"manifests"`
		Annotations   map[string]string `json:"annotations"`
		Layers        []struct {
			Digest string `json:"digest"`
		} `json:"layers"`
	}
	if err := json.Unmarshal(manifest, &m); err != nil {
		return Placeholder{}, false
	}
	if m.SchemaVersion != 2 || m.MediaType != types.OCIManifestSchema1 || m.Manifests != nil {
		return Placeholder{}, false
	}
	version, err := strconv.Atoi(m.Annotations[AnnotationPlaceholder])
	if err != nil || version < 1 {
		return Placeholder{}, false
	}
	if len(m.Layers) > 1 {
		return Placeholder{}, false
	}
	if digest, ok := m.Annotations[AnnotationLayer]; ok && (len(m.Layers) == 0 || m.Layers[0].Digest != digest) {
		return Placeholder{}, false
	}
	return Placeholder{
		Version:      version,
		Architecture: architectureOf(m.Annotations),
		Response:     responseOf(m.Annotations),
	}, true
}

// architectureOf returns the architecture that the annotations name, or "".
func architectureOf(annotations map[string]string) string {
	architecture := annotations[AnnotationArchitecture]
	if _, ok := goArchitectures[architecture]; !ok {
		return ""
	}
	return architecture
}

// responseOf returns the response that the annotations describe, or the zero value
// if any part of it is missing or makes no sense.
func responseOf(annotations map[string]string) Response {
	statusCode, err := strconv.Atoi(annotations[AnnotationStatusCode])
	if err != nil || statusCode == 0 {
		return Response{}
	}
	r := Response{StatusCode: statusCode, ContentType: annotations[AnnotationContentType]}
	if r.ContentType == "" {
		return Response{}
	}
	if encoded, ok := annotations[AnnotationBody]; ok {
		decoded, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil {
			return Response{}
		}
		body := string(decoded)
		r.Body = &body
	}
	if r.Validate() != nil {
		return Response{}
	}
	return r
}
