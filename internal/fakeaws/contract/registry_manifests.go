// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package contract

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/types"
)

// said is an answer in short.
func (a answer) said() string { return strings.TrimSpace(fmt.Sprint(a.status, " ", a.code)) }

var registryManifestFacts = []fact{
	{unsure, "PUT manifest is answered with", "clients take 200, 201 and 202", "201", func(s *session) string {
		r := s.repository()
		i := build("x", false)
		r.blobs(i)
		return r.putManifest(i, "a").said()
	}},
	{unsure, "PUT manifest tells Docker-Content-Digest", "docker's own client needs it", "true", func(s *session) string {
		r := s.repository()
		i := build("x", false)
		r.blobs(i)
		return fmt.Sprint(r.putManifest(i, "a").header.Get("Docker-Content-Digest") == i.digest)
	}},
	{seen, "HEAD manifest tells the digest, GET manifest does not", "changemyminds/Docker.Registry.DotNet#34, aws/containers-roadmap#1931", "", func(s *session) string {
		r := s.repository()
		i := r.put("x", "a")
		for _, reference := range []string{"a", i.digest} {
			head := r.do(http.MethodHead, "/manifests/"+reference, nil, "Accept", i.mediaType)
			s.wantEqual("HEAD", head.status, http.StatusOK)
			s.wantEqual("digest of HEAD", head.header.Get("Docker-Content-Digest"), i.digest)
			get := r.do(http.MethodGet, "/manifests/"+reference, nil, "Accept", i.mediaType)
			s.wantEqual("GET", get.status, http.StatusOK)
			s.wantEqual("digest of GET", get.header.Get("Docker-Content-Digest"), "")
			s.wantEqual("Content-Type", get.header.Get("Content-Type"), i.mediaType)
			s.wantEqual("manifest", string(get.body), string(i.manifest))
		}
		return ""
	}},
	{seen, "HEAD manifest of a missing image: 404", "changemyminds/Docker.Registry.DotNet#34", "", func(s *session) string {
		s.wantEqual("status", s.repository().do(http.MethodHead, "/manifests/missing", nil).status, http.StatusNotFound)
		return ""
	}},
	{seen, "HEAD manifest of an illegal tag, such as one with a plus: 400", "bazel-contrib/rules_oci#720", "", func(s *session) string {
		s.wantEqual("status", s.repository().do(http.MethodHead, "/manifests/1.0+x", nil).status, http.StatusBadRequest)
		return ""
	}},
	{documented, "GET by tag converts for a client that takes Docker only; by digest nothing is converted", "ECR user guide, image manifest formats", "", func(s *session) string {
		r := s.repository()
		i := r.put("x", "a")
		docker := string(types.DockerManifestSchema2)
		s.wantEqual("by tag", r.do(http.MethodGet, "/manifests/a", nil, "Accept", docker).header.Get("Content-Type"), docker)
		s.wantEqual("by digest", string(r.do(http.MethodGet, "/manifests/"+i.digest, nil, "Accept", docker).body), string(i.manifest))
		return ""
	}},
	{seen, "PUT manifest by a digest that is not its own: MANIFEST_INVALID", "google/go-containerregistry#1568", "", func(s *session) string {
		r := s.repository()
		i := build("x", false)
		r.blobs(i)
		wrong := "sha256:" + strings.Repeat("0", 64)
		a := r.putManifest(i, wrong)
		s.wantEqual("code", a.code, "MANIFEST_INVALID")
		s.wantEqual("message", a.text, "The image with digest '"+wrong+"' in repository '"+r.name+"' and registry ID '"+r.id+"' does not match the image digest that Amazon ECR has calculated.")
		return ""
	}},
	{seen, "PUT of what is no manifest: 405 UNSUPPORTED", "falcosecurity/falcoctl#302, opcr-io/policy#149", "", func(s *session) string {
		r := s.repository()
		for _, bad := range []string{"no JSON", `{"schemaVersion":2}`} {
			a := r.do(http.MethodPut, "/manifests/a", []byte(bad), "Content-Type", string(types.OCIManifestSchema1))
			r.want(a, http.StatusMethodNotAllowed, "UNSUPPORTED")
			s.wantEqual("message", a.text, "Invalid parameter at 'ImageManifest' failed to satisfy constraint: 'Invalid JSON syntax'")
		}
		return ""
	}},
	{unsure, "PUT manifest before its layers is answered with", "the API has LayersNotFoundException", "400 MANIFEST_BLOB_UNKNOWN", func(s *session) string {
		r := s.repository()
		return r.putManifest(build("x", false), "a").said()
	}},
	{unsure, "PUT manifest that gives a layer a wrong size is answered with", "no source", "405 UNSUPPORTED", func(s *session) string {
		r := s.repository()
		i := build("x", false)
		r.blobs(i)
		var m imageManifest
		s.must(json.Unmarshal(i.manifest, &m))
		m.Layers[0].Size++
		lie, err := json.Marshal(m)
		s.must(err)
		i.manifest = lie
		return r.putManifest(i, "a").said()
	}},
	{unsure, "PUT of an index before its manifests is answered with", "the API has ReferencedImagesNotFoundException", "400 MANIFEST_BLOB_UNKNOWN", func(s *session) string {
		r := s.repository()
		return r.putManifest(index(build("x", false)), "a").said()
	}},
	{unsure, "PUT of the same manifest to its mutable tag again is answered with", "no source", "201", func(s *session) string {
		r := s.repository()
		return r.putManifest(r.put("x", "a"), "a").said()
	}},
	{unsure, "PUT of a manifest by digest that is there untagged is answered with", "no source", "201", func(s *session) string {
		r := s.repository()
		i := r.put("x", "@")
		return r.putManifest(i, i.digest).said()
	}},
	{unsure, "DELETE manifest by digest is answered with", "documented with ORAS, aws/containers-roadmap#1229; denied by others", "202", func(s *session) string {
		r := s.repository()
		i := r.put("x", "a")
		return r.do(http.MethodDelete, "/manifests/"+i.digest, nil).said()
	}},
	{unsure, "DELETE manifest by tag is answered with", "no source", "405 UNSUPPORTED", func(s *session) string {
		r := s.repository()
		r.put("x", "a")
		return r.do(http.MethodDelete, "/manifests/a", nil).said()
	}},
	{unsure, "a Docker image is taken as it is", "documented formats", "true", func(s *session) string {
		r := s.repository()
		i := build("x", true)
		r.blobs(i)
		r.want(r.putManifest(i, "a"), http.StatusCreated, "")
		return fmt.Sprint(string(r.do(http.MethodGet, "/manifests/a", nil, "Accept", i.mediaType).body) == string(i.manifest))
	}},
}

