// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/bootstrap/eventrules"
)

// environment returns a lookup in the given variables.
func environment(variables map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, ok := variables[name]
		return value, ok
	}
}

// decoded is an HTTP answer as its receiver sees it.
type decoded struct {
	StatusCode        int                 `json:"statusCode"`
	Headers           map[string]string   `json:"headers"`
	MultiValueHeaders map[string][]string `json:"multiValueHeaders"`
	Body              string              `json:"body"`
	IsBase64Encoded   *bool               `json:"isBase64Encoded"`
}

// strictDecode decodes JSON that may have no members besides those of T.
func strictDecode[T any](t *testing.T, data []byte) T {
	t.Helper()
	var v T
	decoder := json.NewDecoder(strings.NewReader(string(data)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&v); err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	return v
}

func TestDefaultAnswer(t *testing.T) {
	t.Parallel()
	p, problems := newPlaceholder(environment(map[string]string{"AWS_LAMBDA_FUNCTION_NAME": "app"}))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	no := false
	const body = `{"message":"The Lambda function app still runs its placeholder image: the application has not been deployed yet. Try again later."}`
	for headers, want := range map[eventrules.Headers]decoded{
		eventrules.Single: {
			StatusCode:      503,
			Headers:         map[string]string{"Content-Type": "application/json", "Retry-After": "60", "Cache-Control": "no-store"},
			Body:            body,
			IsBase64Encoded: &no,
		},
		eventrules.Multi: {
			StatusCode:        503,
			MultiValueHeaders: map[string][]string{"Content-Type": {"application/json"}, "Retry-After": {"60"}, "Cache-Control": {"no-store"}},
			Body:              body,
			IsBase64Encoded:   &no,
		},
	} {
		if got := strictDecode[decoded](t, p.answer(headers)); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, want %+v", headers, got, want)
		}
	}
}

func TestAnswerWithoutAFunctionName(t *testing.T) {
	t.Parallel()
	p, _ := newPlaceholder(environment(nil))
	if want := `{"message":"This Lambda function still runs its placeholder image: the application has not been deployed yet. Try again later."}`; p.body != want {
		t.Errorf("the body is %s, want %s", p.body, want)
	}
	if want := `--function-name FUNCTION --image-uri IMAGE_URI`; !strings.Contains(string(p.failure()), want) {
		t.Errorf("the error is %s, want it to contain %s", p.failure(), want)
	}
}

func TestConfiguredAnswer(t *testing.T) {
	t.Parallel()
	everyByte := strings.Repeat("\x00\x01\r\n\t\"\\/<>&\x7fé漢😀\u2028", 500)
	tests := map[string]struct {
		env         map[string]string
		status      int
		contentType string
		body        string // "" stands for the default
		retryAfter  bool
	}{
		"status 503":          {map[string]string{envStatusCode: "503"}, 503, "application/json", "", true},
		"status 429":          {map[string]string{envStatusCode: "429"}, 429, "application/json", "", true},
		"status 404":          {map[string]string{envStatusCode: "404"}, 404, "application/json", "", false},
		"lowest status":       {map[string]string{envStatusCode: "200"}, 200, "application/json", "", false},
		"highest status":      {map[string]string{envStatusCode: "599"}, 599, "application/json", "", false},
		"content type":        {map[string]string{envContentType: "text/plain; charset=utf-8"}, 503, "text/plain; charset=utf-8", "", true},
		"body":                {map[string]string{envBodyBase64: base64.StdEncoding.EncodeToString([]byte("soon"))}, 503, "application/json", "soon", true},
		"body of every kind":  {map[string]string{envBodyBase64: base64.StdEncoding.EncodeToString([]byte(everyByte))}, 503, "application/json", everyByte, true},
		"everything together": {map[string]string{envStatusCode: "502", envContentType: "text/html", envBodyBase64: "PGI+PC9iPg=="}, 502, "text/html", "<b></b>", false},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, problems := newPlaceholder(environment(tt.env))
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			got := strictDecode[decoded](t, p.answer(eventrules.Single))
			if got.StatusCode != tt.status || got.Headers["Content-Type"] != tt.contentType {
				t.Errorf("got %d, %v", got.StatusCode, got.Headers)
			}
			if _, ok := got.Headers["Retry-After"]; ok != tt.retryAfter {
				t.Errorf("Retry-After is there: %t, want %t", ok, tt.retryAfter)
			}
			if want := cmp.Or(tt.body, p.defaultBody()); got.Body != want {
				t.Errorf("the body is %q, want %q", got.Body, want)
			}
		})
	}
}

func TestEmptyBody(t *testing.T) {
	t.Parallel()
	p, problems := newPlaceholder(environment(map[string]string{envBodyBase64: ""}))
	if len(problems) > 0 || strictDecode[decoded](t, p.answer(eventrules.Single)).Body != "" {
		t.Errorf("an empty body is not kept: %s, %q", p.answer(eventrules.Single), problems)
	}
}

// TestMalformedEnvironment checks that a value that makes no sense leads to the
// default answer, whatever the other values say.
func TestMalformedEnvironment(t *testing.T) {
	t.Parallel()
	want, _ := newPlaceholder(environment(nil))
	for variable, values := range map[string][]string{
		envStatusCode:  {"", "0", "42", "099", "100", "199", "600", "1000", "-503", "+503", "0503", "503 ", "5e2", "٥٠٣", "ok", "99999999999999999999"},
		envContentType: {"", "a\nb", "a\r\nSet-Cookie: b", "a\x00", "é", "\xff", "a\x7f"},
		envBodyBase64:  {"=", "a", "YQ", "Y Q==", "YQ==YQ==", "_-8=", "/w==", "\x00"},
	} {
		for _, value := range values {
			env := map[string]string{envStatusCode: "200", envContentType: "text/plain", envBodyBase64: "b2s="}
			env[variable] = value
			p, problems := newPlaceholder(environment(env))
			if !reflect.DeepEqual(p, want) {
				t.Errorf("%s=%q: got %+v, want the default answer", variable, value, p)
			}
			if len(problems) != 1 || !strings.HasPrefix(problems[0], variable+" is not ") || !strings.HasSuffix(problems[0], ": HTTP callers get the default answer") {
				t.Errorf("%s=%q: the problems are %q", variable, value, problems)
			}
		}
	}
	_, problems := newPlaceholder(environment(map[string]string{envStatusCode: "x", envContentType: "", envBodyBase64: "x"}))
	if len(problems) != 3 {
		t.Errorf("three bad values are described by %q", problems)
	}
}

func TestFailure(t *testing.T) {
	t.Parallel()
	p, _ := newPlaceholder(environment(map[string]string{"AWS_LAMBDA_FUNCTION_NAME": "app"}))
	type functionError struct {
		ErrorMessage string   `json:"errorMessage"`
		ErrorType    string   `json:"errorType"`
		StackTrace   []string `json:"stackTrace"`
	}
	got := strictDecode[functionError](t, p.failure())
	want := functionError{
		ErrorMessage: `The Lambda function app still runs its placeholder image, so this event was not processed. ` +
			`Deploy the application's image, for example with "aws lambda update-function-code --function-name app --image-uri IMAGE_URI".`,
		ErrorType:  "Function.PlaceholderImage",
		StackTrace: []string{},
	}
	if got.ErrorMessage != want.ErrorMessage || got.ErrorType != want.ErrorType || got.StackTrace == nil || !slices.Equal(got.StackTrace, want.StackTrace) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
