// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package ecrrepo

import (
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/fakeaws"
)

// sockets is what may lie between the two ends of a connection unread.
const sockets = 8 << 20

// wantBounded checks that no answer was read much beyond a limit.
func (w *world) wantBounded(limit int64) {
	w.t.Helper()
	for _, r := range w.Requests() {
		if r.BytesOut > limit+sockets {
			w.t.Errorf("%s: %d bytes of the answer were taken, want at most about %d", r.Operation, r.BytesOut, limit)
		}
	}
}

// wantNoSecret checks that an error holds no password in any form.
func (w *world) wantNoSecret(err error) {
	w.t.Helper()
	if err == nil {
		return
	}
	for _, password := range w.IssuedPasswords() {
		for _, secret := range []string{password, base64.StdEncoding.EncodeToString([]byte("AWS:" + password))} {
			if text := fmt.Sprintf("%v %+v %#v", err, err, err); strings.Contains(text, secret) {
				w.t.Error("the error holds the password")
			}
		}
	}
}

// Endless and enormous answers of the API, at each of the operations.
func TestHostileAPIAnswers(t *testing.T) {
	t.Parallel()
	calls := map[string]func(w *world, r *Repository) error{
		"BatchGetImage": func(w *world, r *Repository) error {
			_, err := r.Look(w.t.Context(), "seed")
			return err
		},
		"GetAuthorizationToken": func(w *world, r *Repository) error {
			_, err := r.PutIfAbsent(w.t.Context(), "free", image(w.t, "two"))
			return err
		},
		"PutImage": func(w *world, r *Repository) error {
			_, err := r.PutIfAbsent(w.t.Context(), "free", image(w.t, "two"))
			return err
		},
		"ListImages": func(w *world, r *Repository) error {
			_, err := r.AnyTagged(w.t.Context(), func(Image) bool { return false })
			return err
		},
		"DescribeRepositories": func(w *world, r *Repository) error {
			_, err := r.Mutability(w.t.Context())
			return err
		},
		"BatchDeleteImage": func(w *world, r *Repository) error {
			_, err := r.DeleteTag(w.t.Context(), "seed", digestOf(w.t, image(w.t, "one")))
			return err
		},
	}
	endlessText := func(status int, head string) http.HandlerFunc {
		return func(rw http.ResponseWriter, req *http.Request) {
			_, _ = io.Copy(io.Discard, req.Body)
			rw.WriteHeader(status)
			chunk := []byte(head)
			for {
				if _, err := rw.Write(chunk); err != nil {
					return
				}
				chunk = []byte(strings.Repeat("x", 64<<10))
			}
		}
	}
	// A manifest of 100 MB as BatchGetImage would give it.
	manifest := endlessText(200, `{"images":[{"imageId":{"imageDigest":"sha256:`+strings.Repeat("0", 64)+`"},"imageManifest":"{\"x\":\"`)
	answers := map[string]struct {
		handler http.HandlerFunc
		limit   int64
		says    string
	}{
		"endless white space": {fakeaws.HostileEndless("application/x-amz-json-1.1"), apiAnswerLimit, "the answer is longer than 16777216 bytes"},
		"endless manifest":    {manifest, apiAnswerLimit, "the answer is longer than 16777216 bytes"},
		"endless refusal":     {endlessText(400, `{"__type":"`), answerLimit, "the answer is longer than 65536 bytes"},
		"absurd headers":      {fakeaws.HostileHeaders(64, 64<<10), 0, "headers"},
		"redirect elsewhere":  {fakeaws.HostileRedirect(307, "https://attacker.example.com/"), 0, "HTTP status 307"},
		"redirect to itself":  {fakeaws.HostileRedirect(308, "https://api.ecr."+testRegion+".amazonaws.com/"), 0, "HTTP status 308"},
		"redirect downwards":  {fakeaws.HostileRedirect(302, "http://api.ecr."+testRegion+".amazonaws.com/"), 0, "HTTP status 302"},
	}
	for operation, call := range calls {
		for name, answer := range answers {
			t.Run(operation+"/"+name, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				r := w.repository("app")
				w.push(r, "seed", image(t, "one"))
				w.ResetRequests()
				w.Inject(fakeaws.Fault{Operation: operation, Count: -1, Kind: fakeaws.FaultHandler, Handler: answer.handler})
				err := call(w, r)
				_ = wantError(t, err, nil, "ecr:"+operation+" on "+testHost+"/app", answer.says)
				if IsGone(err) {
					t.Error("a hostile answer is taken for absence")
				}
				if len(err.Error()) > 2000 {
					t.Errorf("an error of %d characters", len(err.Error()))
				}
				w.wantNoSecret(err)
				w.wantBounded(answer.limit)
			})
		}
	}
}

