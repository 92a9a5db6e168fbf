// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package ecrrepo

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/static"
	ggcr "github.com/google/go-containerregistry/pkg/v1/types"
)

// slowLayer comes from a source that at the first reading sends a few bytes and
// then nothing until it is closed, which it reports as an interruption.
type slowLayer struct {
	v1.Layer

	readings *atomic.Int32
}

func (l slowLayer) Compressed() (io.ReadCloser, error) {
	content, err := l.Layer.Compressed()
	return &slowContent{ReadCloser: content, layer: l, closed: make(chan struct{})}, err
}

type slowContent struct {
	io.ReadCloser

	layer   slowLayer
	reading int32
	once    sync.Once
	closed  chan struct{}
}

func (c *slowContent) Read(p []byte) (int, error) {
	switch c.reading {
	case 0:
		c.reading = c.layer.readings.Add(1)
		return c.ReadCloser.Read(p[:min(len(p), 10)])
	case 1:
		<-c.closed
		return 0, &sourceError{temporary: false}
	}
	return c.ReadCloser.Read(p)
}

func (c *slowContent) Close() error {
	c.once.Do(func() { close(c.closed) })
	return nil
}

// overHTTP2 leads the requests of a repository's registry through a server of
// HTTP/2, which may answer first.
func (w *world) overHTTP2(r *Repository, first func(http.ResponseWriter, *http.Request) bool) {
	w.t.Helper()
	behind := r.region.http
	onward := &httputil.ReverseProxy{
		Transport: behind,
		Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(&url.URL{Scheme: "https", Host: p.In.Host})
			p.Out.Host = p.In.Host
		},
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, req *http.Request) {
		if req.ProtoMajor != 2 {
			w.t.Errorf("the request came over %s", req.Proto)
		}
		if !first(rw, req) {
			onward.ServeHTTP(rw, req)
		}
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	w.t.Cleanup(server.Close)
	transport, ok := server.Client().Transport.(*http.Transport)
	if !ok {
		w.t.Fatalf("the client's transport is a %T", server.Client().Transport)
	}
	transport = transport.Clone()
	transport.TLSClientConfig.ServerName = "example.com" // As in the server's certificate.
	transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, network, server.Listener.Addr().String())
	}
	w.t.Cleanup(transport.CloseIdleConnections)
	r.region.http = transport
}

// A registry that resets a stream ends the reading of a source that is slow.
// That is the registry's failure and not the source's, and is tried again.
func TestPutOverHTTP2ThatBreaksOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.repository("app")
	content := bytes.Repeat([]byte("slow"), 1000)
	var readings, aborted atomic.Int32
	w.overHTTP2(r, func(_ http.ResponseWriter, req *http.Request) bool {
		if req.Method != http.MethodPut || req.ContentLength != int64(len(content)) || aborted.Add(1) > 1 {
			return false
		}
		if _, err := io.ReadFull(req.Body, make([]byte, 10)); err != nil {
			t.Error(err)
		}
		panic(http.ErrAbortHandler)
	})
	img := withLayers(t, slowLayer{static.NewLayer(content, ggcr.OCILayer), &readings})
	result := w.put(r, "seed", img)
	w.wantPushed(r, "seed", result, img)
	if readings.Load() != 2 {
		t.Errorf("the layer was read %d times, want 2", readings.Load())
	}
}

// Content that is opened again is judged anew, and what a reading says after it
// was closed counts for nothing.
func TestContent(t *testing.T) {
	t.Parallel()
	failure := &sourceError{temporary: true}
	c := &content{}
	reads := []io.Reader{
		io.MultiReader(strings.NewReader("one"), readerFunc(func([]byte) (int, error) { return 0, failure })),
		strings.NewReader("one"),
		readerFunc(func([]byte) (int, error) { return 0, failure }),
	}
	open := c.opener(func() (io.ReadCloser, error) {
		next := reads[0]
		reads = reads[1:]
		return io.NopCloser(next), nil
	})
	read := func(closed bool) {
		t.Helper()
		body, err := open()
		if err != nil {
			t.Fatal(err)
		}
		if closed {
			if err := body.Close(); err != nil {
				t.Error(err)
			}
		}
		_, _ = io.Copy(io.Discard, body) // The content remembers its error.
	}
	read(false)
	if err := c.failure(); !errors.Is(err, failure) {
		t.Errorf("a reading that failed: %v", err)
	}
	read(false)
	if err := c.failure(); err != nil {
		t.Errorf("a second one that did not: %v", err)
	}
	read(true)
	if err := c.failure(); err != nil {
		t.Errorf("one that was closed: %v", err)
	}
}
