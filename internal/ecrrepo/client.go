// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package ecrrepo

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
)

// Configuration is where AWS configuration comes from: the provider block.
type Configuration interface {
	// Config returns the configuration for a region, "" meaning the
	// provider's own.
	Config(ctx context.Context, region string) (aws.Config, error)
	// Endpoint returns the explicit endpoint of a service, or "".
	Endpoint(service string) string
	// AccountID returns the account of the credentials.
	AccountID(ctx context.Context) (string, error)
}

// Client opens repositories. It makes one ECR client for a region and asks
// for one token for a registry, however many repositories there are. It is
// safe for concurrent use.
type Client struct {
	configuration Configuration
	settleTime    time.Duration
	maxBackoff    time.Duration
	userAgent     string

	mu      sync.Mutex
	regions map[string]*regionClient
}

// Option changes a client.
type Option func(*Client)

// WithTiming changes how long a repository that ECR does not know is waited
// for, and the longest wait between two tries of a call to the registry. Tests
// that play faults have no time for the usual ones.
func WithTiming(settleTime, maxBackoff time.Duration) Option {
	return func(c *Client) { c.settleTime, c.maxBackoff = settleTime, maxBackoff }
}

// WithUserAgent changes what the client calls itself in requests to the
// registry; those to the API go by the configuration.
func WithUserAgent(userAgent string) Option {
	return func(c *Client) { c.userAgent = userAgent }
}

// NewClient returns a client. It makes no request and needs no credentials
// before a repository is used.
func NewClient(configuration Configuration, opts ...Option) *Client {
	c := &Client{configuration: configuration, settleTime: settleTime, maxBackoff: maxBackoff, regions: map[string]*regionClient{}}
	for _, opt := range opts {
		opt(c)
	}
	return c
}

// regionClient is what the repositories of one region share.
type regionClient struct {
	api    *api
	region string
	http   *http.Transport
	// loopback is for an emulator on this machine, without TLS.
	loopback *http.Transport
	policy   *policy
	// puts paces PutImage, the one call that a large apply is throttled at.
	puts *pacer

	mu     sync.Mutex
	tokens map[string]*tokenSource

	// hosts are those of registries by account ID. hostsBusy is a mutex that
	// can be waited for with a context.
	hosts     map[string]string
	hostsBusy chan struct{}
}

// region returns the client of a region, "" meaning the provider's.
func (c *Client) region(ctx context.Context, region string) (*regionClient, error) {
	c.mu.Lock()
	known, ok := c.regions[region]
	c.mu.Unlock()
	if ok {
		return known, nil
	}

	// Outside the lock: loading the configuration may ask the network. Of two
	// that arrive together the first to finish is kept by both.
	cfg, err := c.configuration.Config(ctx, region)
	if err != nil {
		return nil, err
	}
	transport := sharedTransport(cfg)
	api := newAPI(ecr.NewFromConfig(cfg, func(o *ecr.Options) {
		o.HTTPClient = newAPIClient(transport)
		if endpoint := c.configuration.Endpoint("ecr"); endpoint != "" {
			o.BaseEndpoint = &endpoint
		}
	}))
	policy := newPolicy(api.maxAttempts, c.settleTime, c.maxBackoff)
	made := &regionClient{
		api:      api,
		region:   cfg.Region,
		http:     transport,
		loopback: loopbackTransport(transport),
		policy:   policy,
		puts:     newPacer(c.maxBackoff, policy),
		tokens:   map[string]*tokenSource{},

		hosts:     map[string]string{},
		hostsBusy: make(chan struct{}, 1),
	}

	c.mu.Lock()
	defer c.mu.Unlock()
	if known, ok := c.regions[region]; ok {
		return known, nil
	}
	c.regions[region] = made
	return made, nil
}

// sharedTransport takes the proxy, the certificates and the time limits of the
// provider's HTTP client over to the connections with ECR's API and registry.
func sharedTransport(cfg aws.Config) *http.Transport {
	var transport *http.Transport
	switch client := cfg.HTTPClient.(type) {
	case interface{ GetTransport() *http.Transport }:
		transport = client.GetTransport()
	case *http.Client:
		transport, _ = client.Transport.(*http.Transport)
	}
	if transport == nil {
		transport, _ = http.DefaultTransport.(*http.Transport)
	}
	transport = transport.Clone()
	// All seeds of a region go to two hosts: as many connections are kept as
	// Terraform is likely to run operations at once.
	transport.MaxIdleConnsPerHost = 100
	transport.MaxResponseHeaderBytes = headerLimit
	return transport
}

// loopbackTransport is a transport that reaches nothing but this machine, and
// no proxy: without TLS, a password must not leave it, whatever a name such as
// registry.localhost resolves to.
func loopbackTransport(like *http.Transport) *http.Transport {
	dialer := &net.Dialer{Control: func(_, address string, _ syscall.RawConn) error {
		if !isLoopback(address) {
			return fmt.Errorf("%w: plain HTTP is for this machine (loopback) only, and %s is not", ErrRegistryHost, address)
		}
		return nil
	}}
	transport := like.Clone()
	transport.Proxy, transport.DialContext = nil, dialer.DialContext
	return transport
}

// tokenSource returns the source of the tokens for the caller's own registry
// (registryID "") or another account's.
func (c *regionClient) tokenSource(registryID string) *tokenSource {
	c.mu.Lock()
	defer c.mu.Unlock()
	source, ok := c.tokens[registryID]
	if !ok {
		var ids []string
		if registryID != "" {
			ids = []string{registryID}
		}
		source = newTokenSource(c.api, ids, c.policy.now)
		c.tokens[registryID] = source
	}
	return source
}

// Open returns the repository behind a URL. It makes no request to ECR.
func (c *Client) Open(ctx context.Context, u RepositoryURL) (*Repository, error) {
	region, err := c.region(ctx, u.Region)
	if err != nil {
		return nil, err
	}
	return &Repository{URL: u, client: c, region: region}, nil
}
