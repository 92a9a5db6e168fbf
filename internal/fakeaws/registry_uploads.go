// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// upload is a layer on its way in.
type upload struct {
	mu        sync.Mutex
	id        string
	sum       hash.Hash
	content   bytes.Buffer // empty once size is over the blob limit
	size      int64
	firstPart int64 // where the first part ended; ECR's Range stays there
	parts     int
	broken    bool // a part ended too early
}

// startUpload answers POST: an upload, or a mounted blob where that is on.
func (x *exchange) startUpload(w http.ResponseWriter) {
	query := x.r.URL.Query()
	behaviour := x.srv.Behaviour()
	if digest := query.Get("digest"); digest != "" && behaviour.SinglePostUpload {
		x.singlePost(w, digest)
		return
	}
	mount, from := query.Get("mount"), query.Get("from")
	mayRead := false
	if mount != "" && from != "" && behaviour.Mounting {
		_, mayRead = x.mayDo("GetDownloadUrlForLayer", from)
	}
	_, _ = io.Copy(io.Discard, x.r.Body)
	x.withRepo(w, func(repo *repository) func(http.ResponseWriter) {
		if mayRead && x.srv.ecr.mount(repo, mount, from) {
			return func(w http.ResponseWriter) {
				w.Header().Set("Location", x.location("/v2/"+repo.name+"/blobs/"+mount))
				w.Header().Set("Docker-Content-Digest", mount)
				w.WriteHeader(http.StatusCreated)
			}
		}
		id := newRequestID()
		repo.uploads[id] = &upload{id: id, sum: sha256.New()}
		return func(w http.ResponseWriter) {
			// No query and no Docker-Upload-UUID: regclient/regclient#81.
			w.Header().Set("Location", x.location("/v2/"+repo.name+"/blobs/uploads/"+id))
			w.Header().Set("Range", "0-0")
			w.WriteHeader(http.StatusAccepted)
		}
	})
}

// mount links a blob of another repository of the same registry, if an image
// there refers to it and both are encrypted alike; e.mu must be held.
// Source: ECR user guide, blob mounting.
func (e *ecrService) mount(repo *repository, digest, from string) bool {
	source, ok := e.repositories[repo.key][from]
	if !ok || !source.refersTo(digest) || !bytes.Equal(source.encryption, repo.encryption) {
		return false
	}
	size, ok := source.layers[digest]
	if ok {
		repo.layers[digest] = size
	}
	return ok
}

func (x *exchange) location(path string) string {
	if x.srv.Behaviour().RelativeLocation {
		return path
	}
	return (&url.URL{Scheme: x.scheme(), Host: x.r.Host, Path: path}).String()
}

// findUpload returns the upload that the path names, or nil when the request
// has been answered.
func (x *exchange) findUpload(w http.ResponseWriter) *upload {
	var found *upload
	x.withRepo(w, func(repo *repository) func(http.ResponseWriter) {
		var ok bool
		if found, ok = repo.uploads[x.route.reference]; !ok {
			return x.refuse(http.StatusNotFound, "BLOB_UPLOAD_UNKNOWN",
				"The upload id '%s' could not be found in the repository with name '%s' in the registry with id '%s'",
				x.route.reference, repo.name, repo.key.Account)
		}
		return func(http.ResponseWriter) {}
	})
	return found
}