// refusedAs tells how a PUT to an immutable tag was refused.
func refusedAs(r *repository, a answer, tag string) string {
	text := "The image tag '" + tag + "' already exists in the '" + r.name + "' repository and cannot be overwritten because the "
	switch {
	case a.status == http.StatusBadRequest && a.code == "TAG_INVALID" && a.text == text+"tag is immutable.":
		return "because the tag is immutable"
	case a.status == http.StatusBadRequest && a.code == "TAG_INVALID" && a.text == text+"repository is immutable.":
		return "because the repository is immutable"
	}
	return fmt.Sprint(a.status, " ", a.code, " ", a.text)
}

var registryImmutableFacts = []fact{
	{unsure, "PUT to an immutable tag is refused", "osscontainertools/kaniko#204, docker/buildx#2955", "because the tag is immutable", func(s *session) string {
		r := s.repository(mutability("IMMUTABLE"))
		r.put("x", "a")
		other := build("y", false)
		r.blobs(other)
		return refusedAs(r, r.putManifest(other, "a"), "a")
	}},
	{seen, "PUT to an immutable tag is refused even if it is the same digest", "moby/buildkit#3776, aws/containers-roadmap#2179", "", func(s *session) string {
		r := s.repository(mutability("IMMUTABLE"))
		r.want(r.putManifest(r.put("x", "a"), "a"), http.StatusBadRequest, "TAG_INVALID")
		return ""
	}},
	{documented, "filters of IMMUTABLE_WITH_EXCLUSION name the tags that can move", "ECR user guide, image tag mutability", "", func(s *session) string {
		r := s.repository(mutability("IMMUTABLE_WITH_EXCLUSION", "dev*", "latest"))
		r.put("x", "dev-1", "latest", "v1")
		other := r.put("y", "dev-1", "latest")
		r.want(r.putManifest(other, "v1"), http.StatusBadRequest, "TAG_INVALID")
		return ""
	}},
	{documented, "filters of MUTABLE_WITH_EXCLUSION name the tags that cannot move", "ECR user guide, image tag mutability", "", func(s *session) string {
		r := s.repository(mutability("MUTABLE_WITH_EXCLUSION", "v*"))
		r.put("x", "dev", "v1")
		other := r.put("y", "dev")
		r.want(r.putManifest(other, "v1"), http.StatusBadRequest, "TAG_INVALID")
		return ""
	}},
	{documented, "an immutable tag can be deleted and is free again", "ECR user guide, image tag mutability", "", func(s *session) string {
		r := s.repository(mutability("IMMUTABLE"))
		r.put("x", "a")
		s.wantEqual("failures", len(r.delete(byTag("a")).Failures), 0)
		r.put("y", "a")
		return ""
	}},
	{documented, "a manifest can be put by digest in an immutable repository", "ECR user guide, image tag mutability: tags are what cannot move", "", func(s *session) string {
		s.repository(mutability("IMMUTABLE")).put("x", "@", "a")
		return ""
	}},
}

var registryListFacts = []fact{
	{seen, "tags/list pages by a Link with an absolute URL and an opaque last", "deitch/docker_registry2#34", "", func(s *session) string {
		r := s.repository()
		r.put("x", "a", "b", "c")
		a := r.do(http.MethodGet, "/tags/list?n=2", nil)
		s.wantEqual("status", a.status, http.StatusOK)
		link, _, ok := strings.Cut(strings.TrimPrefix(a.header.Get("Link"), "<"), ">")
		u, err := url.Parse(link)
		s.must(err)
		if !ok || !u.IsAbs() {
			s.Fatalf("Link = %q, want an absolute URL", a.header.Get("Link"))
		}
		next := r.do(http.MethodGet, link, nil)
		s.wantEqual("status of the next page", next.status, http.StatusOK)
		if strings.Count(string(a.body)+string(next.body), `"`) == 0 || next.header.Get("Link") != "" {
			s.Errorf("second page: Link %q, body %s", next.header.Get("Link"), next.body)
		}
		return ""
	}},
	{seen, "tags/list refuses n over 1000: UNSUPPORTED", "google/go-containerregistry#681", "", func(s *session) string {
		a := s.repository().do(http.MethodGet, "/tags/list?n=1001", nil)
		s.wantEqual("code", a.code, "UNSUPPORTED")
		if !strings.Contains(a.text, "Member must have value less than or equal to 1000") {
			s.Errorf("message = %s", a.text)
		}
		return ""
	}},
}
