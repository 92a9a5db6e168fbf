// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package sourceimage

import (
	"net/http"
	"net/netip"
	"strings"
)

const (
	// answerLimit bounds every answer that is not a layer. The largest that is
	// of use is a manifest: ECR takes 4 MiB (ECR API reference, PutImage).
	answerLimit = 4 << 20
	// maxRedirects is what net/http allows where nobody says otherwise.
	maxRedirects = 10
)

// guard is under go-containerregistry's transports and sees every request that
// leaves, for the registry, for its token service and after redirects. It lets
// nothing out over plain HTTP but to this machine, follows no redirect into the
// network that the provider runs in, and bounds what is read.
type guard struct {
	client *client
	base   http.RoundTripper
}

// layerKey marks the context of a request whose answer is a layer: of known
// size, and checked where it is read.
type layerKey struct{}

// RoundTrip implements http.RoundTripper.
func (g *guard) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := g.check(req); err != nil {
		return nil, err
	}
	g.client.secrets.note(req.Header.Get("Authorization"))
	resp, err := g.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if req.Context().Value(layerKey{}) == nil || resp.StatusCode != http.StatusOK {
		resp.Body = http.MaxBytesReader(nil, resp.Body, answerLimit)
	}
	return resp, nil
}

func (g *guard) check(req *http.Request) error {
	if req.URL.Scheme != "https" && !isLoopback(req.URL.Hostname()) {
		return g.client.errorf(ErrPlainHTTP, "%s is asked for over plain HTTP, which is accepted for this machine (loopback) only", req.URL.Host)
	}
	first, hops := req, 0
	for first.Response != nil && first.Response.Request != nil {
		first = first.Response.Request
		hops++
	}
	switch {
	case hops > maxRedirects:
		return g.client.errorf(ErrUnexpectedAnswer, "more than %d redirects", maxRedirects)
	case hops > 0 && req.Method == http.MethodPost:
		return g.client.errorf(ErrUnexpectedAnswer, "%s sends a login on to %s", first.URL.Host, req.URL.Host)
	case hops > 0 && isInside(req.URL.Hostname()) && req.URL.Hostname() != first.URL.Hostname() && !isLoopback(first.URL.Hostname()):
		return g.client.errorf(ErrUnexpectedAnswer, "%s redirects to the private address %s", first.URL.Host, req.URL.Host)
	}
	return nil
}

// isLoopback tells a host that can only be this machine.
func isLoopback(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

// isInside tells a host that is an address of a private network or of this
// machine, the metadata services of clouds among them. What a name resolves to
// is not asked. An address in one of the forms that only a resolver
// understands, such as 127.1, counts as one.
func isInside(host string) bool {
	if isLoopback(host) {
		return true
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		last := host[strings.LastIndex(host, ".")+1:]
		return strings.Trim(last, "0123456789") == "" || strings.HasPrefix(last, "0x")
	}
	ip = ip.Unmap()
	return ip.IsPrivate() || ip.IsLinkLocalUnicast() || ip.IsLinkLocalMulticast() || ip.IsUnspecified()
}
