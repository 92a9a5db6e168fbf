// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

// Package seedimage builds placeholder images and recognises them again.
//
// A placeholder is an ordinary container image that Lambda accepts: one OCI
// manifest with one layer, which holds the program of internal/bootstrap. It is
// told from every other image by a mark, an annotation in its manifest. A label
// would not do, because images that are built FROM a placeholder inherit labels.
//
// The package does no I/O. Images go out and manifests come in as values.
package seedimage

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/bootstrap"
)

//go:generate go test . -run TestGoldenDigests -update

// Version is the version of the placeholder's mark. It changes only when a
// placeholder's manifest has to be read in another way, never with a release of
// the provider.
const Version = 1

// The architectures of a placeholder, in the words of Lambda.
const (
	ArchitectureX8664 = "x86_64"
	ArchitectureARM64 = "arm64"
	// DefaultArchitecture is the one that a function gets when it names none
	// (source: Lambda API reference, CreateFunction, Architectures).
	DefaultArchitecture = ArchitectureX8664
)

// Annotations of a placeholder's manifest. They tell everything about it, so that
// one look at the manifest is enough. See also Recognise.
const (
	// AnnotationPlaceholder is the mark. Its value is Version.
	AnnotationPlaceholder = "io.github.lambdaseed.placeholder"
	// AnnotationLayer is the digest of the layer that the mark was set for: a tool
	// that appends to an image, or replaces its layers, copies annotations.
	AnnotationLayer = "io.github.lambdaseed.layer"
	// AnnotationArchitecture is the architecture in the words of Lambda.
	AnnotationArchitecture = "io.github.lambdaseed.architecture"
	// AnnotationStatusCode is Response.StatusCode, decimal.
	AnnotationStatusCode = "io.github.lambdaseed.http-response.status-code"
	// AnnotationContentType is Response.ContentType.
	AnnotationContentType = "io.github.lambdaseed.http-response.content-type"
	// AnnotationBody is Response.Body in standard base64. It is absent when the
	// body is the default.
	AnnotationBody = "io.github.lambdaseed.http-response.body-base64"
)

// goArchitectures maps Lambda's words to those of OCI image configurations.
var goArchitectures = map[string]string{
	ArchitectureX8664: "amd64",
	ArchitectureARM64: "arm64",
}

// created is the creation time of every placeholder. It is fixed, because the same
// input has to give the same digest.
var created = v1.Time{Time: time.Unix(0, 0).UTC()}

// Build returns the placeholder for one of Lambda's architectures that answers r to
// HTTP callers. The same arguments give the same image, byte for byte. It returns
// an error when there is no such architecture or when r is not valid, see
// Response.Validate.
func Build(architecture string, r Response) (v1.Image, error) {
	program, ok := bootstrap.LayerFor(architecture)
	if !ok {
		return nil, fmt.Errorf("there is no placeholder for the architecture %q, only for %q and %q", architecture, ArchitectureX8664, ArchitectureARM64)
	}
	if err := r.Validate(); err != nil {
		return nil, fmt.Errorf("HTTP response of the placeholder: %w", err)
	}
	l, err := newLayer(program)
	if err != nil {
		return nil, err
	}
	config, err := json.Marshal(configFile(architecture, r, l.diffID))
	if err != nil {
		return nil, err
	}
	return newImage(config, l, annotations(architecture, r, program.Digest))
}

// configFile returns the image configuration. Lambda takes ENTRYPOINT, CMD, WORKDIR
// and ENV from it (source: Lambda Developer Guide, "Create a Lambda function using a
// container image"). History is there because tools, and Lambda's own optimiser
// as far as one can see from outside, expect one entry per layer.
func configFile(architecture string, r Response, diffID v1.Hash) v1.ConfigFile {
	return v1.ConfigFile{
		Architecture: goArchitectures[architecture],
		OS:           "linux",
		Created:      created,
		Config: v1.Config{
			Entrypoint: []string{bootstrap.Entrypoint},
			Env:        environment(r),
			WorkingDir: "/",
		},
		RootFS: v1.RootFS{Type: "layers", DiffIDs: []v1.Hash{diffID}},
		History: []v1.History{{
			Created:   created,
			CreatedBy: "lambdaseed: the program of a placeholder image",
		}},
	}
}

// environment returns what tells the program how to answer: only what differs from
// its defaults.
func environment(r Response) []string {
	r = r.WithDefaults()
	var env []string
	if r.StatusCode != DefaultStatusCode {
		env = append(env, bootstrap.EnvStatusCode+"="+strconv.Itoa(r.StatusCode))
	}
	if r.ContentType != DefaultContentType {
		env = append(env, bootstrap.EnvContentType+"="+r.ContentType)
	}
	if r.Body != nil {
		env = append(env, bootstrap.EnvBodyBase64+"="+base64.StdEncoding.EncodeToString([]byte(*r.Body)))
	}
	return env
}

// annotations returns the annotations of the manifest. None of them may depend on
// the version of the provider: its upgrade alone must not change a digest.
func annotations(architecture string, r Response, layerDigest string) map[string]string {
	r = r.WithDefaults()
	all := map[string]string{
		AnnotationPlaceholder:  strconv.Itoa(Version),
		AnnotationLayer:        layerDigest,
		AnnotationArchitecture: architecture,
		AnnotationStatusCode:   strconv.Itoa(r.StatusCode),
		AnnotationContentType:  r.ContentType,

		"org.opencontainers.image.title":         "Placeholder for an AWS Lambda function",
		"org.opencontainers.image.description":   "Stands in until the application's image is deployed: answers HTTP callers, fails every other event.",
		"org.opencontainers.image.url":           "https://registry.terraform.io/providers/lambdaseed/lambdaseed",
		"org.opencontainers.image.source":        "https://github.com/lambdaseed/terraform-provider-lambdaseed",
		"org.opencontainers.image.documentation": "https://registry.terraform.io/providers/lambdaseed/lambdaseed/latest/docs/resources/placeholder_image",
		"org.opencontainers.image.vendor":        "the lambdaseed authors",
		"org.opencontainers.image.licenses":      "MPL-2.0",
	}
	if r.Body != nil {
		all[AnnotationBody] = base64.StdEncoding.EncodeToString([]byte(*r.Body))
	}
	return all
}

// newImage makes the manifest for a configuration and a layer.
func newImage(config []byte, l *layer, annotations map[string]string) (*image, error) {
	configName, configSize, err := v1.SHA256(bytes.NewReader(config))
	if err != nil {
		return nil, err
	}
	manifest, err := json.Marshal(v1.Manifest{
		SchemaVersion: 2,
		MediaType:     types.OCIManifestSchema1,
		Config:        v1.Descriptor{MediaType: types.OCIConfigJSON, Size: configSize, Digest: configName},
		Layers:        []v1.Descriptor{{MediaType: types.OCILayer, Size: int64(len(l.compressed)), Digest: l.digest}},
		Annotations:   annotations,
	})
	if err != nil {
		return nil, err
	}
	digest, _, err := v1.SHA256(bytes.NewReader(manifest))
	if err != nil {
		return nil, err
	}
	return &image{config: config, configName: configName, manifest: manifest, digest: digest, layer: l}, nil
}
