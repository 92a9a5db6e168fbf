// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

// Package localruntime is a Lambda Runtime API on loopback: it hands invocations to
// a function that runs on this machine and tells what the function sent back. It is
// for tests and the demo only.
//
// Source of what it does: Lambda Developer Guide, "Using the Lambda runtime API".
package localruntime

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// deadline is how long from now an invocation may take, as the function is told.
const deadline = 15 * time.Minute

// Invocation is an event for the function.
type Invocation struct {
	Event []byte
	// Header has further header fields for the function to see, such as
	// Lambda-Runtime-Client-Context.
	Header http.Header
	// Chunked sends the event in chunks instead of with a Content-Length.
	Chunked bool
}

// Outcome tells how the function completed an invocation, or that it did not start.
type Outcome string

// The outcomes of an invocation, named like the last part of the Runtime API's path.
const (
	Response  Outcome = "response"
	Error     Outcome = "error"
	InitError Outcome = "init/error"
)

// Result is what the function sent.
type Result struct {
	// RequestID is the ID that the invocation had; empty with InitError.
	RequestID string
	Outcome   Outcome
	Header    http.Header
	Body      []byte
}

// Server is a Runtime API for one function. Start makes it.
type Server struct {
	listener net.Listener
	server   *http.Server
	pending  chan *call // taken by the function's next GET
	closed   chan struct{}
	close    sync.Once

	mu      sync.Mutex
	last    int              // number of the last invocation
	running map[string]*call // by request ID
	init    chan Result
}

// call is an invocation under way.
type call struct {
	Invocation
	requestID string
	result    chan Result
}

// Start starts a Runtime API on a free loopback port. Close ends it.
func Start() (*Server, error) {
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &Server{
		listener: listener,
		pending:  make(chan *call),
		closed:   make(chan struct{}),
		running:  map[string]*call{},
		init:     make(chan Result, 1),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /2018-06-01/runtime/invocation/next", s.next)
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/response", s.complete(Response))
	mux.HandleFunc("POST /2018-06-01/runtime/invocation/{id}/error", s.complete(Error))
	mux.HandleFunc("POST /2018-06-01/runtime/init/error", s.initError)
	s.server = &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	go func() { _ = s.server.Serve(listener) }() // ends with Close
	return s, nil
}

// Address returns host:port, the value for the function's AWS_LAMBDA_RUNTIME_API.
func (s *Server) Address() string {
	return s.listener.Addr().String()
}

// Close ends the Runtime API and breaks the function's connections.
func (s *Server) Close() error {
	s.close.Do(func() { close(s.closed) })
	return s.server.Close()
}

// Invoke hands an event to the function and returns what the function sent for it.
// It returns an error when ctx ends first, when the function reports that it cannot
// start, or when the server is closed.
func (s *Server) Invoke(ctx context.Context, invocation Invocation) (Result, error) {
	s.mu.Lock()
	s.last++
	c := &call{
		Invocation: invocation,
		requestID:  fmt.Sprintf("8476a536-e9f4-11e8-9739-%012d", s.last),
		result:     make(chan Result, 1),
	}
	s.mu.Unlock()
	select {
	case s.pending <- c:
	case result := <-s.init:
		return result, fmt.Errorf("the function cannot start: %s", result.Body)
	case <-ctx.Done():
		return Result{}, ctx.Err()
	case <-s.closed:
		return Result{}, errors.New("the Runtime API is closed")
	}
	select {
	case result := <-c.result:
		return result, nil
	case <-ctx.Done():
		return Result{}, ctx.Err()
	case <-s.closed:
		return Result{}, errors.New("the Runtime API is closed")
	}
}

// next waits for an invocation and hands it out.
func (s *Server) next(w http.ResponseWriter, r *http.Request) {
	var c *call
	select {
	case c = <-s.pending:
	case <-r.Context().Done():
		return
	case <-s.closed:
		return
	}
	s.mu.Lock()
	s.running[c.requestID] = c
	s.mu.Unlock()
	header := w.Header()
	for name, values := range c.Header {
		header[name] = values
	}
	header.Set("Content-Type", "application/json")
	header.Set("Lambda-Runtime-Aws-Request-Id", c.requestID)
	header.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(time.Now().Add(deadline).UnixMilli(), 10))
	header.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:ap-northeast-1:123456789012:function:app")
	header.Set("Lambda-Runtime-Trace-Id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=1")
	event := c.Event
	if c.Chunked {
		for len(event) > 1 {
			half := event[:len(event)/2]
			_, _ = w.Write(half) // a broken connection shows in what the function does
			_ = http.NewResponseController(w).Flush()
			event = event[len(half):]
		}
	} else {
		header.Set("Content-Length", strconv.Itoa(len(event)))
	}
	_, _ = w.Write(event)
}

// complete takes what the function sends for an invocation. An ID that is not being
// processed is refused.
func (s *Server) complete(outcome Outcome) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		id := r.PathValue("id")
		s.mu.Lock()
		c, ok := s.running[id]
		delete(s.running, id)
		s.mu.Unlock()
		if !ok {
			reply(w, http.StatusBadRequest, `{"errorMessage":"Invalid request ID","errorType":"InvalidRequestID"}`)
			return
		}
		reply(w, http.StatusAccepted, `{"status":"OK"}`)
		// The function has its reply before anybody can close the server.
		_ = http.NewResponseController(w).Flush()
		c.result <- Result{RequestID: id, Outcome: outcome, Header: r.Header.Clone(), Body: body}
	}
}

// initError takes the reason why the function cannot start. Only the first counts.
func (s *Server) initError(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	reply(w, http.StatusAccepted, `{"status":"OK"}`)
	select {
	case s.init <- Result{Outcome: InitError, Header: r.Header.Clone(), Body: body}:
	default:
	}
}

func reply(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	// With its length known, a reply is whole when it is flushed: no last chunk
	// is left to be cut off.
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body) // a broken connection shows in what the function does
}
