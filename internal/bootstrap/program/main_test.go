// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/bootstrap/eventtable"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/bootstrap/localruntime"
)

// program is a run of the program in this process.
type program struct {
	log    bytes.Buffer // to be read after wait
	exited chan struct{}
}

func start(address string) *program {
	p := &program{exited: make(chan struct{})}
	env := environment(map[string]string{"AWS_LAMBDA_RUNTIME_API": address, "AWS_LAMBDA_FUNCTION_NAME": "app"})
	go func() {
		run(env, &p.log)
		close(p.exited)
	}()
	return p
}

// wait waits for the end of the program and returns the lines of the log, all of
// which must be JSON with a time and a level.
func (p *program) wait(t *testing.T) []map[string]string {
	t.Helper()
	select {
	case <-p.exited:
	case <-t.Context().Done():
		t.Fatal("the program does not end")
	}
	var lines []map[string]string
	for line := range strings.Lines(p.log.String()) {
		var members map[string]string
		if err := json.Unmarshal([]byte(line), &members); err != nil {
			t.Fatalf("the log has a line that is not JSON: %q: %v", line, err)
		}
		if _, err := time.Parse("2006-01-02T15:04:05.000Z", members["timestamp"]); err != nil {
			t.Errorf("the log has a line without a time: %q", line)
		}
		delete(members, "timestamp")
		lines = append(lines, members)
	}
	return lines
}

// TestServe checks for every event of the table what the program sends, that it
// echoes the request ID, and that it logs one line.
func TestServe(t *testing.T) {
	t.Parallel()
	api, err := localruntime.Start()
	if err != nil {
		t.Fatal(err)
	}
	defer api.Close() //nolint:errcheck // closed below, with a check
	p := start(api.Address())
	events := eventtable.All()
	for i, event := range events {
		result, err := api.Invoke(t.Context(), localruntime.Invocation{Event: event.JSON, Chunked: i%2 == 0})
		if err != nil {
			t.Fatal(err)
		}
		if got := result.Header.Get("Content-Type"); got != "application/json" {
			t.Errorf("%s: the content type is %q", event.Name, got)
		}
		if event.Answer == eventtable.FunctionError {
			if got := result.Header.Get("Lambda-Runtime-Function-Error-Type"); result.Outcome != localruntime.Error || got != "Function.PlaceholderImage" {
				t.Errorf("%s: got the outcome %s with the error type %q", event.Name, result.Outcome, got)
			}
			continue
		}
		answer := strictDecode[decoded](t, result.Body)
		if result.Outcome != localruntime.Response || answer.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("%s: got the outcome %s with status %d", event.Name, result.Outcome, answer.StatusCode)
		}
		if (answer.Headers == nil) != (event.Answer == eventtable.HTTPMultiValue) || (answer.MultiValueHeaders == nil) != (event.Answer == eventtable.HTTP) {
			t.Errorf("%s: got the headers %v and %v", event.Name, answer.Headers, answer.MultiValueHeaders)
		}
	}
	if err := api.Close(); err != nil {
		t.Fatal(err)
	}
	log := p.wait(t)
	if len(log) != len(events)+1 {
		t.Fatalf("the program ends after %d log lines", len(log))
	}
	for i, event := range events {
		outcome, level := "http-503", "WARN"
		if event.Answer == eventtable.FunctionError {
			outcome, level = "function-error", "ERROR"
		}
		line := log[i]
		if line["event"] != event.Kind || line["outcome"] != outcome || line["level"] != level || !strings.HasSuffix(line["requestId"], fmt.Sprintf("%012d", i+1)) || len(line) != 5 {
			t.Errorf("%s: the log line is %v", event.Name, line)
		}
	}
	last := log[len(events)]
	if last["level"] != "FATAL" || !strings.HasPrefix(last["message"], "failed to get the next invocation: the connection to the Runtime API at "+api.Address()+" broke: ") {
		t.Errorf("the last log line is %v", last)
	}
}

