// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// layersPath is where presigned downloads point on the emulator's own host.
const layersPath = "/_layers/"

var digestPattern = regexp.MustCompile(`^sha256:[0-9a-f]{64}$`)

// headBlob tells whether the repository has a blob.
func (x *exchange) headBlob(w http.ResponseWriter) {
	x.withRepo(w, func(repo *repository) func(http.ResponseWriter) {
		size, ok := repo.layers[x.route.reference]
		if !ok {
			return x.refuse(http.StatusNotFound, "BLOB_UNKNOWN", "blob unknown to registry")
		}
		return func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "application/octet-stream")
			w.Header().Set("Content-Length", fmt.Sprint(size))
			w.WriteHeader(http.StatusOK)
		}
	})
}

// getBlob redirects to a presigned URL. Only blobs that an image refers to can
// be had. Sources: open-policy-agent/opa#6580; ECR API reference,
// GetDownloadUrlForLayer.
func (x *exchange) getBlob(w http.ResponseWriter) {
	digest := x.route.reference
	x.withRepo(w, func(repo *repository) func(http.ResponseWriter) {
		if _, ok := repo.layers[digest]; !ok || !repo.refersTo(digest) {
			return x.refuse(http.StatusNotFound, "BLOB_UNKNOWN", "blob unknown to registry")
		}
		if x.srv.Behaviour().ServeBlobs {
			return func(w http.ResponseWriter) { x.sendBlob(w, digest) }
		}
		location := x.srv.ecr.presign(repo, digest)
		return func(w http.ResponseWriter) {
			w.Header().Set("Location", location)
			w.WriteHeader(http.StatusTemporaryRedirect)
		}
	})
}

// refersTo tells whether an image of the repository has the layer or config.
func (r *repository) refersTo(digest string) bool {
	for _, image := range r.images {
		if slices.Contains(image.layers, digest) {
			return true
		}
	}
	return false
}

// presign makes a URL of the host that keeps layers; e.mu must be held.
func (e *ecrService) presign(repo *repository, digest string) string {
	path := repo.key.Account + "/" + randomHex(16) + "/" + digest
	e.presigned[path] = digest
	base := e.srv.URL() + layersPath
	if !e.srv.emulatorHosts {
		_, suffix := partitionOf(repo.key.Region)
		base = "https://prod-" + repo.key.Region + "-starport-layer-bucket.s3." + repo.key.Region + "." + suffix + "/"
	}
	return base + path + "?X-Amz-Algorithm=" + sigV4Scheme + "&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Amz-Signature=" + randomHex(32)
}

// serveLayer answers a presigned download. S3 refuses a request that carries
// Authorization beside the presigned query (open-policy-agent/opa#6728); on
// the emulator, whose download host is the registry's own, clients may keep it.
func (x *exchange) serveLayer(w http.ResponseWriter) {
	if x.host.Service == serviceLayers && x.record.HasAuthorization {
		protocolRESTXML.writeError(w, x.record.RequestID, x.r.Host, x.r.URL.Path, clientError("InvalidArgument",
			"Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified"))
		x.record.ErrorCode = "InvalidArgument"
		return
	}
	path := strings.TrimPrefix(x.r.URL.Path, "/")
	if x.host.Service == "" {
		path = strings.TrimPrefix(x.r.URL.Path, layersPath)
	}
	x.srv.ecr.mu.Lock()
	digest, ok := x.srv.ecr.presigned[path]
	x.srv.ecr.mu.Unlock()
	if !ok || x.r.URL.Query().Get("X-Amz-Signature") == "" {
		protocolRESTXML.writeError(w, x.record.RequestID, x.r.Host, x.r.URL.Path, statusError(http.StatusForbidden, "AccessDenied", "Access Denied"))
		x.record.ErrorCode = "AccessDenied"
		return
	}
	x.sendBlob(w, digest)
}

func (x *exchange) sendBlob(w http.ResponseWriter, digest string) {
	content, err := x.srv.ecr.content(x.r, digest)
	if err != nil {
		http.Error(w, "fakeaws: the content of "+digest+" was not kept: "+err.Error(), http.StatusNotFound)
		return
	}
	defer func() { _ = content.Close() }()
	w.Header().Set("Content-Type", "application/octet-stream")
	if seeker, ok := content.(io.Seeker); ok {
		if size, err := seeker.Seek(0, io.SeekEnd); err == nil {
			w.Header().Set("Content-Length", fmt.Sprint(size))
		}
		_, _ = seeker.Seek(0, io.SeekStart)
	}
	_, _ = io.Copy(w, content) // the client may be gone
}

func (e *ecrService) content(r *http.Request, digest string) (io.ReadCloser, error) {
	h, err := v1.NewHash(digest)
	if err != nil {
		return nil, err
	}
	return e.blobs.Get(r.Context(), "", h)
}