// patchUpload takes a part, and answers 201 where others say 202
// (cirruslabs/tart#273, regclient/regclient#81).
func (x *exchange) patchUpload(w http.ResponseWriter) {
	u := x.findUpload(w)
	if u == nil {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if start, given := rangeStart(x.r.Header.Get("Content-Range")); given && start != u.size {
		// Seen in apple/containerization#790.
		x.registryError(w, http.StatusRequestedRangeNotSatisfiable, "BLOB_UPLOAD_INVALID",
			"First byte of the layer part is %d instead of %d", start, u.size)
		return
	}
	if limit, length := x.srv.ecr.blobLimit, x.r.ContentLength; length > 0 && length < 64<<20 && (limit == 0 || length <= limit) {
		u.content.Grow(int(length))
	}
	if err := u.take(x.r.Body, x.srv.ecr.blobLimit); err != nil {
		x.drop()
	}
	u.parts++
	if u.parts == 1 {
		u.firstPart = u.size
	}
	w.Header().Set("Location", x.location(x.r.URL.Path))
	// Range stays at the first part's end (aws/containers-roadmap#2831).
	w.Header().Set("Range", fmt.Sprintf("0-%d", max(u.firstPart-1, 0)))
	w.WriteHeader(http.StatusCreated)
}

func rangeStart(contentRange string) (int64, bool) {
	start, _, ok := strings.Cut(strings.TrimPrefix(contentRange, "bytes "), "-")
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(start, 10, 64)
	return n, err == nil
}

// take reads a part; an error means that the client broke off.
func (u *upload) take(body io.Reader, limit int64) error {
	kept := &limitedBuffer{u: u, limit: limit}
	n, err := io.Copy(io.MultiWriter(u.sum, kept), body)
	u.size += n
	if err != nil {
		u.broken = true
	}
	return err
}

// limitedBuffer keeps content until there is more of it than the limit.
type limitedBuffer struct {
	u     *upload
	limit int64
	over  bool
}

func (b *limitedBuffer) Write(p []byte) (int, error) {
	if b.over || b.limit > 0 && (int64(b.u.content.Len()+len(p)) > b.limit || b.u.size > b.limit) {
		b.over = true
		b.u.content = bytes.Buffer{}
		return len(p), nil
	}
	return b.u.content.Write(p)
}

// finishUpload answers PUT ?digest=, with or without the last part as a body.
func (x *exchange) finishUpload(w http.ResponseWriter) {
	u := x.findUpload(w)
	if u == nil {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if err := u.take(x.r.Body, x.srv.ecr.blobLimit); err != nil {
		x.drop()
	}
	digest := x.r.URL.Query().Get("digest")
	if !digestPattern.MatchString(digest) || u.broken || digest != "sha256:"+hex.EncodeToString(u.sum.Sum(nil)) {
		// Seen in dotnet/sdk-container-builds#424; the status is not known.
		x.registryError(w, http.StatusBadRequest, "BLOB_UPLOAD_INVALID",
			"None of the provided layer digests match the calculated layer digest")
		return
	}
	x.keep(w, u, digest)
}

// keep makes a finished upload a layer of the repository.
func (x *exchange) keep(w http.ResponseWriter, u *upload, digest string) {
	if err := x.srv.ecr.store(u, digest); err != nil {
		x.registryError(w, http.StatusInternalServerError, "UNKNOWN", "%s", err)
		return
	}
	x.withRepo(w, func(repo *repository) func(http.ResponseWriter) {
		delete(repo.uploads, u.id)
		if _, exists := repo.layers[digest]; exists && x.srv.Behaviour().RefuseExistingLayer {
			return x.refuse(http.StatusBadRequest, "LAYER_ALREADY_EXISTS",
				"The layer with digest '%s' already exists in the repository with name '%s' in registry with id '%s'", digest, repo.name, repo.key.Account)
		}
		repo.layers[digest] = u.size
		return func(w http.ResponseWriter) {
			w.Header().Set("Location", x.location("/v2/"+repo.name+"/blobs/"+digest))
			w.WriteHeader(http.StatusCreated)
		}
	})
}

// store keeps the content, unless it was over the limit.
func (e *ecrService) store(u *upload, digest string) error {
	if int64(u.content.Len()) != u.size {
		return nil
	}
	h, err := v1.NewHash(digest)
	if err != nil {
		return err
	}
	stat, ok := e.blobs.(registry.BlobStatHandler)
	if ok {
		if _, err := stat.Stat(context.Background(), "", h); err == nil {
			return nil // other repositories have it: content is shared
		}
	}
	put, ok := e.blobs.(registry.BlobPutHandler)
	if !ok {
		return fmt.Errorf("blob store %T cannot store", e.blobs)
	}
	return put.Put(context.Background(), "", h, io.NopCloser(bytes.NewReader(u.content.Bytes())))
}

// singlePost takes a whole blob in one POST.
func (x *exchange) singlePost(w http.ResponseWriter, digest string) {
	u := &upload{sum: sha256.New()}
	if err := u.take(x.r.Body, x.srv.ecr.blobLimit); err != nil {
		x.drop()
	}
	if digest != "sha256:"+hex.EncodeToString(u.sum.Sum(nil)) {
		x.registryError(w, http.StatusBadRequest, "BLOB_UPLOAD_INVALID",
			"None of the provided layer digests match the calculated layer digest")
		return
	}
	x.keep(w, u, digest)
}
