// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package sourceimage_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/sourceimage"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/sourceimage/sourcetest"
)

// A blob that is not what its digest names, or that does not come to its end,
// is never given out as a whole.
func TestStream_broken(t *testing.T) {
	t.Parallel()
	wrong := func(w http.ResponseWriter, content []byte) {
		content[len(content)-1] ^= 1
		_, _ = w.Write(content)
	}
	for name, test := range map[string]struct {
		answer    func(w http.ResponseWriter, content []byte)
		reason    error
		temporary bool
		want      string
	}{
		"another content": {wrong, sourceimage.ErrCorrupt, false, " came as sha256:"},
		"too short": {
			func(w http.ResponseWriter, content []byte) { flush(w, content[:len(content)-1]) },
			sourceimage.ErrUnreachable, true, fmt.Sprintf(" ended after %d of %d bytes", 99999, 100000),
		},
		"too long":       {func(w http.ResponseWriter, content []byte) { flush(w, content); flush(w, content) }, nil, false, ""},
		"length differs": {func(w http.ResponseWriter, content []byte) { _, _ = w.Write(content[:500]) }, sourceimage.ErrCorrupt, false, "has 500 bytes instead of the 100000 that the manifest says"},
		"cut off": {
			func(w http.ResponseWriter, content []byte) {
				w.Header().Set("Content-Length", "100000")
				flush(w, content[:500])
				panic(http.ErrAbortHandler)
			},
			sourceimage.ErrUnreachable, true, "unexpected EOF",
		},
		"refused": {
			func(w http.ResponseWriter, _ []byte) {
				sourcetest.Refuse(http.StatusServiceUnavailable, "UNAVAILABLE", "later")(w, nil)
			},
			sourceimage.ErrFault, true, "HTTP status 503: UNAVAILABLE later",
		},
		"gone": {func(w http.ResponseWriter, _ []byte) {
			sourcetest.Refuse(http.StatusNotFound, "BLOB_UNKNOWN", "gone")(w, nil)
		}, sourceimage.ErrNotFound, false, "BLOB_UNKNOWN gone"},
		"stalled": {func(w http.ResponseWriter, content []byte) { flush(w, content[:500]); stall(w) }, sourceimage.ErrUnreachable, true, "nothing came for 50ms"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			registry := sourcetest.New()
			blob := sourcetest.Generated(t, 1, 100000)
			host := registry.Start(t)
			registry.PushManifest(t, "app:1", sourcetest.WithLayers(t, sourcetest.OCI(t, amd64), amd64, blob.Layer(types.OCILayer)))
			registry.Hook(func(w http.ResponseWriter, r *http.Request) bool {
				if !strings.HasSuffix(r.URL.Path, blob.Digest.String()) {
					return false
				}
				content, err := io.ReadAll(blob.Open())
				if err != nil {
					t.Error(err)
				}
				test.answer(watched{w, r}, content)
				return true
			})
			o := options(t)
			if name == "stalled" {
				o.StallTime = 50 * time.Millisecond
				o.Retry = untilItWorks // A busy machine may stall where nothing is wrong.
			}
			img, err := sourceimage.Resolve(t.Context(), parse(t, host+"/app:1"), "x86_64", o)
			if err != nil {
				t.Fatal(err)
			}
			content := open(t, img)
			n, err := io.Copy(io.Discard, content)
			if test.reason == nil {
				// What comes behind the blob is not read.
				if err != nil || n != 100000 {
					t.Errorf("got %d bytes, %v", n, err)
				}
				return
			}
			e, ok := errors.AsType[*sourceimage.Error](err)
			if !ok || !errors.Is(err, test.reason) || e.Temporary() != test.temporary || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %v with %q", err, test.reason, test.want)
			}
			if n >= 100000 {
				t.Errorf("%d bytes were given out", n)
			}
			if _, again := content.Read(make([]byte, 1)); !errors.Is(again, err) {
				t.Errorf("the next read gives %v, want %v", again, err)
			}
		})
	}
}

// Close ends a read that waits, as net/http wants it of a request's body.
func TestStream_closeEndsRead(t *testing.T) {
	t.Parallel()
	registry := sourcetest.New()
	blob := sourcetest.Generated(t, 1, 100000)
	host := registry.Start(t)
	registry.PushManifest(t, "app:1", sourcetest.WithLayers(t, sourcetest.OCI(t, amd64), amd64, blob.Layer(types.OCILayer)))
	reading := make(chan struct{})
	registry.Hook(func(_ http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, blob.Digest.String()) {
			return false
		}
		close(reading)
		<-r.Context().Done()
		return true
	})
	img, err := resolve(t, host+"/app:1", "x86_64")
	if err != nil {
		t.Fatal(err)
	}
	content := open(t, img)
	done := make(chan error)
	go func() {
		_, err := content.Read(make([]byte, 100))
		done <- err
	}()
	<-reading
	if err := content.Close(); err != nil {
		t.Error(err)
	}
	if err := <-done; !errors.Is(err, sourceimage.ErrCanceled) {
		t.Errorf("the read ended with %v", err)
	}
	unread := open(t, img)
	if err := unread.Close(); err != nil {
		t.Error(err)
	}
	if _, err := unread.Read(make([]byte, 1)); !errors.Is(err, os.ErrClosed) {
		t.Errorf("a read after Close gives %v", err)
	}
}

// An image is read without a file on disk.
func TestStream_withoutTemporaryFolder(t *testing.T) {
	registry := sourcetest.New()
	blob := sourcetest.Generated(t, 1, 10<<20)
	host := registry.Start(t)
	registry.AddBlob(blob)
	registry.PushManifest(t, "app:1", sourcetest.WithLayers(t, sourcetest.OCI(t, amd64), amd64, blob.Layer(types.OCILayer)))
	missing := filepath.Join(t.TempDir(), "missing")
	for _, name := range []string{"TMPDIR", "TMP", "TEMP"} {
		t.Setenv(name, missing)
	}
	img, err := resolve(t, host+"/app:1", "x86_64")
	if err != nil {
		t.Fatal(err)
	}
	readAll(t, img)
}

// open opens the only layer of an image.
func open(t *testing.T, img v1.Image) io.ReadCloser {
	t.Helper()
	layers, err := img.Layers()
	if err != nil || len(layers) != 1 {
		t.Fatal(layers, err)
	}
	content, err := layers[0].Compressed()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = content.Close() })
	return content
}

// watched lets a handler wait for its client to go.
type watched struct {
	http.ResponseWriter

	req *http.Request
}

func flush(w http.ResponseWriter, content []byte) {
	_, _ = w.Write(content)
	if in, ok := w.(watched); ok {
		_ = http.NewResponseController(in.ResponseWriter).Flush()
	}
}

func stall(w http.ResponseWriter) {
	if in, ok := w.(watched); ok {
		<-in.req.Context().Done()
	}
}

func untilItWorks(_ context.Context, call func() error) (err error) {
	for range 100 {
		if err = call(); err == nil {
			return nil
		}
	}
	return err
}
