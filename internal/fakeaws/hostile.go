// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/types"
)

// The answers of a registry or an API that means harm, as Handlers of a
// [FaultHandler].

// HostileEndless answers 200 and then writes until the client has had enough.
func HostileEndless(contentType string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(http.StatusOK)
		chunk := []byte(strings.Repeat(" ", 64<<10))
		for r.Context().Err() == nil {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	}
}

// HostileManifest answers with a well-formed manifest of about size bytes.
func HostileManifest(size int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", string(types.OCIManifestSchema1))
		head := fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"annotations":{"x":"`, types.OCIManifestSchema1)
		const tail = `"}}`
		w.Header().Set("Content-Length", fmt.Sprint(max(size, len(head)+len(tail))))
		_, _ = io.WriteString(w, head)
		chunk := strings.Repeat("x", 64<<10)
		for left := size - len(head) - len(tail); left > 0 && r.Context().Err() == nil; left -= len(chunk) {
			if _, err := io.WriteString(w, chunk[:min(left, len(chunk))]); err != nil {
				return
			}
		}
		_, _ = io.WriteString(w, tail)
	}
}

// HostileRedirect sends the client elsewhere with a status such as 307.
func HostileRedirect(status int, location string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Location", location)
		w.WriteHeader(status)
	}
}

// HostileHeaders answers 200 with count headers of size bytes each.
func HostileHeaders(count, size int) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		value := strings.Repeat("x", size)
		for i := range count {
			w.Header().Set(fmt.Sprintf("X-Absurd-%d", i), value)
		}
		w.WriteHeader(http.StatusOK)
	}
}

// HostileError answers with a registry error whose message is text: control
// characters, secrets, megabytes.
func HostileError(status int, code, text string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		body, err := json.Marshal(map[string]any{"errors": []map[string]string{{"code": code, "message": text}}})
		if err != nil {
			panic(err) // strings always encode
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_, _ = w.Write(body)
	}
}

// WrongDigest is a Rewrite that claims another digest than the true one.
func WrongDigest(a *Answer) {
	a.Header.Set("Docker-Content-Digest", "sha256:"+strings.Repeat("0", 64))
}

// WrongBlob is a Rewrite that changes the last byte of the body.
func WrongBlob(a *Answer) {
	if len(a.Body) > 0 {
		a.Body[len(a.Body)-1] ^= 1
	}
}
