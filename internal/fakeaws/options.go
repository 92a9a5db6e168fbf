// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

import "net/http"

// Option sets up a server before it starts.
type Option func(*Server)

// WithAccount changes the account that unregistered AKIA… keys belong to,
// 123456789012 otherwise.
func WithAccount(id string) Option { return func(s *Server) { s.account = id } }

// WithDefaultRegion changes the region of registry requests whose password is
// not known, ap-northeast-1 otherwise. It matters with WithEmulatorHosts only.
func WithDefaultRegion(region string) Option { return func(s *Server) { s.region = region } }

// WithEmulatorHosts makes repositoryUri and proxyEndpoint name the loopback
// port, as emulators do, instead of real ECR hosts.
func WithEmulatorHosts() Option { return func(s *Server) { s.emulatorHosts = true } }

// WithCredential registers an access key for a principal of an account.
func WithCredential(accessKey, account, principalARN string) Option {
	return func(s *Server) { s.AddCredential(accessKey, account, principalARN) }
}

// WithKnownCredentialsOnly refuses every key that was not registered: an
// unknown one is answered as AWS answers a deleted key.
func WithKnownCredentialsOnly() Option { return func(s *Server) { s.credentials.strict = true } }

// WithHost lets the proxy serve a host that is not AWS's, such as the source
// registry of a copy, with a handler of the test.
func WithHost(host string, handler http.Handler) Option {
	return func(s *Server) { s.extraHosts[host] = handler }
}

// WithBehaviour chooses among what is known of AWS but not known for sure.
func WithBehaviour(b Behaviour) Option { return func(s *Server) { s.SetBehaviour(b) } }

// WithCreateLag is SetCreateLag from the start.
func WithCreateLag(n int) Option { return func(s *Server) { s.createLag = n } }

// WithBlobLimit makes the registry check and count blobs over so many bytes but
// keep no content of them, so that a test can push gigabytes. Such a blob
// cannot be downloaded.
func WithBlobLimit(bytes int64) Option { return func(s *Server) { s.blobLimit = bytes } }
