// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

import (
	"encoding/base64"
	"encoding/json"
	"time"
)

// tokenUser is the user name that goes with every ECR password.
const tokenUser = "AWS"

// tokenLifetime is how long a password lives. Source: ECR API reference,
// GetAuthorizationToken.
const tokenLifetime = 12 * time.Hour

// registryToken is an issued password and who it stands for.
type registryToken struct {
	password string
	who      principal
	region   string
	expires  time.Time
}

func (e *ecrService) tokenOperations() map[string]operation {
	return map[string]operation{
		"GetAuthorizationToken": {
			handle: jsonHandler(e.getAuthorizationToken),
			needs:  func(*call) []permission { return []permission{{"ecr:GetAuthorizationToken", "*"}} },
		},
	}
}

type authorizationData struct {
	AuthorizationToken string    `json:"authorizationToken"`
	ExpiresAt          epochTime `json:"expiresAt"`
	ProxyEndpoint      string    `json:"proxyEndpoint"`
}

type getAuthorizationTokenInput struct {
	RegistryIDs []string `json:"registryIds"`
}

type getAuthorizationTokenOutput struct {
	AuthorizationData []authorizationData `json:"authorizationData"`
}

func (e *ecrService) getAuthorizationToken(c *call, in *getAuthorizationTokenInput) (*getAuthorizationTokenOutput, error) {
	accounts := in.RegistryIDs
	if len(accounts) == 0 {
		accounts = []string{c.Account}
	}
	out := &getAuthorizationTokenOutput{}
	for _, account := range accounts {
		if len(account) != 12 {
			return nil, clientError("InvalidParameterException",
				"Invalid parameter at 'registryIds' failed to satisfy constraint: 'must satisfy regular expression '[0-9]{12}''")
		}
		t := e.issueToken(c.Principal, c.Region)
		out.AuthorizationData = append(out.AuthorizationData, authorizationData{
			AuthorizationToken: base64.StdEncoding.EncodeToString([]byte(tokenUser + ":" + t.password)),
			ExpiresAt:          epochTime{t.expires},
			ProxyEndpoint:      e.proxyEndpoint(account, c.Region),
		})
	}
	return out, nil
}

// issueToken makes a password in the shape of ECR's: base64 of JSON, about 1.7 kB.
func (e *ecrService) issueToken(who principal, region string) *registryToken {
	t := &registryToken{who: who, region: region, expires: e.srv.clock.now().Add(tokenLifetime)}
	shape, err := json.Marshal(map[string]any{
		"payload": randomHex(450), "datakey": randomHex(130), "version": "2", "type": "DATA_KEY", "expiration": t.expires.Unix(),
	})
	if err != nil {
		panic(err) // strings and an integer always encode
	}
	t.password = base64.StdEncoding.EncodeToString(shape)
	e.mu.Lock()
	defer e.mu.Unlock()
	e.tokens[t.password] = t
	return t
}

func (e *ecrService) registryHost(account, region string) string {
	if e.srv.emulatorHosts {
		return e.srv.address
	}
	_, suffix := partitionOf(region)
	return account + ".dkr.ecr." + region + "." + suffix
}

func (e *ecrService) proxyEndpoint(account, region string) string {
	if e.srv.emulatorHosts {
		return e.srv.URL()
	}
	return "https://" + e.registryHost(account, region)
}

func (e *ecrService) token(password string) (registryToken, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	t, ok := e.tokens[password]
	if !ok {
		return registryToken{}, false
	}
	return *t, true
}

// Password issues a registry password to an access key without a request, for
// the registries of a region; the user name is AWS. An unknown key panics.
func (s *Server) Password(accessKey, region string) string {
	who, ok := s.lookup(accessKey, region)
	if !ok {
		panic("fakeaws: no credential " + accessKey)
	}
	return s.ecr.issueToken(who, region).password
}

// IssuedPasswords returns every password handed out so far, for tests that
// look for one where it must not be.
func (s *Server) IssuedPasswords() []string {
	s.ecr.mu.Lock()
	defer s.ecr.mu.Unlock()
	passwords := make([]string, 0, len(s.ecr.tokens))
	for password := range s.ecr.tokens {
		passwords = append(passwords, password)
	}
	return passwords
}

// ExpireTokens ends every password handed out so far.
func (s *Server) ExpireTokens() {
	s.ecr.mu.Lock()
	defer s.ecr.mu.Unlock()
	for _, t := range s.ecr.tokens {
		t.expires = s.clock.now().Add(-time.Second)
	}
}
