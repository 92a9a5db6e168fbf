// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"net"
	"net/http"
	"sync"
	"time"
)

// authority is the server's own CA. It mints a certificate for each host that
// a client asks the proxy for.
type authority struct {
	certificate *x509.Certificate
	pem         []byte
	key         *ecdsa.PrivateKey

	mu     sync.Mutex
	leaves map[string]*tls.Certificate
	serial int64
}

func newAuthority() (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "fakeaws test CA"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(1, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	return &authority{
		certificate: certificate, key: key, leaves: map[string]*tls.Certificate{}, serial: 1,
		pem: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
	}, nil
}

// leaf returns the certificate of a host, minted at the first call.
func (a *authority) leaf(host string) (*tls.Certificate, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if cert, ok := a.leaves[host]; ok {
		return cert, nil
	}
	a.serial++
	template := &x509.Certificate{
		SerialNumber: big.NewInt(a.serial), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host},
		NotBefore: a.certificate.NotBefore, NotAfter: a.certificate.NotAfter,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.certificate, &a.key.PublicKey, a.key)
	if err != nil {
		return nil, err
	}
	cert := &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: a.key}
	a.leaves[host] = cert
	return cert, nil
}

// CABundlePEM is the certificate that clients must trust to reach AWS host
// names through the proxy: the content of a custom_ca_bundle file.
func (s *Server) CABundlePEM() []byte { return append([]byte(nil), s.ca.pem...) }

// connect answers CONNECT: a TLS connection with a minted certificate for
// hosts that are AWS's or were added by WithHost, 403 for all others.
func (s *Server) connect(w http.ResponseWriter, r *http.Request) {
	host := hostOnly(r.Host)
	_, known := cutAWSHost(host)
	if _, extra := s.extraHosts[host]; extra {
		known = true
	}
	s.recorder.dial(Dial{Time: time.Now(), Host: r.Host, Refused: !known})
	if !known {
		http.Error(w, "fakeaws: no way to "+r.Host, http.StatusForbidden)
		return
	}
	cert, err := s.ca.leaf(host)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if _, err := io.WriteString(conn, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		_ = conn.Close()
		return
	}
	secure := tls.Server(readAhead{conn, buffered.Reader}, &tls.Config{
		Certificates: []tls.Certificate{*cert}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"},
	})
	if !s.incoming.hand(secure) {
		_ = conn.Close()
	}
}

// readAhead is a connection of which net/http may have read some already.
type readAhead struct {
	net.Conn
	reader *bufio.Reader
}

func (c readAhead) Read(p []byte) (int, error) { return c.reader.Read(p) }

// tunnelListener feeds the connections inside CONNECT tunnels to an http.Server.
type tunnelListener struct {
	address net.Addr
	conns   chan net.Conn
	done    chan struct{}
	once    sync.Once
}

func newTunnelListener(address net.Addr) *tunnelListener {
	return &tunnelListener{address: address, conns: make(chan net.Conn), done: make(chan struct{})}
}

func (l *tunnelListener) hand(conn net.Conn) bool {
	select {
	case l.conns <- conn:
		return true
	case <-l.done:
		return false
	}
}

// Accept waits for the next tunnel.
func (l *tunnelListener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.done:
		return nil, errors.Join(net.ErrClosed, http.ErrServerClosed)
	}
}

// Close ends Accept.
func (l *tunnelListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

// Addr is the address of the listener that the tunnels came through.
func (l *tunnelListener) Addr() net.Addr { return l.address }
