// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// tagPattern is what a tag may be. Source: distribution spec.
var tagPattern = regexp.MustCompile(`^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$`)

// image finds the image of a tag or digest; nil if there is none.
func (r *repository) image(reference string) *storedImage {
	if digest, ok := r.tags[reference]; ok {
		return r.images[digest]
	}
	return r.images[reference]
}

// badReference answers references that are neither tag nor digest with 400
// (changemyminds/Docker.Registry.DotNet#34).
func (x *exchange) badReference() bool {
	return !tagPattern.MatchString(x.route.reference) && !digestPattern.MatchString(x.route.reference)
}

// getManifest answers GET and HEAD. Only HEAD tells the digest
// (changemyminds/Docker.Registry.DotNet#34, aws/containers-roadmap#1931).
func (x *exchange) getManifest(w http.ResponseWriter) {
	x.withRepo(w, func(repo *repository) func(http.ResponseWriter) {
		if x.badReference() {
			return x.refuse(http.StatusBadRequest, "TAG_INVALID", "Invalid image tag '%s'", x.route.reference)
		}
		image := repo.image(x.route.reference)
		if image == nil {
			return x.refuse(http.StatusNotFound, "MANIFEST_UNKNOWN", "Requested image not found")
		}
		var accepted []string
		if !digestPattern.MatchString(x.route.reference) {
			accepted = acceptedTypes(x.r.Header.Values("Accept"))
		}
		shown := image.as(accepted)
		return func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", shown.mediaType)
			w.Header().Set("Content-Length", fmt.Sprint(len(shown.manifest)))
			if x.r.Method == http.MethodHead {
				w.Header().Set("Docker-Content-Digest", shown.digest)
				w.WriteHeader(http.StatusOK)
				return
			}
			w.WriteHeader(http.StatusOK)
			_, _ = w.Write(shown.manifest) // the client may be gone
		}
	})
}

func acceptedTypes(headers []string) []string {
	var accepted []string
	for _, header := range headers {
		for part := range strings.SplitSeq(header, ",") {
			mediaType, _, _ := strings.Cut(part, ";")
			accepted = append(accepted, strings.TrimSpace(mediaType))
		}
	}
	return accepted
}

// putManifest answers PUT.
func (x *exchange) putManifest(w http.ResponseWriter) {
	manifest, err := io.ReadAll(io.LimitReader(x.r.Body, maxManifest+1))
	if err != nil {
		x.drop()
	}
	x.withRepo(w, func(repo *repository) func(http.ResponseWriter) {
		if x.badReference() {
			return x.refuse(http.StatusBadRequest, "TAG_INVALID", "Invalid image tag '%s'", x.route.reference)
		}
		tag, digest := x.route.reference, ""
		if digestPattern.MatchString(tag) {
			tag, digest = "", tag
		}
		image, _, refusal := x.srv.ecr.put(repo, manifest, x.r.Header.Get("Content-Type"), tag, digest)
		if refusal != nil {
			status, code := refusal.registryForm()
			return x.refuse(status, code, "%s", refusal.Message)
		}
		return func(w http.ResponseWriter) {
			w.Header().Set("Location", x.location("/v2/"+repo.name+"/manifests/"+image.digest))
			w.Header().Set("Docker-Content-Digest", image.digest)
			w.WriteHeader(http.StatusCreated)
		}
	})
}

// deleteManifest answers DELETE: by digest, where that is on
// (aws/containers-roadmap#1229). By tag is not known and refused here.
func (x *exchange) deleteManifest(w http.ResponseWriter) {
	x.withRepo(w, func(repo *repository) func(http.ResponseWriter) {
		if x.srv.Behaviour().ManifestDeleteOff || !digestPattern.MatchString(x.route.reference) {
			return x.refuse(http.StatusMethodNotAllowed, "UNSUPPORTED", "The operation is unsupported.")
		}
		if _, failure := x.srv.ecr.deleteImage(repo, imageID{ImageDigest: x.route.reference}); failure != nil {
			return x.refuse(http.StatusNotFound, "MANIFEST_UNKNOWN", "%s", failure.FailureReason)
		}
		return func(w http.ResponseWriter) { w.WriteHeader(http.StatusAccepted) }
	})
}

// listTags answers tags/list: pages of 100, a Link with an absolute URL and an
// opaque last, at most 1,000 (deitch/docker_registry2#34,
// google/go-containerregistry#681).
func (x *exchange) listTags(w http.ResponseWriter) {
	query := x.r.URL.Query()
	page := pageInput{NextToken: query.Get("last")}
	if n := query.Get("n"); n != "" {
		size, err := strconv.Atoi(n)
		if err != nil || size > 1000 {
			x.registryError(w, http.StatusMethodNotAllowed, "UNSUPPORTED",
				"Invalid parameter at 'maxResults' failed to satisfy constraint: 'Member must have value less than or equal to 1000'")
			return
		}
		page.MaxResults = size
	}
	x.withRepo(w, func(repo *repository) func(http.ResponseWriter) {
		tags, next, err := paginate(slices.Sorted(maps.Keys(repo.tags)), page)
		if err != nil {
			return x.refuse(http.StatusMethodNotAllowed, "UNSUPPORTED", "%s", err)
		}
		return func(w http.ResponseWriter) {
			if next != "" {
				link := url.URL{
					Scheme: x.scheme(), Host: x.r.Host, Path: x.r.URL.Path,
					RawQuery: url.Values{"n": {fmt.Sprint(len(tags))}, "last": {next}}.Encode(),
				}
				w.Header().Set("Link", "<"+link.String()+`>; rel="next"`)
			}
			body := fmt.Sprintf(`{"name":%q,"tags":[`, repo.name)
			for i, tag := range tags {
				if i > 0 {
					body += ","
				}
				body += strconv.Quote(tag)
			}
			w.Header().Set("Content-Type", "application/json; charset=utf-8")
			_, _ = io.WriteString(w, body+"]}\n")
		}
	})
}
