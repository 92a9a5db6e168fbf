// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

// Package ecrrepo is one Amazon ECR repository as a seed needs it: look at a
// tag, put an image where the tag is free, delete it while it is still ours.
//
// The control plane (BatchGetImage, BatchDeleteImage and so on) is spoken
// through the AWS SDK, the registry's /v2/ API through go-containerregistry.
// Tokens, retries and the translation of failures into typed errors live here
// and nowhere else; what a placeholder is, this package does not know.
//
// The files, in reading order: url.go (names), client.go and repository.go
// (who speaks to whom), look.go, put.go, delete.go (what can be done), named.go,
// describe.go, recent.go (what the data sources ask besides), token.go,
// transport.go, retry.go, errors.go (how).
package ecrrepo
