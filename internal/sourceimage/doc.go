// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

// Package sourceimage finds the image that a copy is made of: it resolves a
// reference such as "alpine:3" to one image for one architecture, makes sure
// before anything is copied that Lambda could run it, and hands its layers out
// as streams.
//
// It knows nothing of where the image goes, and nothing of AWS: how a registry
// of ECR is read is handed in, and so is what decides about trying again.
//
// The files, in reading order: reference.go (names), resolve.go (the way from
// a reference to an image), platform.go (which one of an index), check.go (what
// Lambda cannot run), image.go and stream.go (what comes out), client.go, login.go
// and guard.go (how registries are spoken to), errors.go.
package sourceimage
