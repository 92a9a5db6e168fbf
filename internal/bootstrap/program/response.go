// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bufio"
	"errors"
	"io"
	"strconv"
	"strings"
)

// The limits of what readResponse takes. An event has at most 6 MB (source: Lambda
// Developer Guide, "Lambda quotas"); its headers carry little more than a client
// context of 3.5 kB.
const (
	maxHeadSize = 64 << 10
	maxBodySize = 16 << 20
)

// protocolError says in which way a response is not one of HTTP/1.1.
type protocolError string

func (e protocolError) Error() string { return string(e) }

const (
	errLineEnd      = protocolError("a line of the HTTP response does not end with CR and LF")
	errHeadTooLarge = protocolError("the head of the HTTP response is too large")
	errBodyTooLarge = protocolError("the body of the HTTP response is too large")
	errStatusLine   = protocolError("the status line of the HTTP response is malformed")
	errHeaderField  = protocolError("a header field of the HTTP response is malformed")
	errFraming      = protocolError("the HTTP response does not tell clearly where it ends")
	errChunk        = protocolError("a chunk of the HTTP response is malformed")
)

// response is an HTTP response with its whole body.
type response struct {
	status int
	header header
	body   []byte
	close  bool // no other response follows on the connection
}

// header holds the fields of a response, or of an answer, in order.
type header []field

// field is a name with its value.
type field struct{ name, value string }

// is reports whether the field is called name; case does not matter.
func (f field) is(name string) bool {
	return strings.EqualFold(f.name, name)
}

// get returns the value of the first field called name, "" if there is none.
func (h header) get(name string) string {
	for _, f := range h {
		if f.is(name) {
			return f.value
		}
	}
	return ""
}

// readResponse reads the next final response, as RFC 9112 defines it. Where the
// standard lets a client guess, it returns an error: this client talks to one
// server, and to answer the wrong event would be worse than to stop.
func readResponse(r *bufio.Reader) (response, error) {
	for {
		resp, version, err := readHead(r)
		if err != nil {
			return response{}, err
		}
		if resp.status == 101 {
			return response{}, errStatusLine // nobody asked for another protocol
		}
		length, framing, err := resp.header.framing()
		if err != nil {
			return response{}, err // also where no body follows
		}
		if resp.status < 200 {
			continue // an interim response, such as 100 Continue
		}
		old := version == "HTTP/1.0"
		if old && resp.header.get("Transfer-Encoding") != "" {
			return response{}, errFraming // RFC 9112, 6.1: that version knows no chunks
		}
		resp.close = old || resp.header.wantsClose()
		if resp.status == 204 || resp.status == 304 {
			return resp, nil
		}
		if err := resp.readBody(r, length, framing); err != nil {
			return response{}, err
		}
		return resp, nil
	}
}

// readHead reads a status line and the header fields. It returns the HTTP version
// with them.
func readHead(r *bufio.Reader) (response, string, error) {
	left := maxHeadSize
	line, err := readLine(r, &left)
	if err != nil {
		return response{}, "", err
	}
	version, rest, _ := strings.Cut(line, " ")
	code, _, _ := strings.Cut(rest, " ")
	if version != "HTTP/1.1" && version != "HTTP/1.0" {
		return response{}, "", errStatusLine
	}
	status, err := strconv.ParseUint(code, 10, 16)
	if err != nil || len(code) != 3 || status < 100 {
		return response{}, "", errStatusLine
	}
	h, err := readHeader(r, &left)
	return response{status: int(status), header: h}, version, err
}

// readHeader reads header or trailer fields and the empty line after them.
func readHeader(r *bufio.Reader, left *int) (header, error) {
	var h header
	for {
		line, err := readLine(r, left)
		if err != nil {
			return nil, err
		}
		if line == "" {
			return h, nil
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok || !isToken(name) {
			return nil, errHeaderField
		}
		value = strings.Trim(value, " \t")
		if strings.ContainsFunc(value, isControl) {
			return nil, errHeaderField
		}
		h = append(h, field{name, value})
	}
}

// readLine reads a line and returns it without its end. It takes what it reads off
// left and fails when nothing is left.
func readLine(r *bufio.Reader, left *int) (string, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		if *left -= len(part); *left < 0 {
			return "", errHeadTooLarge
		}
		line = append(line, part...)
		switch {
		case err == nil:
			text, ok := strings.CutSuffix(string(line), "\r\n")
			if !ok {
				return "", errLineEnd
			}
			return text, nil
		case errors.Is(err, io.EOF):
			return "", io.ErrUnexpectedEOF
		case !errors.Is(err, bufio.ErrBufferFull):
			return "", err
		}
	}
}

