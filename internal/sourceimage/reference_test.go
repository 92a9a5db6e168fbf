// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package sourceimage

import (
	"strings"
	"testing"
)

const someDigest = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

func TestParseReference(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		"alpine":                            "index.docker.io/library/alpine:latest",
		"alpine:3.22":                       "index.docker.io/library/alpine:3.22",
		"library/alpine":                    "index.docker.io/library/alpine:latest",
		"docker.io/library/alpine":          "index.docker.io/library/alpine:latest",
		"user/app@" + someDigest:            "index.docker.io/user/app@" + someDigest,
		"user/app:1.2@" + someDigest:        "index.docker.io/user/app@" + someDigest,
		"public.ecr.aws/lambda/python:3.13": "public.ecr.aws/lambda/python:3.13",
		"ghcr.io/a/b/c":                     "ghcr.io/a/b/c:latest",
		"localhost:5000/app":                "localhost:5000/app:latest",
		"123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/app:v1": "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/app:v1",
	} {
		ref, err := ParseReference(source)
		if err != nil || ref.String() != want {
			t.Errorf("%s: got %v, %v, want %s", source, ref, err, want)
			continue
		}
		if digest := ref.Digest(); strings.Contains(want, "@") != (digest == someDigest) {
			t.Errorf("%s: got the digest %q", source, digest)
		}
	}
}

func TestParseReference_invalid(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		"":                       "the source image is empty; expected an image as docker names it",
		"https://ghcr.io/a/b":    `the source image "https://ghcr.io/a/b" begins with a scheme; remove "https://"`,
		"docker://alpine":        `begins with a scheme; remove "docker://"`,
		"alpine latest":          "contains white space",
		"Alpine":                 "contains upper-case letters, which the name of a repository cannot have",
		"ghcr.io/User/app":       "contains upper-case letters",
		"alpine@sha256:abc":      "is not a reference to an image",
		"alpine:":                "is not a reference to an image",
		"alpine:3.22:1":          "is not a reference to an image",
		"alpine@md5:0123":        "is not a reference to an image",
		"registry.example.com//": "is not a reference to an image",
	} {
		if ref, err := ParseReference(source); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, %v, want an error with %q", source, ref, err, want)
		}
	}
}

// FuzzParseReference checks that no text breaks the parser, and that what it
// makes of one it makes of its own result, too.
func FuzzParseReference(f *testing.F) {
	for _, seed := range []string{"alpine", "alpine:3", "user/app@" + someDigest, "a.b:5/c/d:e", "docker.io/x", "[::1]:5000/a:b", "localhost/a"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, source string) {
		ref, err := ParseReference(source)
		if err != nil {
			return
		}
		again, err := ParseReference(ref.String())
		if err != nil || again.String() != ref.String() {
			t.Errorf("%q is %q, and that is %v, %v", source, ref, again, err)
		}
	})
}
