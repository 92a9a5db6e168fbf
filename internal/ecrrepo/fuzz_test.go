// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package ecrrepo

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
)

// What a registry says in a refusal ends up on a terminal: short, printable,
// without the password that was sent, and with the kind of the refusal told from
// its status and code alone.
func FuzzReadRefusal(f *testing.F) {
	const password = "correct horse"
	for _, body := range []string{
		`{"errors":[{"code":"TAG_INVALID","message":"The image tag 'T' already exists in the 'R' repository and cannot be overwritten because the tag is immutable."}]}`,
		`{"errors":[{"code":"TOOMANYREQUESTS","message":"Rate exceeded"}]}`,
		`{"errors":[{"code":"DENIED","message":"Your authorization token has expired. Reauthenticate and try again."}]}`,
		`{"errors":[]}`, `{"errors":null}`, `{"errors":[null]}`, `{"errors":{}}`, `{"errors":[{"code":1}]}`,
		"wrong: " + password, `{"errors":[{"code":"` + password + `","message":"` + password + password + `"}]}`,
		"Not Authorized\n", "<html><body>502</body></html>", "\x00\xff\xfe", "", `"`, strings.Repeat("[", 2000), "\x1b]0;title\a",
		`{"errors":[{"code":"` + strings.Repeat("A", 3000) + `","message":"\u001b[31m"}]}`,
	} {
		for _, status := range []int{400, 401, 403, 404, 405, 429, 500, 503} {
			f.Add(status, []byte(body), "1-2-3")
		}
	}
	f.Fuzz(func(t *testing.T, status int, body []byte, requestID string) {
		req := httptest.NewRequestWithContext(t.Context(), http.MethodPut, "https://"+testHost+"/v2/app/manifests/seed", nil)
		resp := &http.Response{StatusCode: status, Header: http.Header{"X-Amzn-Requestid": {requestID}}, Body: io.NopCloser(bytes.NewReader(body))}
		answer := readRefusal(req, resp, strings.NewReplacer(password, withheld))
		err := (&Repository{URL: RepositoryURL{Host: testHost, Name: "app"}}).newError(t.Context(), "ecr:PutImage", answer)
		text := err.Error()
		if !utf8.ValidString(text) || len(text) > 3000 {
			t.Errorf("%d characters, valid %v", len(text), utf8.ValidString(text))
		}
		if strings.Contains(text, password) {
			t.Errorf("%q shows the password", text)
		}
		if i := strings.IndexFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }); i >= 0 {
			t.Errorf("%q is not fit for a terminal", text)
		}
		if IsGone(err) && answer.code != "NAME_UNKNOWN" {
			t.Errorf("%q is taken for absence", text)
		}
	})
}

func FuzzManifestSize(f *testing.F) {
	for _, manifest := range []string{
		`{"config":{"size":1},"layers":[{"size":2},{"size":3}]}`, `{"manifests":[]}`, `{"config":{"size":-1}}`,
		`{"config":{"size":9223372036854775807},"layers":[{"size":1}]}`, `{"layers":[{"size":1e3}]}`, `[]`, `null`, ``, `{"config":[]}`,
	} {
		f.Add([]byte(manifest))
	}
	f.Fuzz(func(t *testing.T, manifest []byte) {
		if size := manifestSize(manifest); size < 0 {
			t.Errorf("size %d", size)
		}
		_ = isContainerImage(manifest) // It must not panic, and decides about a hand-over.
	})
}

func FuzzParseURIs(f *testing.F) {
	for _, s := range []string{
		testHost + "/app", testHost + "/app:v1", testHost + "/team/app@sha256:" + strings.Repeat("0", 64), "127.0.0.1:5000/app:v1",
		testHost + "/app:v1@sha256:" + strings.Repeat("0", 64), "public.ecr.aws/x/y", "https://" + testHost + "/app", "[::1]:80/ab", "/", ":", "@", "",
		"123456789012.dkr-ecr-fips.us-east-1.on.aws/app", "localhost/a_b", "a.b/c__d", "x.y/" + strings.Repeat("a", 300),
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := ParseImageURI(s)
		if err != nil {
			return
		}
		written := u.RepositoryURL.String()
		if u.Tag != "" {
			written = u.TagURI(u.Tag)
		}
		if u.Digest != "" {
			written += "@" + u.Digest
		}
		if written != s {
			t.Errorf("%q is read as %q", s, written)
		}
		again, err := ParseRepositoryURL(u.RepositoryURL.String())
		if err != nil || again != u.RepositoryURL {
			t.Errorf("%q parses as part of %q but not alone: %v", u.RepositoryURL, s, err)
		}
		if u.IsECR() && !u.sameRegistry(u.hostForm(false, false)) {
			t.Errorf("%q is not the same registry as its standard form", u.Host)
		}
		// The host is where the password would go: nothing may be hidden in it.
		if strings.ContainsAny(u.Host, "@/\\?#% ") {
			t.Errorf("host %q", u.Host)
		}
	})
}

// What GetAuthorizationToken gives becomes a token that fits into a header and
// is for a host, or an error, and neither shows the password.
func FuzzParseToken(f *testing.F) {
	ended := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, login := range []string{"AWS:secret", "AWS:", ":", "AWS", "", ":secret", "AWS:se:cret", "AWS:\x00"} {
		for _, endpoint := range []string{"https://" + testHost, testHost, "", "http://127.0.0.1:5000", "https://", "::", "https://user:pw@" + testHost} {
			f.Add([]byte(base64.StdEncoding.EncodeToString([]byte(login))), endpoint, ended.Unix())
		}
	}
	f.Add([]byte("QVdTOnNl\nY3JldA=="), "https://"+testHost, int64(0))
	f.Fuzz(func(t *testing.T, encoded []byte, endpoint string, expires int64) {
		tok, err := parseToken(types.AuthorizationData{
			AuthorizationToken: aws.String(string(encoded)), ProxyEndpoint: &endpoint, ExpiresAt: aws.Time(time.Unix(expires, 0)),
		}, ended)
		decoded, _ := base64.StdEncoding.DecodeString(string(encoded))
		_, password, _ := strings.Cut(string(decoded), ":")
		var shown string
		if err != nil {
			if !errors.Is(err, ErrUnexpectedAnswer) {
				t.Errorf("%v, want one because %v", err, ErrUnexpectedAnswer)
			}
			shown = err.Error()
		} else {
			if strings.ContainsFunc(tok.authorization, unicode.IsControl) || tok.endpoint.Host == "" {
				t.Errorf("header %q for host %q", tok.authorization, tok.endpoint.Host)
			}
			shown = fmt.Sprintf("%v %#v %s", tok, tok, tok.secrets.Replace("wrong password "+password+" in "+string(encoded)))
		}
		if len(password) > 8 && strings.Contains(shown, password) && !strings.Contains(endpoint, password) {
			t.Errorf("%q shows the password", shown)
		}
	})
}
