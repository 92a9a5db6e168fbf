// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

import (
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Request is the record of one request that reached a service.
type Request struct {
	Seq       int       // 1 for the first since Start or ResetRequests
	Time      time.Time // when it arrived
	Done      time.Time // when it was answered; zero while it is under way
	Service   string    // SigV4 name; "ecr-registry" for /v2/, "ecr-layers" for redirected blob reads
	Operation string    // API operation; for /v2/ the ECR action it stands for, or "Ping", "Catalog", "GetUploadStatus", "CancelLayerUpload"

	Region     string // of the endpoint
	Account    string // of the registry for /v2/ on real hosts, else the caller's where it is known
	Repository string // of ECR and its registry, where the request names one
	Reference  string // /v2/ only: tag, digest or upload id

	Host   string // as the client named it, with port if it gave one
	Method string
	Path   string
	Query  string

	AccessKey        string // signing key; for /v2/ the key that the password was issued to
	HasAuthorization bool
	UserAgent        string
	ContentType      string
	Accept           string

	Status    int    // 0 while under way and where the connection was dropped
	ErrorCode string // AWS or registry error code of the answer
	Fault     string // kind of the fault that struck, "" for none
	RequestID string
	BytesIn   int64 // body bytes read
	BytesOut  int64 // body bytes written
}

// recorder keeps the requests in the order in which they came.
type recorder struct {
	mu       sync.Mutex
	epoch    int
	requests []Request
	dials    []Dial
}

// Dial is a host that a client asked the proxy for.
type Dial struct {
	Time    time.Time
	Host    string // host:port of a CONNECT, or the host of a plain-HTTP request through the proxy
	Refused bool   // not an AWS host, nor one given by WithHost
}

func (rec *recorder) begin(r *Request) (epoch int) {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	r.Seq = len(rec.requests) + 1
	rec.requests = append(rec.requests, *r)
	return rec.epoch
}

func (rec *recorder) finish(epoch int, r Request) {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	if epoch == rec.epoch {
		rec.requests[r.Seq-1] = r
	}
}

func (rec *recorder) dial(d Dial) {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	rec.dials = append(rec.dials, d)
}

// Requests returns the requests since Start or the last ResetRequests, in the
// order of their arrival.
func (s *Server) Requests() []Request {
	s.recorder.mu.Lock()
	defer s.recorder.mu.Unlock()
	return slices.Clone(s.recorder.requests)
}

// RequestsTo returns those of one service and operation; "" stands for any.
func (s *Server) RequestsTo(service, operation string) []Request {
	return slices.DeleteFunc(s.Requests(), func(r Request) bool {
		return service != "" && r.Service != service || operation != "" && r.Operation != operation
	})
}

// Dials returns every host that was asked of the proxy, refused ones included.
func (s *Server) Dials() []Dial {
	s.recorder.mu.Lock()
	defer s.recorder.mu.Unlock()
	return slices.Clone(s.recorder.dials)
}

// RefusedHosts lists, without repetition, the hosts beyond AWS that a client
// tried to reach through the proxy.
func (s *Server) RefusedHosts() []string {
	var hosts []string
	for _, d := range s.Dials() {
		if d.Refused && !slices.Contains(hosts, d.Host) {
			hosts = append(hosts, d.Host)
		}
	}
	return hosts
}

// ResetRequests forgets requests, dials and violations, and starts Seq again.
func (s *Server) ResetRequests() {
	s.recorder.mu.Lock()
	s.recorder.epoch++
	s.recorder.requests, s.recorder.dials = nil, nil
	s.recorder.mu.Unlock()
	s.forbidden.reset()
}

// countingWriter passes an answer on and notes its status and size.
type countingWriter struct {
	http.ResponseWriter
	status int
	bytes  int64
}

func (w *countingWriter) WriteHeader(status int) {
	if w.status == 0 && status >= http.StatusOK {
		w.status = status
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *countingWriter) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = http.StatusOK
	}
	n, err := w.ResponseWriter.Write(p)
	w.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (w *countingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// countingBody counts what is read of a request's body.
type countingBody struct {
	io.ReadCloser
	mu    sync.Mutex
	bytes int64
}

func (b *countingBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.mu.Lock()
	b.bytes += int64(n)
	b.mu.Unlock()
	return n, err
}

func (b *countingBody) count() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.bytes
}
