// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

// Package bootstrap holds the program that runs inside a placeholder image, as
// image layers that are ready to push.
//
// The program itself is in program/: a client of the Lambda Runtime API that
// answers HTTP callers and fails every other event. Its builds for both of
// Lambda's architectures are committed next to this file, compressed, so that a
// plain "go build" of the provider works and a new Go release cannot change the
// digest of a placeholder. generate/ makes them, and its test rebuilds them byte
// for byte.
package bootstrap

//go:generate go run ./generate

// Entrypoint is the absolute path of the program inside the layer. Lambda
// refuses a relative entrypoint and a symbolic link (source: Lambda Developer
// Guide, "Create a Lambda function using a container image").
const Entrypoint = "/lambdaseed-placeholder"

// Environment variables through which an image tells the program how to answer
// HTTP callers. A variable that is not set stands for the default.
const (
	// EnvStatusCode is the HTTP status code, decimal; 503 when not set.
	EnvStatusCode = "LAMBDASEED_HTTP_STATUS_CODE"
	// EnvContentType is the Content-Type header; application/json when not set.
	EnvContentType = "LAMBDASEED_HTTP_CONTENT_TYPE"
	// EnvBodyBase64 is the body in standard base64, so that line breaks and NUL
	// survive; a JSON message that names the function when not set.
	EnvBodyBase64 = "LAMBDASEED_HTTP_BODY_BASE64"
)

// Layer is one image layer, ready to push.
type Layer struct {
	// Compressed is the gzip-compressed tar archive. It holds the program at
	// Entrypoint and the empty directory /var/task, and nothing else. It is
	// shared: do not modify it.
	Compressed []byte
	// Digest is the digest of Compressed, "sha256:<hex>".
	Digest string
	// DiffID is the digest of the archive before compression, "sha256:<hex>".
	DiffID string
}

// LayerFor returns the layer for one of Lambda's architectures, "x86_64" or
// "arm64". It reports false for any other word.
func LayerFor(architecture string) (Layer, bool) {
	layer, ok := layers[architecture]
	return layer, ok
}
