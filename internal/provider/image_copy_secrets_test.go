// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"bytes"
	"context"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-go/tftypes"
	"github.com/hashicorp/terraform-plugin-log/tflogtest"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/fakeaws"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/sourceimage/sourcetest"
)

// create plans and applies with the provider's log in ctx.
func (m *managed) create(ctx context.Context, config block) []*tfprotov6.Diagnostic {
	m.t.Helper()
	values := m.values(config)
	dynamic := m.dynamic(tftypes.NewValue(m.of, values))
	planned, err := m.server.PlanResourceChange(ctx, &tfprotov6.PlanResourceChangeRequest{
		TypeName: m.name, PriorState: m.null(), ProposedNewState: m.proposed(values), Config: dynamic,
	})
	must(m.t, err)
	applied, err := m.server.ApplyResourceChange(ctx, &tfprotov6.ApplyResourceChangeRequest{
		TypeName: m.name, PriorState: m.null(), PlannedState: planned.PlannedState, Config: dynamic, PlannedPrivate: planned.PlannedPrivate,
	})
	must(m.t, err)
	m.state, m.private = applied.NewState, applied.Private
	return append(planned.Diagnostics, applied.Diagnostics...)
}

// The source's password and the token for it are nowhere but in the requests to
// the source: not in the log at its most talkative, an error, the state or its
// private part, also where the source sends back what it was sent.
func TestImageCopy_secrets(t *testing.T) {
	t.Parallel()
	const password = "s3cret-of-the-source"
	secrets := []string{password, base64.StdEncoding.EncodeToString([]byte("robot:" + password)), sourcetest.Token}
	for name, test := range map[string]struct {
		require func(*sourcetest.Registry, string, string)
		echo    bool
		want    string
	}{
		"token":               {(*sourcetest.Registry).RequireLogin, false, ""},
		"login":               {(*sourcetest.Registry).RequireBasic, false, ""},
		"token, sent back":    {(*sourcetest.Registry).RequireLogin, true, "you sent Bearer (withheld)"},
		"password, sent back": {(*sourcetest.Registry).RequireBasic, true, "you sent Basic (withheld) (withheld)"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newCopyWorld(t, "ghcr.io")
			w.createRepository("app", types.ImageTagMutabilityMutable)
			w.source.Push(t, "team/app:1", sourcetest.OCI(t, sourcetest.Platform("amd64", ""), "one"))
			test.require(w.source, "robot", password)
			if test.echo {
				w.source.Hook(func(rw http.ResponseWriter, r *http.Request) bool {
					sent := r.Header.Get("Authorization")
					if sent == "" || !strings.Contains(r.URL.Path, "/blobs/") {
						return false
					}
					_, plain, _ := r.BasicAuth()
					sourcetest.Refuse(http.StatusForbidden, "DENIED", "you sent "+sent+" "+plain)(rw, r)
					return true
				})
			}
			var log bytes.Buffer
			m := w.managed(copyType, nil)
			got := said(m.create(tflogtest.RootLogger(t.Context(), &log), copyBlock("ghcr.io/team/app:1", nil)))
			if !strings.Contains(got, test.want) || (got == "") != (test.want == "") {
				t.Errorf("said %q, want %q", got, test.want)
			}
			sent := 0
			for _, r := range w.source.Requests() {
				if r.Authorization != "" {
					sent++
				}
			}
			if sent == 0 {
				t.Error("the source got no login")
			}
			if !strings.Contains(log.String(), "BatchGetImage") {
				t.Error("the log does not tell of requests")
			}
			state, err := m.state.Unmarshal(m.of)
			must(t, err)
			for where, text := range map[string]string{"log": log.String(), "error": got, "state": state.String(), "private state": string(m.private)} {
				for _, secret := range append(secrets, w.secrets()...) {
					if strings.Contains(text, secret) {
						t.Errorf("the %s holds %q", where, secret)
					}
				}
			}
		})
	}
}

// Docker Hub gives everyone a token, at a host of its own.
func TestImageCopy_anonymousToken(t *testing.T) {
	source := sourcetest.New()
	const service = "auth.docker.io"
	w := newWorld(t, fakeaws.WithHost(dockerHub, source), fakeaws.WithHost(service, source))
	w.createRepository("app", types.ImageTagMutabilityMutable)
	img := sourcetest.OCI(t, sourcetest.Platform("amd64", ""), "one")
	source.Push(t, "library/alpine:3", img)
	source.RequireToken("https://" + service + "/token")
	ws := newStage(t, w)
	ws.resource = copyType
	must(t, ws.run(ws.seed(block{"source_image": "alpine:3"})))
	must(t, w.contains("app", map[string]string{defaultCopyTag: digestOf(t, img)})(nil))
	for _, r := range source.Requests() {
		if r.Host == service && r.Authorization != "" {
			t.Errorf("the token service was sent %q", r.Authorization)
		}
	}
}
