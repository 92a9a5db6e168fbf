// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// FaultKind is what goes wrong.
type FaultKind string

// The faults. Those said to strike "after" let the server do the work first.
const (
	FaultInternalError FaultKind = "internal error"   // 500 in the service's words
	FaultUnavailable   FaultKind = "unavailable"      // 503 in the service's words
	FaultThrottle      FaultKind = "throttled"        // the service's "too many requests"
	FaultDropBefore    FaultKind = "dropped before"   // connection closed, nothing was done
	FaultDropAfter     FaultKind = "dropped after"    // done, and the connection closed without an answer
	FaultTruncate      FaultKind = "truncated answer" // done, and the answer cut off half-way
	FaultHTML          FaultKind = "HTML from proxy"  // a proxy's page instead of an answer; 502 unless Status says otherwise
	FaultNotJSON       FaultKind = "not JSON"         // 200 unless Status says otherwise, with text that no client expects
	FaultHang          FaultKind = "hangs"            // no answer until the client goes away
	FaultHangAfter     FaultKind = "hangs after"      // done, but no answer until the client goes away
	FaultExpireToken   FaultKind = "token expired"    // all ECR passwords expire, then the request goes on
	FaultExpireKeys    FaultKind = "keys expired"     // all temporary credentials expire, then the request goes on
	FaultDenied        FaultKind = "denied"           // IAM says no
	FaultHandler       FaultKind = "handler"          // Handler answers
	FaultHook          FaultKind = "hook"             // nothing goes wrong: Before and After run around the request
	FaultRewrite       FaultKind = "rewritten"        // done, and Rewrite changes the answer
)

// FaultKinds lists every kind that needs nothing but to be named, in the order
// above, up to FaultDenied.
func FaultKinds() []FaultKind {
	return []FaultKind{
		FaultInternalError, FaultUnavailable, FaultThrottle, FaultDropBefore, FaultDropAfter, FaultTruncate,
		FaultHTML, FaultNotJSON, FaultHang, FaultHangAfter, FaultExpireToken, FaultExpireKeys, FaultDenied,
	}
}

// Fault is one thing that goes wrong, at requests that match all of Service,
// Operation, Seq and Match as far as they are set.
type Fault struct {
	Service   string             // Request.Service
	Operation string             // Request.Operation
	Seq       int                // Request.Seq
	Match     func(Request) bool // anything else; sees the request before it is handled
	Nth       int                // the first matching request that is struck, 1-based; 0 means 1
	Count     int                // how many are struck from there on; 0 means 1, negative means all
	Kind      FaultKind
	Status    int              // for FaultHTML and FaultNotJSON
	Handler   http.HandlerFunc // for FaultHandler
	Before    func(Request)    // for FaultHook: what somebody else does meanwhile
	After     func(Request)    // for FaultHook: runs before the answer is sent
	Rewrite   func(*Answer)    // for FaultRewrite
}

// Answer is an answer that Rewrite may change.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Injected is a fault at work.
type Injected struct {
	set  *faults
	f    Fault
	seen int
	hits []Request

	effect sync.Once
	struck chan struct{}
}

// Struck is closed when the fault first took effect: for the faults that
// strike after the work, when that is done.
func (i *Injected) Struck() <-chan struct{} { return i.struck }

func (i *Injected) tookEffect() { i.effect.Do(func() { close(i.struck) }) }

// Hits returns the requests that were struck so far.
func (i *Injected) Hits() []Request {
	i.set.mu.Lock()
	defer i.set.mu.Unlock()
	return slices.Clone(i.hits)
}

// Remove ends the fault.
func (i *Injected) Remove() {
	i.set.mu.Lock()
	defer i.set.mu.Unlock()
	i.set.active = slices.DeleteFunc(i.set.active, func(other *Injected) bool { return other == i })
}

type faults struct {
	mu     sync.Mutex
	active []*Injected
}

// Inject adds a fault. Where several match a request, the first injected strikes.
func (s *Server) Inject(f Fault) *Injected {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	injected := &Injected{set: &s.faults, f: f, struck: make(chan struct{})}
	s.faults.active = append(s.faults.active, injected)
	return injected
}

// ClearFaults ends all faults.
func (s *Server) ClearFaults() {
	s.faults.mu.Lock()
	defer s.faults.mu.Unlock()
	s.faults.active = nil
}

// match counts the request for every fault that it matches, and returns the
// one that strikes it.
func (fs *faults) match(r Request) *Injected {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	var struck *Injected
	for _, i := range fs.active {
		if !i.f.matches(r) {
			continue
		}
		i.seen++
		nth, count := max(i.f.Nth, 1), i.f.Count
		if count == 0 {
			count = 1
		}
		if struck != nil || i.seen < nth || count > 0 && i.seen >= nth+count {
			continue
		}
		i.hits = append(i.hits, r)
		struck = i
	}
	return struck
}

func (f *Fault) matches(r Request) bool {
	return (f.Service == "" || f.Service == r.Service) &&
		(f.Operation == "" || f.Operation == r.Operation) &&
		(f.Seq == 0 || f.Seq == r.Seq) &&
		(f.Match == nil || f.Match(r))
}

