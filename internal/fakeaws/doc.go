// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

// Package fakeaws is the AWS that the tests and the demo talk to: ECR with its
// registry, Lambda, SSM, STS, S3 and IAM on one loopback port, as strict as
// the real services are known to be. It is never part of the provider.
//
// # Three ways in
//
// One listener on 127.0.0.1 serves
//
//  1. the AWS APIs, as the URL of an `endpoints` block or AWS_ENDPOINT_URL;
//  2. the registry below /v2/, whose repositoryUri is 127.0.0.1:PORT/name when
//     the server was started [WithEmulatorHosts];
//  3. an HTTP proxy: CONNECT to any AWS host is answered with a certificate
//     minted by the server's own CA, so that an unmodified client with
//     https_proxy and custom_ca_bundle sees the real host names. A CONNECT to
//     any other host is refused and recorded: that proves that nothing beyond
//     AWS is asked.
//
// # The way of a request
//
//	server.go     ServeHTTP: record, classify, fault, rate limit, handle
//	route.go      which service and operation a request is for
//	hosts.go      AWS host names <-> service, account, region, partition
//	proxy.go      CONNECT and the minted certificates
//	sigv4.go      is it signed, for this service and region, by a known key
//	credentials.go, iampolicy.go   who asks, and may they
//	record.go, forbid.go           what was asked, and what never may be
//	fault.go, ratelimit.go, clock.go   what goes wrong, and when
//	errors.go     AWS errors in the four wire forms
//	service.go    what a service is made of
//	client.go     ready-made clients for tests: SDK config, registry options
//
// # How to add an operation
//
// A service is a value of the unexported type service, made once per server in
// newServices (services.go): its SigV4 name, its wire protocol, and a map from
// operation name to operation. An operation has a handler and, if its IAM
// action is not simply `name:Operation` on `*`, a list of permissions.
//
//	"GetParameter": {
//		handle: jsonHandler(func(c *call, in *getParameterInput) (*getParameterOutput, error) { … }),
//		needs:  func(c *call) []permission { … },
//	},
//
// REST services (Lambda, S3) also set identify, which names the operation of a
// method and path ("" if there is none); their handlers return a *reply when
// the status is not 200 or headers matter, and decode the body themselves
// (c.decodeJSON, or encoding/xml on c.Body).
// Query services (STS, IAM) use queryHandler: form values in, a value for
// encoding/xml out; the envelope is written around it.
// State is kept per account and region (regionKey); c.Account and c.Region are
// those of the caller. Handlers return *apiError for everything
// that AWS would refuse; any other error becomes a 500.
// Other services' state is reached through the server, as c.srv.ecr is.
package fakeaws
