// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package contract

import (
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	ecrtypes "github.com/aws/aws-sdk-go-v2/service/ecr/types"
)

var deleteFacts = []fact{
	{documented, "BatchDeleteImage by tag takes that tag and leaves the image its others", "ECR API reference", "", func(s *session) string {
		r := s.repository()
		i := r.put("x", "a", "b")
		out := r.delete(byTag("a"))
		s.wantEqual("failures", len(out.Failures), 0)
		tagged, untagged := r.tags()
		s.wantEqual("tags", tagged, map[string]string{"b": i.digest})
		s.wantEqual("untagged", untagged, []string(nil))
		return ""
	}},
	{documented, "BatchDeleteImage of the last tag deletes the image", "ECR API reference", "", func(s *session) string {
		r := s.repository()
		i := r.put("x", "a")
		out := r.delete(byTag("a"))
		s.wantEqual("failures", len(out.Failures), 0)
		tagged, untagged := r.tags()
		s.wantEqual("images left", len(tagged)+len(untagged), 0)
		s.wantEqual("BatchGetImage", r.get(byDigest(i.digest)).Failures[0].FailureCode, "ImageNotFound")
		return ""
	}},
	{documented, "BatchDeleteImage by digest deletes the image and all its tags", "ECR API reference", "", func(s *session) string {
		r := s.repository()
		i := r.put("x", "a", "b")
		s.wantEqual("failures", len(r.delete(byDigest(i.digest)).Failures), 0)
		tagged, untagged := r.tags()
		s.wantEqual("images left", len(tagged)+len(untagged), 0)
		return ""
	}},
	{documented, "BatchDeleteImage answers 200 with a failure per id that it could not delete", "ECR API reference", "", func(s *session) string {
		r := s.repository()
		i := r.put("x", "a")
		other := "sha256:" + strings.Repeat("0", 64)
		for want, id := range map[string]ecrtypes.ImageIdentifier{
			"ImageNotFound":              byTag("missing"),
			"ImageTagDoesNotMatchDigest": byBoth("a", other),
			"InvalidImageDigest":         byDigest("no-digest"),
			"MissingDigestAndTag":        {},
		} {
			out := r.delete(id)
			if len(out.Failures) != 1 || string(out.Failures[0].FailureCode) != want {
				s.Errorf("failures = %v, want %s", out.Failures, want)
			}
		}
		s.wantEqual("missing digest", r.delete(byDigest(other)).Failures[0].FailureCode, "ImageNotFound")
		tagged, _ := r.tags()
		s.wantEqual("tags", tagged, map[string]string{"a": i.digest})
		return ""
	}},
	{documented, "one BatchDeleteImage deletes some ids and fails others", "ECR API reference", "", func(s *session) string {
		r := s.repository()
		r.put("x", "a")
		out := r.delete(byTag("missing"), byTag("a"))
		s.wantEqual("failures", len(out.Failures), 1)
		s.wantEqual("deleted", len(out.ImageIds), 1)
		return ""
	}},
	{unsure, "BatchDeleteImage by tag reports what it deleted as", "examples show both", "tag and digest", func(s *session) string {
		r := s.repository()
		r.put("x", "a")
		out := r.delete(byTag("a"))
		s.wantEqual("deleted", len(out.ImageIds), 1)
		if aws.ToString(out.ImageIds[0].ImageDigest) == "" {
			return "tag"
		}
		return "tag and digest"
	}},
	{unsure, "BatchDeleteImage by a matching pair of tag and digest, the image having another tag, leaves", "not documented", "the other tag", func(s *session) string {
		r := s.repository()
		i := r.put("x", "a", "b")
		r.delete(byBoth("a", i.digest))
		tagged, untagged := r.tags()
		switch {
		case len(tagged) == 1 && tagged["b"] == i.digest:
			return "the other tag"
		case len(tagged)+len(untagged) == 0:
			return "nothing"
		}
		return fmt.Sprint(tagged, untagged)
	}},
	{documented, "BatchDeleteImage by digest of an image that an index refers to: ImageReferencedByManifestList", "ECR API reference", "", func(s *session) string {
		r := s.repository()
		child := r.put("x", "@")
		r.want(r.putManifest(index(child), "multi"), 201, "")
		out := r.delete(byDigest(child.digest))
		if len(out.Failures) != 1 || out.Failures[0].FailureCode != "ImageReferencedByManifestList" {
			s.Errorf("failures = %v, want ImageReferencedByManifestList", out.Failures)
		}
		return ""
	}},
	{unsure, "BatchDeleteImage of the last tag of an image that an index refers to", "seen in ECR Public only, aws/containers-roadmap#1567", "fails: ImageReferencedByManifestList", func(s *session) string {
		r := s.repository()
		child := r.put("x", "child")
		r.want(r.putManifest(index(child), "multi"), 201, "")
		out := r.delete(byTag("child"))
		if len(out.Failures) > 0 {
			return "fails: " + string(out.Failures[0].FailureCode)
		}
		if len(r.get(byDigest(child.digest)).Images) == 1 {
			return "untags it"
		}
		return "deletes it"
	}},
	{documented, "BatchDeleteImage takes at most 100 ids", "service model", "", func(s *session) string {
		r := s.repository()
		ids := make([]ecrtypes.ImageIdentifier, 101)
		for n := range ids {
			ids[n] = byTag(fmt.Sprint("t", n))
		}
		_, err := s.ecr.BatchDeleteImage(s.ctx, &ecr.BatchDeleteImageInput{RepositoryName: &r.name, ImageIds: ids})
		s.wantCode(err, "InvalidParameterException")
		return ""
	}},
}
