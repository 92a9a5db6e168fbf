// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// registryRoute is what a path below /v2/ names.
type registryRoute struct {
	kind       string // "", "catalog", "manifests", "blobs", "uploads", "tags", "referrers"
	repository string
	reference  string // tag, digest or upload id
}

func isRegistryPath(path string) bool { return path == "/v2" || strings.HasPrefix(path, "/v2/") }

// parseRegistryPath reads /v2/NAME/KIND/REFERENCE, where NAME may hold slashes.
func parseRegistryPath(path string) (registryRoute, bool) {
	rest := strings.TrimPrefix(strings.TrimPrefix(path, "/v2"), "/")
	if rest == "" {
		return registryRoute{}, true
	}
	if rest == "_catalog" {
		return registryRoute{kind: "catalog"}, true
	}
	if name, ok := strings.CutSuffix(rest, "/tags/list"); ok {
		return registryRoute{kind: "tags", repository: name}, true
	}
	for _, kind := range []string{"blobs/uploads", "blobs", "manifests", "referrers"} {
		i := strings.LastIndex(rest, "/"+kind+"/")
		if i < 0 {
			if name, ok := strings.CutSuffix(rest, "/"+kind); ok && kind == "blobs/uploads" {
				return registryRoute{kind: "uploads", repository: name}, true
			}
			continue
		}
		r := registryRoute{kind: kind, repository: rest[:i], reference: rest[i+len(kind)+2:]}
		if kind == "blobs/uploads" {
			r.kind = "uploads"
		}
		return r, !strings.Contains(r.reference, "/")
	}
	return registryRoute{}, false
}

// operation names the ECR action that a verb stands for: the mapping is
// inferred from the push permissions (ECR user guide, image-push-iam).
func (r registryRoute) operation(method string) string {
	type verb struct{ kind, method string }
	name, ok := map[verb]string{
		{"", http.MethodGet}: "Ping", {"", http.MethodHead}: "Ping",
		{"catalog", http.MethodGet}:  "Catalog",
		{"tags", http.MethodGet}:     "ListImages",
		{"blobs", http.MethodHead}:   "BatchCheckLayerAvailability",
		{"blobs", http.MethodGet}:    "GetDownloadUrlForLayer",
		{"blobs", http.MethodDelete}: "DeleteBlob",
		{"uploads", http.MethodPost}: "InitiateLayerUpload", {"uploads", http.MethodPatch}: "UploadLayerPart",
		{"uploads", http.MethodPut}: "CompleteLayerUpload", {"uploads", http.MethodGet}: "GetUploadStatus",
		{"uploads", http.MethodDelete}: "CancelLayerUpload",
		{"manifests", http.MethodGet}:  "BatchGetImage", {"manifests", http.MethodHead}: "BatchGetImage",
		{"manifests", http.MethodPut}: "PutImage", {"manifests", http.MethodDelete}: "BatchDeleteImage",
		{"referrers", http.MethodGet}: "ListImageReferrers",
	}[verb{r.kind, method}]
	if !ok {
		return "Unknown"
	}
	return name
}

// classifyRegistry notes what a /v2/ request is about and whose it is.
func (x *exchange) classifyRegistry() {
	x.record.Service = serviceRegistry
	route, ok := parseRegistryPath(x.r.URL.Path)
	x.route = route
	x.record.Operation, x.record.Repository, x.record.Reference = "Unknown", route.repository, route.reference
	if ok {
		x.record.Operation = route.operation(x.r.Method)
	}
	if _, password, basic := x.r.BasicAuth(); basic {
		if t, known := x.srv.ecr.token(password); known {
			x.token, x.record.AccessKey = t, t.who.AccessKey
		}
	}
	x.record.Account, x.record.Region = x.host.Account, x.host.Region
	if x.host.Account == "" { // on loopback only the password tells whose registry it is
		x.record.Account, x.record.Region = x.srv.account, x.srv.region
		if x.token.password != "" {
			x.record.Account, x.record.Region = x.token.who.Account, x.token.region
		}
	}
}