// strike does the fault to an exchange; work is what would have happened.
func (s *Server) strike(i *Injected, x *exchange, work func(http.ResponseWriter)) {
	f := &i.f
	x.record.Fault = string(f.Kind)
	handle := work
	switch f.Kind {
	case FaultDropAfter, FaultTruncate, FaultHangAfter, FaultRewrite:
		handle = func(w http.ResponseWriter) {
			work(w)
			i.tookEffect()
		}
	default:
		i.tookEffect()
	}
	switch f.Kind {
	case FaultInternalError:
		x.fail(http.StatusInternalServerError)
	case FaultUnavailable:
		x.fail(http.StatusServiceUnavailable)
	case FaultThrottle:
		x.throttle()
	case FaultDenied:
		x.deny()
	case FaultDropBefore:
		x.drop()
	case FaultDropAfter:
		handle(newHeldAnswer())
		x.drop()
	case FaultTruncate:
		held := newHeldAnswer()
		handle(held)
		x.truncate(held)
	case FaultHTML:
		x.page(f.Status, http.StatusBadGateway, "text/html",
			"<html><head><title>502 Bad Gateway</title></head>\n<body><center><h1>502 Bad Gateway</h1></center><hr><center>proxy.example.com</center></body></html>\n")
	case FaultNotJSON:
		x.page(f.Status, http.StatusOK, "text/plain", "upstream connect error or disconnect/reset before headers\n")
	case FaultHang:
		s.hang(x)
	case FaultHangAfter:
		handle(newHeldAnswer())
		s.hang(x)
	case FaultExpireToken:
		s.ExpireTokens()
		handle(x.w)
	case FaultExpireKeys:
		s.ExpireCredentials()
		handle(x.w)
	case FaultHandler:
		f.Handler(x.w, x.r)
	case FaultHook:
		f.around(x, handle)
	case FaultRewrite:
		held := newHeldAnswer()
		handle(held)
		a := &Answer{Status: held.status, Header: held.header, Body: held.body.Bytes()}
		f.Rewrite(a)
		a.send(x.w)
	default:
		panic(fmt.Sprintf("fakeaws: unknown fault kind %q", f.Kind))
	}
}

func (f *Fault) around(x *exchange, handle func(http.ResponseWriter)) {
	x.record.Fault = ""
	if f.Before != nil {
		f.Before(x.record)
	}
	if f.After == nil {
		handle(x.w)
		return
	}
	held := newHeldAnswer()
	handle(held)
	f.After(x.record)
	(&Answer{Status: held.status, Header: held.header, Body: held.body.Bytes()}).send(x.w)
}

// send writes the answer; a Content-Length that no longer fits is mended.
func (a *Answer) send(w http.ResponseWriter) {
	for key, values := range a.Header {
		w.Header()[key] = values
	}
	if w.Header().Get("Content-Length") != "" && len(a.Body) > 0 {
		w.Header().Set("Content-Length", fmt.Sprint(len(a.Body)))
	}
	w.WriteHeader(a.Status)
	_, _ = w.Write(a.Body)
}

// hang waits for the client to go away. Its body must be read first: only then
// does net/http notice that the connection closed.
func (s *Server) hang(x *exchange) {
	_, _ = io.Copy(io.Discard, x.r.Body)
	select {
	case <-x.r.Context().Done():
	case <-s.closing:
	}
	x.drop()
}

// heldAnswer keeps an answer instead of sending it.
type heldAnswer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func newHeldAnswer() *heldAnswer { return &heldAnswer{header: http.Header{}} }

func (h *heldAnswer) Header() http.Header { return h.header }

func (h *heldAnswer) WriteHeader(status int) {
	if h.status == 0 {
		h.status = status
	}
}

func (h *heldAnswer) Write(p []byte) (int, error) {
	h.WriteHeader(http.StatusOK)
	return h.body.Write(p)
}

// truncate sends half of an answer and closes the connection: half of the
// body if there is one, otherwise half of the header.
func (x *exchange) truncate(held *heldAnswer) {
	if half := held.body.Len() / 2; half > 0 && x.r.Method != http.MethodHead {
		for key, values := range held.header {
			x.w.Header()[key] = values
		}
		x.w.Header().Set("Content-Length", fmt.Sprint(held.body.Len()))
		x.w.WriteHeader(held.status)
		_, _ = x.w.Write(held.body.Bytes()[:half])
		_ = http.NewResponseController(x.w).Flush()
		x.drop()
	}
	conn, _, err := http.NewResponseController(x.w).Hijack()
	if err != nil {
		x.drop()
	}
	_, _ = io.WriteString(conn, fmt.Sprintf("HTTP/1.1 %d %s\r\nContent-Le", held.status, http.StatusText(held.status)))
	_ = conn.Close()
}

func (x *exchange) page(status, otherwise int, contentType, text string) {
	_, _ = io.Copy(io.Discard, x.r.Body)
	if status == 0 {
		status = otherwise
	}
	x.w.Header().Set("Content-Type", contentType)
	x.w.WriteHeader(status)
	_, _ = io.Copy(x.w, strings.NewReader(text))
}