// readBody reads the body in the framing that the header announces.
func (resp *response) readBody(r *bufio.Reader, length uint64, framing int) (err error) {
	switch framing {
	case chunked:
		resp.body, err = readChunks(r)
	case sized:
		resp.body, err = readN(r, length)
	default:
		resp.close = true
		resp.body, err = io.ReadAll(io.LimitReader(r, maxBodySize+1))
		if err == nil && len(resp.body) > maxBodySize {
			err = errBodyTooLarge
		}
	}
	return err
}

// The ways to tell where a body ends.
const (
	untilClose = iota
	sized
	chunked
)

// framing returns how the body is framed, and its length if it is sized.
func (h header) framing() (length uint64, framing int, err error) {
	framing = untilClose
	for _, f := range h {
		switch {
		case f.is("Transfer-Encoding"):
			if framing != untilClose || !strings.EqualFold(f.value, "chunked") {
				return 0, 0, errFraming
			}
			framing = chunked
		case f.is("Content-Length"):
			if framing != untilClose || !isDigits(f.value) {
				return 0, 0, errFraming
			}
			framing = sized
			if length, err = strconv.ParseUint(f.value, 10, 63); err != nil {
				return 0, 0, errFraming
			}
		}
	}
	return length, framing, nil
}

// readChunks reads a chunked body to its end, trailer fields included.
func readChunks(r *bufio.Reader) ([]byte, error) {
	var body []byte
	for {
		left := maxHeadSize
		line, err := readLine(r, &left)
		if err != nil {
			return nil, err
		}
		digits, _, _ := strings.Cut(line, ";") // extensions mean nothing to us
		size, err := strconv.ParseUint(strings.TrimRight(digits, " \t"), 16, 63)
		if err != nil {
			return nil, errChunk
		}
		if size == 0 {
			left = maxHeadSize
			_, err := readHeader(r, &left)
			return body, err
		}
		chunk, err := readN(r, size)
		if err != nil {
			return nil, err
		}
		if body = append(body, chunk...); len(body) > maxBodySize {
			return nil, errBodyTooLarge
		}
		var end [2]byte
		if _, err := io.ReadFull(r, end[:]); err != nil {
			return nil, err
		}
		if string(end[:]) != "\r\n" {
			return nil, errChunk
		}
	}
}

// readN reads the next n bytes. Memory is taken as they arrive, not as they are
// announced.
func readN(r *bufio.Reader, n uint64) ([]byte, error) {
	if n > maxBodySize {
		return nil, errBodyTooLarge
	}
	b, err := io.ReadAll(io.LimitReader(r, int64(n)))
	if err == nil && uint64(len(b)) < n {
		err = io.ErrUnexpectedEOF
	}
	return b, err
}

// wantsClose reports whether the server closes the connection after the response.
func (h header) wantsClose() bool {
	for _, f := range h {
		if !f.is("Connection") {
			continue
		}
		for option := range strings.SplitSeq(f.value, ",") {
			if strings.EqualFold(strings.Trim(option, " \t"), "close") {
				return true
			}
		}
	}
	return false
}

func isDigits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}

// isToken reports whether s can be the name of a header field (RFC 9110, 5.6.2).
func isToken(s string) bool {
	for _, c := range []byte(s) {
		letter := 'a' <= c|0x20 && c|0x20 <= 'z'
		digit := '0' <= c && c <= '9'
		if !letter && !digit && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return s != ""
}

func isControl(r rune) bool {
	return r < ' ' && r != '\t' || r == 0x7f
}
