// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// DefaultAccount and DefaultRegion are those of a server without options.
const (
	DefaultAccount = "123456789012"
	DefaultRegion  = "ap-northeast-1"
)

// Server is a running stand-in for AWS. All its methods may be called at any
// time from any goroutine until Close.
type Server struct {
	account, region string
	emulatorHosts   bool
	extraHosts      map[string]http.Handler

	behaviourMu sync.Mutex
	behaviour   Behaviour

	clock       clock
	credentials keyring
	policies    policies
	recorder    recorder
	forbidden   forbidden
	faults      faults
	limits      limits
	createLag   int
	blobLimit   int64
	latency     atomic.Int64 // nanoseconds
	roles       roleRules
	webIdentity webIdentityRules

	services map[string]*service // by SigV4 name
	ecr      *ecrService
	iam      *iamService
	lambda   *lambdaService
	s3       *s3Service
	sqs      *sqsService
	ssm      *ssmService

	address  string // host:port
	plain    *http.Server
	tunnels  *http.Server
	incoming *tunnelListener
	ca       *authority
	closing  chan struct{}
	closed   sync.Once
	serving  sync.WaitGroup
}

// Start listens on a free loopback port and serves until Close. An error means
// that the port or the CA could not be had.
func Start(opts ...Option) (*Server, error) {
	s := &Server{
		account: DefaultAccount, region: DefaultRegion,
		extraHosts:  map[string]http.Handler{},
		credentials: keyring{known: map[string]principal{}},
		policies:    policies{of: map[string]policyDocument{}},
		forbidden:   forbidden{operations: map[string]bool{}, userAgent: "lambdaseed"},
		limits:      limits{rates: map[string]rate{}, buckets: map[limitKey]*bucket{}},
		services:    map[string]*service{},
		closing:     make(chan struct{}),
	}
	s.Forbid(neverByLambdaseed...)
	for _, opt := range opts {
		opt(s)
	}
	ca, err := newAuthority()
	if err != nil {
		return nil, fmt.Errorf("fakeaws: making a CA: %w", err)
	}
	s.ca = ca
	var listen net.ListenConfig
	listener, err := listen.Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("fakeaws: listening on loopback: %w", err)
	}
	s.address = listener.Addr().String()
	for _, svc := range newServices(s) {
		s.services[svc.name] = svc
	}
	s.incoming = newTunnelListener(listener.Addr())
	// TLS handshakes of clients that do not trust the CA are no news here.
	quiet := log.New(io.Discard, "", 0)
	s.plain = &http.Server{Handler: s, ErrorLog: quiet, ReadHeaderTimeout: time.Minute}
	s.tunnels = &http.Server{Handler: s, ErrorLog: quiet, ReadHeaderTimeout: time.Minute}
	s.serving.Go(func() { s.serveUntilClosed(s.plain, listener) })
	s.serving.Go(func() { s.serveUntilClosed(s.tunnels, s.incoming) })
	return s, nil
}

func (s *Server) serveUntilClosed(server *http.Server, listener net.Listener) {
	if err := server.Serve(listener); err != nil && !errors.Is(err, http.ErrServerClosed) {
		log.Printf("fakeaws: serving stopped: %v", err)
	}
}

// Close ends the server and its connections, hanging ones too.
func (s *Server) Close() {
	s.closed.Do(func() {
		close(s.closing)
		_ = s.plain.Close()
		_ = s.tunnels.Close()
		_ = s.incoming.Close()
		s.serving.Wait()
	})
}

// URL is the server's address, http://127.0.0.1:PORT: an AWS endpoint, an
// emulator's registry, and a proxy.
func (s *Server) URL() string { return "http://" + s.address }

// Address is the server's host:port.
func (s *Server) Address() string { return s.address }

// SetLatency makes every request wait for d before it is looked at, as a
// distant region would.
func (s *Server) SetLatency(d time.Duration) { s.latency.Store(int64(d)) }

// exchange is one request on its way through the server.
type exchange struct {
	srv    *Server
	w      *countingWriter
	r      *http.Request
	body   *countingBody
	record Request
	epoch  int
	host   awsHost  // zero on the emulator's host
	svc    *service // nil for registry and layers
	call   *call    // nil for registry and layers
	route  registryRoute
	token  registryToken
}

// ServeHTTP handles whatever arrives: proxy requests, API calls, /v2/.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method == http.MethodConnect:
		s.connect(w, r)
		return
	case !s.reachable(r):
		s.recorder.dial(Dial{Time: time.Now(), Host: r.Host, Refused: true})
		http.Error(w, "fakeaws: no way to "+r.Host+": only AWS hosts, and those over TLS", http.StatusForbidden)
		return
	}
	if handler, ok := s.extraHosts[hostOnly(r.Host)]; ok {
		handler.ServeHTTP(w, r)
		return
	}
	x := &exchange{srv: s, w: &countingWriter{ResponseWriter: w}, r: r, body: &countingBody{ReadCloser: r.Body}}
	r.Body = x.body
	x.classify()
	x.epoch = s.recorder.begin(&x.record)
	defer func() {
		x.record.Done, x.record.Status = time.Now(), x.w.status
		x.record.BytesIn, x.record.BytesOut = x.body.count(), x.w.bytes
		s.recorder.finish(x.epoch, x.record)
	}()
	x.serve()
}

