// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/iotest"
)

func TestReadResponse(t *testing.T) {
	t.Parallel()
	const next = "HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: 42\r\n"
	tests := map[string]struct {
		wire      string
		status    int
		body      string
		requestID string
		close     bool
	}{
		"sized":                    {next + "Content-Length: 2\r\n\r\n{}rest", 200, "{}", "42", false},
		"sized, nothing":           {next + "Content-Length: 0\r\n\r\n", 200, "", "42", false},
		"chunked":                  {next + "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\nrest", 200, "{}", "42", false},
		"chunked, nothing":         {next + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 200, "", "42", false},
		"chunked, upper case":      {next + "transfer-encoding: CHUNKED\r\n\r\nA\r\n0123456789\r\n0\r\n\r\n", 200, "0123456789", "42", false},
		"chunked, leading zeros":   {next + "Transfer-Encoding: chunked\r\n\r\n0002\r\n{}\r\n000\r\n\r\n", 200, "{}", "42", false},
		"chunked with extensions":  {next + "Transfer-Encoding: chunked\r\n\r\n2;a=b\r\n{}\r\n0;c\r\n\r\n", 200, "{}", "42", false},
		"chunked with trailers":    {next + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nA: b\r\nC:d\r\n\r\n", 200, "{}", "42", false},
		"until the end":            {next + "\r\n{}", 200, "{}", "42", true},
		"header names in any case": {"HTTP/1.1 200 OK\r\nLAMBDA-RUNTIME-AWS-REQUEST-ID:\t42 \r\ncontent-LENGTH:2\r\n\r\n{}", 200, "{}", "42", false},
		"unknown headers":          {next + "X-Anything: a:b, \x80\r\nEmpty:\r\nContent-Length: 2\r\n\r\n{}", 200, "{}", "42", false},
		"no reason":                {"HTTP/1.1 202\r\nContent-Length: 0\r\n\r\n", 202, "", "", false},
		"close":                    {next + "Connection: keep-alive, Close\r\nContent-Length: 2\r\n\r\n{}", 200, "{}", "42", true},
		"HTTP/1.0":                 {"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", 200, "{}", "", true},
		"interim responses first":  {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nContent-Length: 9\r\n\r\n" + next + "Content-Length: 2\r\n\r\n{}", 200, "{}", "42", false},
		"204 has no body":          {"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n{}", 204, "", "", false},
		"304 has no body":          {"HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n", 304, "", "", false},
		"failure with a body":      {"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 2\r\n\r\n{}", 500, "{}", "", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			// Once as a whole and once byte by byte: the network may cut anywhere.
			for _, r := range []io.Reader{strings.NewReader(tt.wire), iotest.OneByteReader(strings.NewReader(tt.wire))} {
				got, err := readResponse(bufio.NewReader(r))
				if err != nil {
					t.Fatal(err)
				}
				if got.status != tt.status || string(got.body) != tt.body || got.close != tt.close {
					t.Errorf("got status %d, body %q, close %t", got.status, got.body, got.close)
				}
				if id := got.header.get("Lambda-Runtime-Aws-Request-Id"); id != tt.requestID {
					t.Errorf("the request ID is %q, want %q", id, tt.requestID)
				}
			}
		})
	}
}

func TestReadResponseLeavesTheNextOne(t *testing.T) {
	t.Parallel()
	r := bufio.NewReader(strings.NewReader("HTTP/1.1 202 Accepted\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nA: b\r\n\r\n" +
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nb"))
	for _, want := range []string{"a", "b"} {
		got, err := readResponse(r)
		if err != nil || string(got.body) != want {
			t.Fatalf("got %q, %v, want %q", got.body, err, want)
		}
	}
}

func TestReadResponseTakesTheLargestEvent(t *testing.T) {
	t.Parallel()
	event := strings.Repeat("x", 6<<20)
	for name, wire := range map[string]string{
		"sized":   "Content-Length: " + strconv.Itoa(len(event)) + "\r\n\r\n" + event,
		"chunked": "Transfer-Encoding: chunked\r\n\r\n" + strings.Repeat("8000\r\n"+event[:0x8000]+"\r\n", len(event)/0x8000) + "0\r\n\r\n",
	} {
		got, err := readResponse(bufio.NewReader(strings.NewReader("HTTP/1.1 200 OK\r\n" + wire)))
		if err != nil || string(got.body) != event {
			t.Errorf("%s: got %d bytes, %v", name, len(got.body), err)
		}
	}
}

func TestReadResponseRefuses(t *testing.T) {
	t.Parallel()
	const ok = "HTTP/1.1 200 OK\r\n"
	tests := map[string]struct {
		wire string
		want error
	}{
		"nothing":                     {"", io.ErrUnexpectedEOF},
		"end in the status line":      {"HTTP/1.1 20", io.ErrUnexpectedEOF},
		"end in the header":           {ok + "A: b\r\n", io.ErrUnexpectedEOF},
		"end in a sized body":         {ok + "Content-Length: 3\r\n\r\n{}", io.ErrUnexpectedEOF},
		"end in a chunk":              {ok + "Transfer-Encoding: chunked\r\n\r\n3\r\n{}", io.ErrUnexpectedEOF},
		"end before the last chunk":   {ok + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n", io.ErrUnexpectedEOF},
		"end in the trailers":         {ok + "Transfer-Encoding: chunked\r\n\r\n0\r\nA: b\r\n", io.ErrUnexpectedEOF},
		"another protocol":            {"SSH-2.0-OpenSSH_9.9\r\n\r\n", errStatusLine},
		"bare line feed":              {"HTTP/1.1 200 OK\n\n", errLineEnd},
		"bare line feed in a chunk":   {ok + "Transfer-Encoding: chunked\r\n\r\n0\n\r\n", errLineEnd},
		"HTTP/2":                      {"HTTP/2 200 OK\r\n\r\n", errStatusLine},
		"status of four digits":       {"HTTP/1.1 2000 OK\r\n\r\n", errStatusLine},
		"status with a sign":          {"HTTP/1.1 +20 OK\r\n\r\n", errStatusLine},
		"status below 100":            {"HTTP/1.1 099 OK\r\n\r\n", errStatusLine},
		"two spaces":                  {"HTTP/1.1  200 OK\r\n\r\n", errStatusLine},
		"switch of protocols":         {"HTTP/1.1 101 Switching Protocols\r\n\r\n", errStatusLine},
		"field without a colon":       {ok + "A\r\n\r\n", errHeaderField},
		"field without a name":        {ok + ": b\r\n\r\n", errHeaderField},
		"space before the colon":      {ok + "Content-Length : 2\r\n\r\n{}", errHeaderField},
		"folded field":                {ok + "A: b\r\n c\r\n\r\n", errHeaderField},
		"NUL in a field":              {ok + "A: \x00\r\n\r\n", errHeaderField},
		"carriage return in a field":  {ok + "A: b\rc\r\n\r\n", errHeaderField},
		"endless header":              {ok + strings.Repeat("A: b\r\n", maxHeadSize), errHeadTooLarge},
		"endless line":                {ok + "A: " + strings.Repeat("b", 2*maxHeadSize), errHeadTooLarge},
		"two lengths":                 {ok + "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", errFraming},
		"list of lengths":             {ok + "Content-Length: 2, 2\r\n\r\n{}", errFraming},
		"negative length":             {ok + "Content-Length: -2\r\n\r\n{}", errFraming},
		"length with a sign":          {ok + "Content-Length: +2\r\n\r\n{}", errFraming},
		"no length":                   {ok + "Content-Length: \r\n\r\n{}", errFraming},
		"length out of range":         {ok + "Content-Length: 99999999999999999999\r\n\r\n{}", errFraming},
		"length and chunks":           {ok + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", errFraming},
		"chunks and length":           {ok + "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n", errFraming},
		"compressed":                  {ok + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", errFraming},
		"chunks where no body is":     {"HTTP/1.1 204 No Content\r\nTransfer-Encoding: \r\n\r\n", errFraming},
		"chunks in HTTP/1.0":          {"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", errFraming},
		"body over the limit":         {ok + "Content-Length: 16777217\r\n\r\n", errBodyTooLarge},
		"chunk over the limit":        {ok + "Transfer-Encoding: chunked\r\n\r\n1000001\r\n", errBodyTooLarge},
		"chunks over the limit":       {ok + "Transfer-Encoding: chunked\r\n\r\n" + strings.Repeat("800000\r\n"+strings.Repeat("x", 8<<20)+"\r\n", 3), errBodyTooLarge},
		"endless body":                {ok + "\r\n" + strings.Repeat("x", maxBodySize+1), errBodyTooLarge},
		"chunk size is no number":     {ok + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n", errChunk},
		"chunk size is missing":       {ok + "Transfer-Encoding: chunked\r\n\r\n\r\n", errChunk},
		"chunk size with a sign":      {ok + "Transfer-Encoding: chunked\r\n\r\n+2\r\n{}\r\n0\r\n\r\n", errChunk},
		"chunk size with an underbar": {ok + "Transfer-Encoding: chunked\r\n\r\n0_2\r\n{}\r\n0\r\n\r\n", errChunk},
		"chunk without its end":       {ok + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}x\r\n0\r\n\r\n", errChunk},
		"malformed trailer":           {ok + "Transfer-Encoding: chunked\r\n\r\n0\r\nA\r\n\r\n", errHeaderField},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := readResponse(bufio.NewReader(strings.NewReader(tt.wire)))
			if !errors.Is(err, tt.want) {
				t.Errorf("got status %d, body %.20q and the error %v, want %v", got.status, got.body, err, tt.want)
			}
		})
	}
}

// FuzzReadResponse compares the reader with net/http: whatever it accepts means the
// same there. It may refuse more.
func FuzzReadResponse(f *testing.F) {
	for _, seed := range []string{
		"HTTP/1.1 200 OK\r\nLambda-Runtime-Aws-Request-Id: 8476a536\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\n{}\r\n00\r\nA: b\r\n\r\n",
		"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 202 Accepted\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.0 200 OK\r\n\r\n{}",
		"HTTP/1.1 204 No Content\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n",
		"HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n",
		"HTTP/1.1 204 \r\nTrAnsfer-EnCoding:\r\n\r\n",
		"HTTP/1.1 103 \r\nTransfer-Encoding: x\r\n\r\nHTTP/1.1 204 \r\n\r\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, wire []byte) {
		got, err := readResponse(bufio.NewReader(bytes.NewReader(wire)))
		if err != nil {
			return
		}
		want, err := readWithNetHTTP(wire)
		if err != nil {
			t.Fatalf("net/http refuses it: %v", err)
		}
		if got.status != want.status {
			t.Errorf("the status is %d, for net/http %d", got.status, want.status)
		}
		if !bytes.Equal(got.body, want.body) {
			t.Errorf("the body is %q, for net/http %q", got.body, want.body)
		}
		const name = "Lambda-Runtime-Aws-Request-Id"
		if id := got.header.get(name); id != want.header.get(name) {
			t.Errorf("the request ID is %q, for net/http %q", id, want.header.get(name))
		}
	})
}

// readWithNetHTTP reads the first final response as an http.Client would.
func readWithNetHTTP(wire []byte) (response, error) {
	r := bufio.NewReader(bytes.NewReader(wire))
	for {
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			return response{}, err
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close() // a reader of bytes
		if resp.StatusCode < http.StatusOK {
			continue
		}
		if err != nil && strings.Contains(err.Error(), "too much non-data") {
			err = nil // a limit of net/http's own
		}
		const name = "Lambda-Runtime-Aws-Request-Id"
		return response{status: resp.StatusCode, header: header{{name, resp.Header.Get(name)}}, body: body}, err
	}
}
