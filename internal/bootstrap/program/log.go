// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"io"
	"strconv"
	"time"
)

// logger writes one JSON object per line, with the keys that Lambda's JSON log
// format has (source: Lambda Developer Guide, "Log and monitor custom runtimes").
// Nothing of an event gets into the log.
type logger struct {
	out io.Writer
	now func() time.Time
}

// answered tells that an event gets an HTTP answer.
func (l logger) answered(requestID string, k kind, statusCode int) {
	l.write("WARN", "the placeholder image answered an HTTP request",
		field{"requestId", requestID}, field{"event", k.name}, field{"outcome", "http-" + strconv.Itoa(statusCode)})
}

// failed tells that an event gets a function error.
func (l logger) failed(requestID string, k kind) {
	l.write("ERROR", "the placeholder image failed an event: deploy the application's image",
		field{"requestId", requestID}, field{"event", k.name}, field{"outcome", "function-error"})
}

func (l logger) warn(message string) {
	l.write("WARN", message)
}

// fatal tells why the program ends.
func (l logger) fatal(message string) {
	l.write("FATAL", message)
}

// write writes a line. It ignores failures: there is nowhere else to report them.
func (l logger) write(level, message string, fields ...field) {
	b := appendString([]byte(`{"timestamp":`), l.now().UTC().Format("2006-01-02T15:04:05.000Z"))
	b = appendString(append(b, `,"level":`...), level)
	for _, f := range fields {
		b = appendString(append(b, ','), f.name)
		b = appendString(append(b, ':'), f.value)
	}
	b = appendString(append(b, `,"message":`...), message)
	_, _ = l.out.Write(append(b, "}\n"...))
}