// serveRegistry authenticates, authorises and handles a /v2/ request.
func (x *exchange) serveRegistry(w http.ResponseWriter) {
	w.Header().Set("Docker-Distribution-Api-Version", "registry/2.0")
	if !x.registryAuthenticated(w) {
		return
	}
	op := x.record.Operation
	switch op {
	case "Ping":
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(http.StatusOK)
		return
	case "Unknown", "Catalog", "DeleteBlob", "CancelLayerUpload":
		x.registryError(w, http.StatusMethodNotAllowed, "UNSUPPORTED", "The operation is unsupported.")
		return
	case "ListImageReferrers":
		x.registryError(w, http.StatusNotFound, "NOT_FOUND", "Not found")
		return
	case "GetUploadStatus": // seen for ECR Public in dotnet/sdk#33019
		x.registryError(w, http.StatusNotFound, "BLOB_UPLOAD_UNKNOWN", "Upload not found")
		return
	}
	if !x.registryAuthorised(w) {
		return
	}
	switch op {
	case "ListImages":
		x.listTags(w)
	case "BatchCheckLayerAvailability":
		x.headBlob(w)
	case "GetDownloadUrlForLayer":
		x.getBlob(w)
	case "InitiateLayerUpload":
		x.startUpload(w)
	case "UploadLayerPart":
		x.patchUpload(w)
	case "CompleteLayerUpload":
		x.finishUpload(w)
	case "BatchGetImage":
		x.getManifest(w)
	case "PutImage":
		x.putManifest(w)
	case "BatchDeleteImage":
		x.deleteManifest(w)
	}
}

// registryError answers in the form of the distribution spec. The rest of the
// request is read first: a client that is still sending would otherwise see a
// broken connection instead of the answer.
func (x *exchange) registryError(w http.ResponseWriter, status int, code, format string, args ...any) {
	x.record.ErrorCode = code
	_, _ = io.Copy(io.Discard, x.r.Body)
	message := fmt.Sprintf(format, args...)
	type entry struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	body, err := json.Marshal(map[string][]entry{"errors": {{code, message}}})
	if err != nil {
		panic(err) // strings always encode
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	w.WriteHeader(status)
	if x.r.Method != http.MethodHead {
		_, _ = w.Write(body)
	}
}

// repository finds the request's repository; x.srv.ecr.mu must be held. When
// there is none it has been answered, after the lock was given back by the
// caller through answer.
func (x *exchange) repository() (*repository, func(http.ResponseWriter)) {
	repo, refusal := x.srv.ecr.find(x.record.Account, x.record.Region, x.route.repository)
	if refusal == nil {
		return repo, nil
	}
	behaviour := x.srv.Behaviour()
	if behaviour.CreateOnPush && (x.record.Operation == "InitiateLayerUpload" || x.record.Operation == "PutImage") {
		if _, exists := x.srv.ecr.repositories[regionKey{x.record.Account, x.record.Region}][x.route.repository]; !exists {
			return x.srv.ecr.add(regionKey{x.record.Account, x.record.Region}, x.route.repository), nil
		}
	}
	return nil, func(w http.ResponseWriter) {
		if behaviour.DropMissingRepository {
			x.record.ErrorCode = "NAME_UNKNOWN"
			x.drop()
		}
		// Seen in moby/moby#24473.
		x.registryError(w, http.StatusNotFound, "NAME_UNKNOWN", "%s", refusal.Message)
	}
}

// withRepo runs f under ECR's lock with the request's repository, then the
// answer that f returned, without the lock.
func (x *exchange) withRepo(w http.ResponseWriter, f func(*repository) func(http.ResponseWriter)) {
	answer := func() func(http.ResponseWriter) {
		x.srv.ecr.mu.Lock()
		defer x.srv.ecr.mu.Unlock()
		repo, refuse := x.repository()
		if refuse != nil {
			return refuse
		}
		return f(repo)
	}()
	answer(w)
}

// refuse is an answer for withRepo.
func (x *exchange) refuse(status int, code, format string, args ...any) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) { x.registryError(w, status, code, format, args...) }
}