// serve lets the request wait, fail or be handled, in this order.
func (x *exchange) serve() {
	s := x.srv
	if d := time.Duration(s.latency.Load()); d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-x.r.Context().Done():
			x.drop()
		case <-s.closing:
			x.drop()
		}
	}
	if s.forbidden.violates(x.record) {
		_, _ = io.Copy(io.Discard, x.r.Body)
		s.forbidden.refuse(x.w, x.record)
		return
	}
	if f := s.faults.match(x.record); f != nil {
		s.strike(f, x, x.handle)
		return
	}
	x.handle(x.w)
}

// handle does what the real service would.
func (x *exchange) handle(w http.ResponseWriter) {
	if !x.srv.limits.take(x.srv.clock.now(), x.record.Service, x.record.Operation, x.record.Account, x.record.Region) {
		x.writeThrottle(w)
		return
	}
	switch x.record.Service {
	case serviceRegistry:
		x.serveRegistry(w)
	case serviceLayers:
		x.serveLayer(w)
	default:
		x.serveAPI(w)
	}
}

// serveAPI authenticates, authorises and performs a call of a signed service.
func (x *exchange) serveAPI(w http.ResponseWriter) {
	if x.svc == nil {
		x.record.ErrorCode = "UnknownService"
		http.Error(w, fmt.Sprintf("fakeaws: %s %s%s is no AWS service known here", x.r.Method, x.r.Host, x.r.URL.Path), http.StatusNotFound)
		return
	}
	c, svc := x.call, x.svc
	op, known := svc.operations[c.Operation]
	if !known || !op.anonymous {
		sig, refusal := svc.protocol.checkSignature(x.r, svc.name, x.host.Region)
		if refusal == nil {
			c.Principal, refusal = x.srv.authenticate(svc.protocol, sig, x.sessionToken())
		}
		if refusal != nil {
			svc.fail(w, c, refusal)
			return
		}
		c.Account = c.Principal.Account
		x.record.Account = c.Account
	}
	if !known {
		svc.fail(w, c, svc.protocol.unknownOperation(svc.name, c.Operation))
		return
	}
	if refusal := x.denied(op); refusal != nil {
		svc.fail(w, c, refusal)
		return
	}
	svc.perform(w, c)
}

// denied asks IAM for everything that the operation needs.
func (x *exchange) denied(op operation) *apiError {
	c := x.call
	if op.anonymous {
		return nil
	}
	needs := []permission{{x.svc.name + ":" + c.Operation, "*"}}
	if op.needs != nil {
		needs = op.needs(c)
	}
	for _, need := range needs {
		account, policy := x.srv.resourcePolicy(need.Resource)
		if text, ok := x.srv.authorize(c.Principal, need, account, policy); !ok {
			return x.svc.protocol.accessDenied(text)
		}
	}
	return nil
}

// resourcePolicy finds the account of a resource, and its policy if it has
// one. Only ECR repositories do here; other resources count as the caller's.
func (s *Server) resourcePolicy(resource string) (account, policy string) {
	return s.ecr.policyOfARN(resource)
}

func (x *exchange) sessionToken() string {
	if token := x.r.URL.Query().Get("X-Amz-Security-Token"); token != "" {
		return token
	}
	return x.r.Header.Get("X-Amz-Security-Token")
}

// fail answers 500 or 503 in the service's words.
func (x *exchange) fail(status int) {
	switch {
	case x.record.Service == serviceRegistry:
		x.registryError(x.w, status, "UNKNOWN", "%s", http.StatusText(status))
	case x.svc != nil:
		x.svc.fail(x.w, x.call, x.svc.protocol.failed(status))
	default:
		http.Error(x.w, http.StatusText(status), status)
	}
}

func (x *exchange) throttle() { x.writeThrottle(x.w) }

func (x *exchange) writeThrottle(w http.ResponseWriter) {
	switch {
	case x.record.Service == serviceRegistry:
		// Seen in google/go-containerregistry#750 and containerd/containerd#10447.
		x.registryError(w, http.StatusTooManyRequests, "TOOMANYREQUESTS", "Rate exceeded")
	case x.svc != nil:
		x.svc.fail(w, x.call, x.svc.protocol.throttled())
	default:
		http.Error(w, "Please reduce your request rate.", http.StatusServiceUnavailable)
	}
}

// deny answers as if IAM forbade the request.
func (x *exchange) deny() {
	need := permission{x.record.Service + ":" + x.record.Operation, "*"}
	who := principal{ARN: arn(x.record.Region, "iam", "", x.srv.account, "user/fakeaws")}
	if p, ok := x.srv.lookup(x.record.AccessKey, x.record.Region); ok {
		who = p
	}
	if x.record.Service == serviceRegistry {
		need = permission{"ecr:" + x.record.Operation, x.srv.ecr.arn(x.record.Account, x.record.Region, x.record.Repository)}
	} else if x.svc != nil {
		if needs := x.svc.operations[x.call.Operation].needs; needs != nil {
			x.call.Principal, x.call.Account = who, who.Account
			if list := needs(x.call); len(list) > 0 {
				need = list[0]
			}
		}
	}
	text := fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %s because no identity-based policy allows the %s action",
		who.ARN, need.Action, need.Resource, need.Action)
	switch {
	case x.record.Service == serviceRegistry:
		x.registryError(x.w, http.StatusForbidden, "DENIED", "%s", text)
	case x.svc != nil:
		x.svc.fail(x.w, x.call, x.svc.protocol.accessDenied(text))
	default:
		http.Error(x.w, "Access Denied", http.StatusForbidden)
	}
}

// drop closes the connection without (further) answer.
func (x *exchange) drop() { panic(http.ErrAbortHandler) }
