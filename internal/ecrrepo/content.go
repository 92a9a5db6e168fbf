// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package ecrrepo

import (
	"errors"
	"io"
	"sync"
)

// content watches the reading of a blob on its way to the registry, so that a
// failure of where the blob comes from is not taken for one of ECR. net/http
// may open the same content again, on another connection.
type content struct {
	mu  sync.Mutex
	err error
}

// opener returns open with the reading watched. What an earlier reading failed
// with is forgotten at the next one.
func (c *content) opener(open func() (io.ReadCloser, error)) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) {
		c.mu.Lock()
		c.err = nil
		c.mu.Unlock()
		body, err := open()
		if err != nil {
			return nil, &contentError{err}
		}
		return &watchedContent{ReadCloser: body, content: c}, nil
	}
}

// failure is what the reading failed with, nil if it did not.
func (c *content) failure() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		return nil
	}
	return &contentError{c.err}
}

type watchedContent struct {
	io.ReadCloser

	content *content
	closed  bool // under content.mu
}

func (w *watchedContent) Read(p []byte) (int, error) {
	n, err := w.ReadCloser.Read(p)
	// The end is io.EOF itself: an error that wraps one is that of a connection
	// to the source that was closed.
	if err != nil && err != io.EOF {
		w.content.mu.Lock()
		if !w.closed {
			w.content.err = err
		}
		w.content.mu.Unlock()
	}
	return n, err
}

// Close comes while a Read waits where the registry has broken off, as
// net/http does it over HTTP/2: how that Read then ends is not the content's
// fault.
func (w *watchedContent) Close() error {
	w.content.mu.Lock()
	w.closed = true
	w.content.mu.Unlock()
	return w.ReadCloser.Close()
}

// contentError is a failure to read what is to be sent.
type contentError struct{ err error }

func (e *contentError) Error() string { return e.err.Error() }

func (e *contentError) Unwrap() error { return e.err }

// temporary asks the error itself: only where the content comes from can be
// known whether it may come the next time.
func (e *contentError) temporary() bool {
	t, ok := errors.AsType[interface {
		error
		Temporary() bool
	}](e.err)
	return ok && t.Temporary()
}
