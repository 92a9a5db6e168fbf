// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/fakeaws"
)

// secrets are the ECR passwords handed out so far, as they are and as they go
// over the wire.
func (w *world) secrets() []string {
	var secrets []string
	for _, password := range w.IssuedPasswords() {
		secrets = append(secrets, password, base64.StdEncoding.EncodeToString([]byte("AWS:"+password)))
	}
	return secrets
}

// sessionToken is how every session token of the server begins.
const sessionToken = "FwoGZXIvYXdzE"

// wantSecrecy checks after a scenario that no password is in the log, the
// errors, the state or its private part, and that it went to the registry that
// ECR named and to nobody else. Every case of the matrix of faults ends with it.
func (s *stage) wantSecrecy(err error) {
	s.t.Helper()
	texts := map[string]string{"log": s.log.String(), "error": fmt.Sprint(err), "state": s.describe()}
	if s.state != nil {
		texts["private state"] = string(s.state.private)
	}
	for where, text := range texts {
		for _, secret := range s.w.secrets() {
			if strings.Contains(text, secret) {
				s.t.Errorf("the %s holds the password", where)
			}
		}
		for _, sign := range []string{"Basic QVdTO", "authorizationToken\":\"", "test-secret", sessionToken} {
			if strings.Contains(text, sign) {
				s.t.Errorf("the %s holds %q", where, sign)
			}
		}
	}
	for _, r := range s.w.Requests() {
		if !s.mine(r) || r.Service != "ecr-registry" {
			continue
		}
		if r.Host != testHost {
			s.t.Errorf("the password went to %s", r.Host)
		}
	}
}

// The log is a log: what wantSecrecy reads holds the requests of the push.
func TestSecurity_logIsTalkative(t *testing.T) {
	w := newWorld(t)
	c := scenarios["create"]
	s := c.stage(t, w)
	must(t, c.command(s))
	for _, part := range []string{"GetAuthorizationToken", "PutImage", "BatchGetImage", "pushed the image", "trace"} {
		if !strings.Contains(s.log.String(), part) {
			t.Errorf("the log does not tell %q", part)
		}
	}
	if len(w.secrets()) < 2 {
		t.Error("no password was handed out")
	}
	s.wantSecrecy(nil)
}

// A registry or an API that means harm, at every request of a scenario: a clear
// error or success, nothing lost, nothing leaked, no other host, and never
// "gone".
func TestSecurity_hostile(t *testing.T) {
	t.Parallel()
	leak := func(rw http.ResponseWriter, r *http.Request) {
		// The password comes back in the answer, as a badly made proxy does it.
		rw.Header().Set("X-Echo", r.Header.Get("Authorization"))
		rw.WriteHeader(http.StatusBadRequest)
		_, _ = fmt.Fprintf(rw, `{"errors":[{"code":"DENIED","message":"you sent %s"}]}`, r.Header.Get("Authorization"))
	}
	attacks := map[string]http.HandlerFunc{
		"endless answer":     fakeaws.HostileEndless("application/json"),
		"huge manifest":      fakeaws.HostileManifest(100 << 20),
		"absurd headers":     fakeaws.HostileHeaders(64, 64<<10),
		"redirect elsewhere": fakeaws.HostileRedirect(307, "https://attacker.example.com/"),
		"redirect to HTTP":   fakeaws.HostileRedirect(302, "http://"+testHost+"/v2/"),
		"long refusal":       fakeaws.HostileError(400, "DENIED", strings.Repeat("\x1b[2Jx", 1<<18)),
		"echoed password":    leak,
	}
	for _, name := range []string{"create", "read after the tag has expired", "destroy with older manifests"} {
		c := scenarios[name]
		t.Run(name, func(t *testing.T) {
			for _, p := range c.record(t, newWorld(t)) {
				if p.service == "sts" {
					continue
				}
				for attack, handler := range attacks {
					t.Run(p.String()+"/"+attack, func(t *testing.T) {
						w := newWorld(t)
						s := c.stage(t, w)
						before := s.state
						fault := p.fault(s, fakeaws.FaultHandler)
						fault.Count, fault.Handler = -1, handler
						w.Inject(fault)
						err := c.command(s)
						w.ClearFaults()
						switch {
						case err == nil && attack != "echoed password" && attack != "long refusal":
							t.Error("succeeded")
						case err != nil:
							s.wantTerminalSafe(err)
							if before != nil && s.state == nil {
								t.Error("the resource has left the state")
							}
						}
						s.wantSecrecy(err)
						for _, r := range w.Requests() {
							if r.BytesOut > 25<<20 {
								t.Errorf("%s: %d bytes of the answer were read", r.Operation, r.BytesOut)
							}
						}
						s.wantForeign()
						must(t, c.command(s))
						c.settled(s, true)
					})
				}
			}
		})
	}
}

// wantTerminalSafe checks that an error can be printed.
func (s *stage) wantTerminalSafe(err error) {
	s.t.Helper()
	if text := err.Error(); len(text) > 4000 || strings.ContainsAny(text, "\x1b\a\r\x00") {
		s.t.Errorf("an error of %d characters: %.200q", len(text), text)
	}
}