func TestServeLargestEvent(t *testing.T) {
	t.Parallel()
	api, err := localruntime.Start()
	if err != nil {
		t.Fatal(err)
	}
	p := start(api.Address())
	padding := strings.Repeat("x", 6<<20-200)
	for _, chunked := range []bool{false, true} {
		for want, event := range map[localruntime.Outcome]string{
			localruntime.Error:    `{"Records":[{"body":"` + padding + `"}]}`,
			localruntime.Response: `{"version":"2.0","rawPath":"/","body":"` + padding + `","requestContext":{"http":{"method":"POST"}}}`,
		} {
			header := http.Header{"X-Unknown": {"yes"}, "Lambda-Runtime-Client-Context": {strings.Repeat("c", 3584)}}
			result, err := api.Invoke(t.Context(), localruntime.Invocation{Event: []byte(event), Header: header, Chunked: chunked})
			if err != nil || result.Outcome != want {
				t.Errorf("chunked is %t: got %s, %v, want %s", chunked, result.Outcome, err, want)
			}
		}
	}
	if err := api.Close(); err != nil {
		t.Fatal(err)
	}
	_ = p.wait(t)
}

func TestNoEventContentInTheLog(t *testing.T) {
	t.Parallel()
	api, err := localruntime.Start()
	if err != nil {
		t.Fatal(err)
	}
	p := start(api.Address())
	for _, event := range []string{
		`{"marker":"zebra"}`, `zebra`, `"zebra"`, `{"zebra":1,"zebra":2}`,
		`{"version":"2.0","rawPath":"/zebra","zebra":1,"requestContext":{"http":{"method":"zebra"}}}`,
	} {
		result, err := api.Invoke(t.Context(), localruntime.Invocation{Event: []byte(event)})
		if err != nil || bytes.Contains(result.Body, []byte("zebra")) {
			t.Errorf("%s: got %s, %v", event, result.Body, err)
		}
	}
	if err := api.Close(); err != nil {
		t.Fatal(err)
	}
	if log := p.wait(t); len(log) != 6 || strings.Contains(p.log.String(), "zebra") {
		t.Errorf("the log is %s", p.log.String())
	}
}

func TestNoRuntimeAPI(t *testing.T) {
	t.Parallel()
	p := start("")
	log := p.wait(t)
	if len(log) != 1 || log[0]["level"] != "FATAL" ||
		log[0]["message"] != "AWS_LAMBDA_RUNTIME_API is not set: this program runs in AWS Lambda, or in an emulator of it" {
		t.Errorf("the log is %v", log)
	}
}

func TestRuntimeAPIRefusesConnections(t *testing.T) {
	t.Parallel()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	log := start(address).wait(t)
	if len(log) != 1 || !strings.HasPrefix(log[0]["message"], "failed to get the next invocation: dial tcp "+address) {
		t.Errorf("the log is %v", log)
	}
}

// script plays the Runtime API: it answers the n-th request with the n-th answer, as
// it stands, and then breaks the connection. It returns the address and a function
// that returns the requests once the program has ended.
func script(t *testing.T, answers ...string) (address string, requests func() []string) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	var got []string
	done := make(chan struct{})
	go func() {
		defer close(done)
		for len(answers) > 0 {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			r := bufio.NewReader(conn)
			for len(answers) > 0 {
				request, err := http.ReadRequest(r)
				if err != nil {
					break // the program wants another connection
				}
				body, _ := io.ReadAll(request.Body)
				got = append(got, request.Method+" "+request.URL.Path+" "+string(body))
				answer := answers[0]
				answers = answers[1:]
				_, _ = io.WriteString(conn, answer)
				if strings.Contains(answer, "Connection: close") {
					break
				}
			}
			_ = conn.Close()
		}
		_ = listener.Close()
	}()
	return listener.Addr().String(), func() []string {
		_ = listener.Close()
		<-done
		return got
	}
}

