// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package localruntime

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
)

func start(t *testing.T) (s *Server, base string) {
	t.Helper()
	s, err := Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s, "http://" + s.Address() + "/2018-06-01/runtime/"
}

// send sends a request and returns the status and the header of the reply, and its
// body.
func send(t *testing.T, method, url, body string) (int, http.Header, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	reply, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close() //nolint:errcheck // only read from
	content, err := io.ReadAll(reply.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply.StatusCode, reply.Header, string(content)
}

func TestInvoke(t *testing.T) {
	t.Parallel()
	s, base := start(t)
	for outcome, last := range map[Outcome]string{Response: "response", Error: "error"} {
		for _, chunked := range []bool{false, true} {
			results := make(chan Result, 1)
			go func() {
				result, err := s.Invoke(t.Context(), Invocation{Event: []byte(`{"a":1}`), Header: http.Header{"X-A": {"b"}}, Chunked: chunked})
				if err != nil {
					t.Error(err)
				}
				results <- result
			}()
			status, header, event := send(t, http.MethodGet, base+"invocation/next", "")
			id := header.Get("Lambda-Runtime-Aws-Request-Id")
			if status != http.StatusOK || event != `{"a":1}` || header.Get("X-A") != "b" || id == "" || (header.Get("Content-Length") == "") != chunked {
				t.Errorf("chunked is %t: got %d, %v, %s", chunked, status, header, event)
			}
			if status, _, _ := send(t, http.MethodPost, base+"invocation/"+id+"/"+last, "done"); status != http.StatusAccepted {
				t.Errorf("the %s is refused with %d", last, status)
			}
			if got := <-results; got.Outcome != outcome || got.RequestID != id || string(got.Body) != "done" {
				t.Errorf("got %+v", got)
			}
			if status, _, body := send(t, http.MethodPost, base+"invocation/"+id+"/"+last, "done"); status != http.StatusBadRequest || !strings.Contains(body, "InvalidRequestID") {
				t.Errorf("a second %s gets %d, %s", last, status, body)
			}
		}
	}
}

func TestInvokeFunctionThatCannotStart(t *testing.T) {
	t.Parallel()
	s, base := start(t)
	for range 2 { // only the first counts, and none may block
		if status, _, _ := send(t, http.MethodPost, base+"init/error", "broken"); status != http.StatusAccepted {
			t.Errorf("the error is refused with %d", status)
		}
	}
	result, err := s.Invoke(t.Context(), Invocation{})
	if err == nil || err.Error() != "the function cannot start: broken" || result.Outcome != InitError {
		t.Errorf("got %+v, %v", result, err)
	}
}

func TestInvokeEnds(t *testing.T) {
	t.Parallel()
	s, _ := start(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Invoke(ctx, Invocation{}); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end of its context: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Invoke(t.Context(), Invocation{}); err == nil || err.Error() != "the Runtime API is closed" {
		t.Errorf("after the end of the server: %v", err)
	}
}
