// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

import (
	"crypto/rand"
	"encoding/hex"
	"strings"
	"sync"
	"time"
)

// principal is who stands behind an access key.
type principal struct {
	AccessKey string
	Account   string
	ARN       string // user, or assumed-role session
	UserID    string
	RoleARN   string    // of an assumed role
	Session   string    // the session token that must come along; "" for users
	Expires   time.Time // zero: never
}

// keyring knows the access keys that the server accepts.
type keyring struct {
	mu     sync.Mutex
	strict bool // refuse AKIA… keys that nobody registered
	known  map[string]principal
}

// PipelineAccessKey is the key that [Server.AWSConfig] and
// [Server.RemoteOptions] sign with, so that records can tell a test's own
// requests from those of the code under test.
const PipelineAccessKey = "AKIAPIPELINEPIPELINE"

// lookup finds the principal of a key. Any AKIA… key is a user of the default
// account unless the server is strict; ASIA… keys must have been issued.
func (s *Server) lookup(accessKey, region string) (principal, bool) {
	s.credentials.mu.Lock()
	defer s.credentials.mu.Unlock()
	if p, ok := s.credentials.known[accessKey]; ok {
		return p, true
	}
	if !strings.HasPrefix(accessKey, "AKIA") || s.credentials.strict && accessKey != PipelineAccessKey {
		return principal{}, false
	}
	user := "fakeaws"
	if accessKey == PipelineAccessKey {
		user = "pipeline"
	}
	return principal{
		AccessKey: accessKey, Account: s.account, UserID: "AIDAFAKEAWSFAKEAWSFA",
		ARN: arn(region, "iam", "", s.account, "user/"+user),
	}, true
}

// AddCredential makes an access key stand for a principal of an account, for
// instance arn:aws:iam::210987654321:user/ci.
func (s *Server) AddCredential(accessKey, account, principalARN string) {
	s.credentials.mu.Lock()
	defer s.credentials.mu.Unlock()
	s.credentials.known[accessKey] = principal{
		AccessKey: accessKey, Account: account, ARN: principalARN, UserID: "AIDA" + strings.ToUpper(randomHex(8)),
	}
}

// ExpireCredentials ends all temporary credentials that STS has issued so far.
func (s *Server) ExpireCredentials() {
	s.credentials.mu.Lock()
	defer s.credentials.mu.Unlock()
	for key, p := range s.credentials.known {
		if p.Session != "" {
			p.Expires = s.clock.now().Add(-time.Second)
			s.credentials.known[key] = p
		}
	}
}

// temporary is a set of credentials as STS hands it out.
type temporary struct {
	AccessKey, SecretKey, SessionToken string
	Expires                            time.Time
}

// issue makes temporary credentials for a role session.
func (s *Server) issue(account, roleARN, sessionARN, roleID string, lifetime time.Duration) temporary {
	t := temporary{
		AccessKey: "ASIA" + strings.ToUpper(randomHex(8)),
		SecretKey: randomHex(20), SessionToken: "FwoGZXIvYXdzE" + randomHex(160),
		Expires: s.clock.now().Add(lifetime).UTC().Truncate(time.Second),
	}
	s.credentials.mu.Lock()
	defer s.credentials.mu.Unlock()
	s.credentials.known[t.AccessKey] = principal{
		AccessKey: t.AccessKey, Account: account, ARN: sessionARN, UserID: roleID,
		RoleARN: roleARN, Session: t.SessionToken, Expires: t.Expires,
	}
	return t
}

// authenticate turns a checked signature into a principal.
func (s *Server) authenticate(p protocol, sig signature, sessionToken string) (principal, *apiError) {
	who, ok := s.lookup(sig.AccessKey, sig.Region)
	switch {
	case !ok, who.Session != "" && who.Session != sessionToken, who.Session == "" && sessionToken != "":
		return principal{}, p.unknownKey()
	case !who.Expires.IsZero() && s.clock.now().After(who.Expires):
		return principal{}, p.expiredKey()
	}
	return who, nil
}

func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails since Go 1.24
	return hex.EncodeToString(b)
}

// newRequestID makes an id in the shape of AWS's.
func newRequestID() string {
	h := randomHex(16)
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
