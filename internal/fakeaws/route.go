// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxAPIBody bounds what an API call may send; a .zip function is the largest.
const maxAPIBody = 100 << 20

func hostOnly(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		return h
	}
	return host
}

// reachable tells whether the request's host is one that may be served on this
// connection: the loopback port itself over plain HTTP, AWS over TLS only.
func (s *Server) reachable(r *http.Request) bool {
	host := hostOnly(r.Host)
	if _, ok := s.extraHosts[host]; ok {
		return true
	}
	if r.TLS != nil {
		_, ok := cutAWSHost(host)
		return ok
	}
	if ip := net.ParseIP(host); ip != nil {
		return ip.IsLoopback()
	}
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// classify tells service, operation, region and caller of the request, before
// anything is checked. It reads the body of API calls, never that of /v2/.
func (x *exchange) classify() {
	r := x.r
	x.host, _ = parseAWSHost(r.Host)
	sig, signed, _ := parseSignature(r)
	x.record = Request{
		Time: time.Now(), RequestID: newRequestID(),
		Host: r.Host, Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery,
		AccessKey: sig.AccessKey, HasAuthorization: r.Header.Get("Authorization") != "",
		UserAgent: r.UserAgent(), ContentType: r.Header.Get("Content-Type"), Accept: r.Header.Get("Accept"),
		Region: x.host.Region,
	}
	if x.record.Region == "" {
		x.record.Region = sig.Region
	}
	switch {
	case x.host.Service == serviceLayers, x.host.Service == "" && strings.HasPrefix(r.URL.Path, layersPath):
		x.record.Service, x.record.Operation = serviceLayers, "GetObject"
	case x.host.Service == serviceRegistry, x.host.Service == "" && !signed && isRegistryPath(r.URL.Path):
		x.classifyRegistry()
	default:
		x.classifyAPI(sig)
	}
}

func (x *exchange) classifyAPI(sig signature) {
	body, _ := io.ReadAll(io.LimitReader(x.r.Body, maxAPIBody))
	x.r.Body = &bufferedBody{Reader: bytes.NewReader(body), Closer: x.body}
	var form url.Values
	if strings.HasPrefix(x.record.ContentType, "application/x-www-form-urlencoded") {
		form, _ = url.ParseQuery(string(body))
	}
	x.svc = x.srv.findService(x, sig, form)
	if x.svc == nil {
		x.record.Service = sig.Service
		return
	}
	x.record.Service = x.svc.name
	if x.record.Region == "" { // anonymous calls to the emulator
		x.record.Region = x.srv.region
	}
	if who, ok := x.srv.lookup(sig.AccessKey, x.record.Region); ok {
		x.record.Account = who.Account
	}
	if x.svc.name == serviceECR {
		x.record.Repository = repositoryInBody(body)
	}
	switch x.svc.protocol {
	case protocolJSON11:
		_, x.record.Operation, _ = strings.Cut(x.r.Header.Get("X-Amz-Target"), ".")
	case protocolQuery:
		x.record.Operation = form.Get("Action")
	default:
		x.record.Operation = x.svc.identify(x.r)
	}
	x.call = &call{
		srv: x.srv, Request: x.r, Body: body, Form: form, Operation: x.record.Operation, record: &x.record,
		RequestID: x.record.RequestID, Region: x.record.Region, Host: x.r.Host, Bucket: x.host.Bucket,
	}
}

// repositoryInBody finds what repository an ECR call is about.
func repositoryInBody(body []byte) string {
	var in repositoryInput
	if json.Unmarshal(body, &in) != nil {
		return ""
	}
	return in.RepositoryName
}

// bufferedBody is a body that was read already; what it was read from stays
// the one that is closed.
type bufferedBody struct {
	io.Reader
	io.Closer
}

// findService goes by the host, and where that is the emulator's, by what the
// request says: its target, its form's version, its signature.
func (s *Server) findService(x *exchange, sig signature, form url.Values) *service {
	if x.host.Service != "" {
		return s.services[x.host.Service]
	}
	target, _, _ := strings.Cut(x.r.Header.Get("X-Amz-Target"), ".")
	version := form.Get("Version")
	for _, svc := range s.services {
		if target != "" && svc.target == target || version != "" && svc.version == version {
			return svc
		}
	}
	return s.services[sig.Service]
}

// unknownOperation tells that an API has no such operation here. AWS says the
// same of operations that it does not have.
func (p protocol) unknownOperation(service, operation string) *apiError {
	code := "UnknownOperationException"
	if p == protocolQuery {
		code = "InvalidAction"
	}
	status := http.StatusBadRequest
	if p == protocolRESTJSON || p == protocolRESTXML {
		status = http.StatusNotFound
	}
	return statusError(status, code, "fakeaws does not know the operation %q of %s", operation, service)
}