// What a registry may answer to the upload of a blob.
func TestHostileRegistryAnswers(t *testing.T) {
	t.Parallel()
	const bell = "\a\x1b[31mred\x1b[0m"
	answers := map[string]struct {
		handler http.HandlerFunc
		says    string // of the error; "" where the push may as well go on
	}{
		"endless":             {fakeaws.HostileEndless("application/json"), ""},
		"absurd headers":      {fakeaws.HostileHeaders(64, 64<<10), "headers"},
		"redirect elsewhere":  {fakeaws.HostileRedirect(307, "https://attacker.example.com/v2/"), "redirects a P"},
		"redirect downwards":  {fakeaws.HostileRedirect(307, "http://attacker.example.com/v2/"), "redirects a P"},
		"redirect to GET":     {fakeaws.HostileRedirect(303, "https://attacker.example.com/v2/"), "redirects a P"},
		"another port":        {fakeaws.HostileRedirect(307, "https://"+testHost+":8443/v2/"), "redirects a P"},
		"link-local":          {fakeaws.HostileRedirect(307, "http://169.254.169.254/latest/meta-data/"), "169.254.169.254"},
		"redirect loop":       {fakeaws.HostileRedirect(307, "/v2/app/blobs/uploads/"), "redirects a P"},
		"no location":         {func(rw http.ResponseWriter, _ *http.Request) { rw.WriteHeader(http.StatusAccepted) }, ""},
		"a broken location":   {fakeaws.HostileRedirect(202, "https://%zz/"), ""},
		"location elsewhere":  {fakeaws.HostileRedirect(202, "https://attacker.example.com/upload"), ""},
		"location with token": {fakeaws.HostileRedirect(202, "https://user:pass@"+testHost+"/v2/app/blobs/uploads/1"), ""},
		"megabytes of text":   {fakeaws.HostileError(400, "UNSUPPORTED", strings.Repeat("blah ", 1<<20)), "HTTP status 400"},
		"control characters":  {fakeaws.HostileError(400, "UNSUPPORTED"+bell, "text"+bell), "HTTP status 400"},
		"too deep a document": {func(rw http.ResponseWriter, _ *http.Request) {
			rw.WriteHeader(http.StatusBadRequest)
			_, _ = rw.Write([]byte(strings.Repeat("[", 60000)))
		}, "HTTP status 400"},
	}
	for _, operation := range []string{"InitiateLayerUpload", "CompleteLayerUpload"} {
		for name, answer := range answers {
			t.Run(operation+"/"+name, func(t *testing.T) {
				t.Parallel()
				w := newWorld(t)
				r := w.repository("app")
				w.Inject(fakeaws.Fault{Service: "ecr-registry", Operation: operation, Count: -1, Kind: fakeaws.FaultHandler, Handler: answer.handler})
				result, err := r.PutIfAbsent(t.Context(), "seed", image(t, "one"))
				switch {
				case err == nil && (answer.says != "" || !result.Pushed || w.at(r, "seed") == ""):
					t.Errorf("a hostile answer is taken for success: %+v", result)
				case err != nil:
					_ = wantError(t, err, nil, answer.says)
					if strings.ContainsAny(err.Error(), "\a\x1b") {
						t.Errorf("control characters in the error %q", err)
					}
					if len(err.Error()) > 2000 {
						t.Errorf("an error of %d characters", len(err.Error()))
					}
				}
				w.wantNoSecret(err)
				w.wantBounded(answerLimit)
				for _, request := range w.RequestsTo("ecr-registry", "") {
					if request.Host != testHost {
						t.Errorf("%s %s went to %s", request.Method, request.Path, request.Host)
					}
				}
			})
		}
	}
}
