// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package sourceimage

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
)

// Reference names an image in a registry, by tag or by digest.
type Reference struct{ name name.Reference }

// ParseReference reads a reference as docker does: "alpine" is
// index.docker.io/library/alpine:latest, and where there are a tag and a digest
// the digest counts. The error says what is wrong and what was expected.
func ParseReference(s string) (Reference, error) {
	const expected = `expected an image as docker names it, such as "alpine:3.22", ` +
		`"public.ecr.aws/lambda/python:3.13" or "ghcr.io/user/app@sha256:…"`
	switch {
	case s == "":
		return Reference{}, fmt.Errorf("the source image is empty; %s", expected)
	case strings.ContainsAny(s, " \t\r\n"):
		return Reference{}, fmt.Errorf("the source image %q contains white space; %s", s, expected)
	case strings.Contains(s, "://"):
		return Reference{}, fmt.Errorf("the source image %q begins with a scheme; remove %q; %s", s, s[:strings.Index(s, "://")+3], expected)
	}
	repository, _, _ := strings.Cut(s, "@")
	if i := strings.LastIndex(repository, ":"); i > strings.LastIndex(repository, "/") {
		repository = repository[:i]
	}
	_, path, hasHost := strings.Cut(repository, "/")
	if !hasHost {
		path = repository
	}
	if path != strings.ToLower(path) {
		return Reference{}, fmt.Errorf("the source image %q contains upper-case letters, which the name of a repository cannot have; %s", s, expected)
	}
	parsed, err := name.ParseReference(s)
	if err == nil && slices.Contains(strings.Split(repository, "/"), "") {
		err = errors.New("a part of its name is empty")
	}
	if err != nil {
		return Reference{}, fmt.Errorf("the source image %q is not a reference to an image: %s; %s", s, strings.TrimPrefix(err.Error(), "could not parse reference: "), expected)
	}
	return Reference{parsed}, nil
}

// String returns the whole name, with the registry and with the tag or digest.
func (r Reference) String() string { return r.name.Name() }

// Registry returns the host of the registry, with its port if it has one.
func (r Reference) Registry() string { return r.name.Context().RegistryStr() }

// Repository returns the repository's name in its registry.
func (r Reference) Repository() string { return r.name.Context().RepositoryStr() }

// Digest returns the digest that the reference names, "" if it names a tag.
func (r Reference) Digest() string {
	if d, ok := r.name.(name.Digest); ok {
		return d.DigestStr()
	}
	return ""
}

// isDockerHub tells the registry that names without a host are of, which has a
// second host name.
func (r Reference) isDockerHub() bool {
	return r.Registry() == name.DefaultRegistry || r.Registry() == "registry-1.docker.io"
}