const scriptedAccepted = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"

var scriptedNext = scriptedEvent("{}")

func scriptedEvent(event string) string {
	return fmt.Sprintf("HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: id-1\r\nContent-Length: %d\r\n\r\n%s", len(event), event)
}

func TestFailedStartIsReported(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ answer, message string }{
		"status 500":        {"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\n\r\n", "the Runtime API answered with status 500"},
		"no request ID":     {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "the Runtime API gave no usable request ID"},
		"request ID a path": {"HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: ../../x\r\nContent-Length: 2\r\n\r\n{}", "the Runtime API gave no usable request ID"},
		"not HTTP":          {"+OK POP3 ready\r\n", "the status line of the HTTP response is malformed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address, requests := script(t, tt.answer, scriptedAccepted)
			log := start(address).wait(t)
			message := "failed to get the next invocation: " + tt.message
			if len(log) != 1 || log[0]["level"] != "FATAL" || log[0]["message"] != message {
				t.Errorf("the log is %v", log)
			}
			want := `POST /2018-06-01/runtime/init/error {"errorMessage":"` + message + `","errorType":"Function.PlaceholderImageInit","stackTrace":[]}`
			if got := requests(); len(got) != 2 || got[1] != want {
				t.Errorf("sent %q, want %q last", got, want)
			}
		})
	}
}

func TestBrokenConnection(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		answers  []string
		requests int
		message  string
	}{
		"in the middle of an event": {
			[]string{scriptedNext, scriptedAccepted, "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: id-2\r\nContent-Length: 9\r\n\r\n{"},
			3,
			"failed to get the next invocation: the connection to the Runtime API at ADDRESS broke: unexpected EOF",
		},
		"after an error was sent": {
			[]string{scriptedNext, ""},
			2,
			"failed to send the function error: the connection to the Runtime API at ADDRESS broke: unexpected EOF",
		},
		"error refused": {
			[]string{scriptedNext, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"},
			2,
			"failed to send the function error: the Runtime API answered with status 400",
		},
		"response refused": {
			[]string{scriptedEvent(`{"version":"2.0","rawPath":"/","requestContext":{"http":{"method":"GET"}}}`), "HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n"},
			2,
			"failed to send the response: the Runtime API answered with status 413",
		},
		"later refusal": {
			[]string{scriptedNext, scriptedAccepted, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"},
			3,
			"failed to get the next invocation: the Runtime API answered with status 403",
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address, requests := script(t, tt.answers...)
			log := start(address).wait(t)
			message := strings.Replace(tt.message, "ADDRESS", address, 1)
			if last := log[len(log)-1]; last["level"] != "FATAL" || last["message"] != message {
				t.Errorf("the log is %v, want the message %q", log, message)
			}
			if got := requests(); len(got) != tt.requests {
				t.Errorf("sent %q", got)
			}
		})
	}
}

// TestServerThatClosesConnections checks that the program takes a new connection
// when the server says that it will close the old one.
func TestServerThatClosesConnections(t *testing.T) {
	t.Parallel()
	closing := strings.NewReplacer("Content-Length", "Connection: close\r\nContent-Length")
	address, requests := script(t, closing.Replace(scriptedNext), closing.Replace(scriptedAccepted), scriptedNext, scriptedAccepted)
	log := start(address).wait(t)
	if len(log) != 3 || len(requests()) != 4 {
		t.Errorf("sent %q and logged %v", requests(), log)
	}
}

func TestMalformedEnvironmentIsLogged(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	run(environment(map[string]string{envStatusCode: "zebra"}), &log)
	first, _, _ := strings.Cut(log.String(), "\n")
	if strings.Contains(log.String(), "zebra") ||
		!strings.HasSuffix(first, `"level":"WARN","message":"LAMBDASEED_HTTP_STATUS_CODE is not an HTTP status code between 200 and 599: HTTP callers get the default answer"}`) {
		t.Errorf("the log is %s", log.String())
	}
}
