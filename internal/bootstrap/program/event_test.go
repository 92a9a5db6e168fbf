// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/bootstrap/eventtable"
)

func TestRecognise(t *testing.T) {
	t.Parallel()
	for _, event := range eventtable.All() {
		for form, content := range map[string][]byte{"as recorded": event.JSON, "compact": compact(t, event.JSON)} {
			got := recognise(content)
			if got.name != event.Kind {
				t.Errorf("%s, %s: recognised as %s, want %s", event.Name, form, got.name, event.Kind)
			}
			if isHTTP := event.Answer != eventtable.FunctionError; got.isHTTP() != isHTTP {
				t.Errorf("%s, %s: isHTTP is %t, want %t", event.Name, form, got.isHTTP(), isHTTP)
			}
		}
	}
}

// TestRecogniseNoTrick has events that are meant to look like HTTP requests. None of
// them may be taken for one.
func TestRecogniseNoTrick(t *testing.T) {
	t.Parallel()
	const (
		elb = `"requestContext":{"elb":{"targetGroupArn":"arn"}}`
		v1  = `"httpMethod":"GET","path":"/","resource":"/"`
		v2  = `"version":"2.0","rawPath":"/","requestContext":{"http":{"method":"GET"}}`
	)
	for _, request := range []string{"{" + v1 + "," + elb + "}", "{" + v1 + `,"requestContext":{}}`, "{" + v2 + "}"} {
		if !recognise([]byte(request)).isHTTP() {
			t.Fatalf("the base of the tricks is not an HTTP request: %s", request)
		}
	}
	tests := map[string]struct {
		event string
		want  string
	}{
		"empty":                              {"", "invalid"},
		"only space":                         {" \n", "invalid"},
		"not JSON":                           {"GET / HTTP/1.1\r\n\r\n", "invalid"},
		"byte order mark":                    {"\uFEFF{" + v2 + "}", "invalid"},
		"cut off":                            {"{" + v2, "invalid"},
		"text behind it":                     {"{" + v2 + "} x", "invalid"},
		"two values":                         {"{" + v2 + "}{" + v2 + "}", "invalid"},
		"trailing comma":                     {"{" + v2 + ",}", "invalid"},
		"NUL behind it":                      {"{" + v2 + "}\x00", "invalid"},
		"array of requests":                  {"[{" + v2 + "}]", "other"},
		"request as a string":                {fmt.Sprintf("%q", "{"+v2+"}"), "other"},
		"request as a member":                {`{"event":{` + v2 + "}}", "other"},
		"request in a batch":                 {`{"Records":[{` + v2 + "}]}", "other"},
		"batch that is a request too":        {`{"Records":[],` + v2 + "}", "other"},
		"bus event that is a request too":    {`{"detail-type":"x",` + v2 + "}", "other"},
		"authorizer, REST":                   {`{"methodArn":"arn",` + v1 + `,"requestContext":{}}`, "authorizer"},
		"authorizer, methodArn null":         {`{"methodArn":null,` + v1 + `,"requestContext":{}}`, "authorizer"},
		"authorizer, HTTP API":               {"{" + v2 + `,"routeArn":"arn"}`, "authorizer"},
		"authorizer, escaped key":            {"{" + v2 + `,"route\u0041rn":"arn"}`, "invalid"},
		"key twice":                          {"{" + v2 + "," + v1 + "," + elb + "}", "invalid"},
		"version twice":                      {`{"version":"1.0",` + v2 + "}", "invalid"},
		"http twice":                         {`{"version":"2.0","rawPath":"/","requestContext":{"http":{"method":"GET"},"http":1}}`, "other"},
		"keys in another case":               {strings.ReplaceAll("{"+v2+"}", "requestContext", "RequestContext"), "other"},
		"context is a string":                {`{"version":"2.0","rawPath":"/","requestContext":"{\"http\":{\"method\":\"GET\"}}"}`, "other"},
		"context is null":                    {"{" + v1 + `,"requestContext":null}`, "other"},
		"context is an array":                {"{" + v1 + `,"requestContext":[]}`, "other"},
		"http is a string":                   {`{"version":"2.0","rawPath":"/","requestContext":{"http":"GET"}}`, "other"},
		"method is a number":                 {`{"version":"2.0","rawPath":"/","requestContext":{"http":{"method":1}}}`, "other"},
		"version is a number":                {`{"version":2.0,"rawPath":"/","requestContext":{"http":{"method":"GET"}}}`, "other"},
		"unknown version":                    {`{"version":"3.0","rawPath":"/","requestContext":{"http":{"method":"GET"}}}`, "other"},
		"httpMethod null":                    {`{"httpMethod":null,"path":"/","resource":"/","requestContext":{}}`, "other"},
		"method without context":             {"{" + v1 + "}", "other"},
		"elb without method":                 {"{" + elb + "}", "other"},
		"elb is true":                        {"{" + v1[:len(v1)-len(`,"resource":"/"`)] + `,"requestContext":{"elb":true}}`, "other"},
		"WebSocket with a method":            {"{" + v1 + `,"requestContext":{"connectionId":"c","eventType":"MESSAGE"}}`, "websocket"},
		"deep array":                         {strings.Repeat("[", 1_000_000), "invalid"},
		"deep array that ends":               {strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000), "invalid"},
		"request with a deep member":         {"{" + v2 + `,"x":` + strings.Repeat("[", 100_000) + strings.Repeat("]", 100_000) + "}", "invalid"},
		"huge number":                        {strings.Repeat("9", 6_000_000), "other"},
		"huge string with a request in it":   {`"` + strings.Repeat(`{\"version\":\"2.0\"}`, 300_000) + `"`, "other"},
		"API Gateway's reply to an event":    {`{"statusCode":200,"headers":{},"body":"{}"}`, "other"},
		"batch response":                     {`{"batchItemFailures":[]}`, "other"},
		"line separators instead of spaces":  {"{\u2028" + v2 + "}", "invalid"},
		"single quotes":                      {strings.ReplaceAll("{"+v2+"}", `"`, "'"), "invalid"},
		"comment":                            {"{" + v2 + "/* */}", "invalid"},
		"control character in a string":      {"{" + v2 + ",\"x\":\"\n\"}", "invalid"},
		"NaN":                                {"{" + v2 + `,"x":NaN}`, "invalid"},
		"VPC Lattice without a target group": {`{"version":"2.0","method":"GET","path":"/","requestContext":{"serviceNetworkArn":"arn"}}`, "other"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := recognise([]byte(tt.event)).name; got != tt.want {
				t.Errorf("recognised as %s, want %s", got, tt.want)
			}
		})
	}
}

// TestRecogniseNothingWrapped wraps every event of the table in the ways in which
// events travel inside others.
func TestRecogniseNothingWrapped(t *testing.T) {
	t.Parallel()
	for _, event := range eventtable.All() {
		asString, err := json.Marshal(string(event.JSON))
		if err != nil {
			t.Fatal(err)
		}
		for _, wrapped := range []string{
			string(asString),
			"[" + string(event.JSON) + "]",
			`{"body":` + string(asString) + "}",
			`{"Records":[{"eventSource":"aws:sqs","body":` + string(asString) + "}]}",
			`{"requestContext":{"requestId":"r"},"requestPayload":` + string(event.JSON) + "}",
			`{"requestContext":` + string(event.JSON) + "}",
		} {
			if got := recognise([]byte(wrapped)); got.isHTTP() {
				t.Errorf("%s in %.40s... is taken for an HTTP request: %s", event.Name, wrapped, got.name)
			}
		}
	}
}

// TestRecogniseNeedsEveryPart removes and spoils the members of each HTTP event that
// tell what it is. What is left must not pass.
func TestRecogniseNeedsEveryPart(t *testing.T) {
	t.Parallel()
	needed := map[string][]string{
		"api-gateway-v1":  {"httpMethod", "path", "resource", "requestContext"},
		"api-gateway-v2":  {"version", "rawPath", "requestContext"},
		"alb":             {"httpMethod", "path", "requestContext"},
		"alb-multi-value": {"httpMethod", "path", "requestContext"},
		"vpc-lattice-v2":  {"version", "method", "path", "requestContext"},
	}
	for _, event := range eventtable.All() {
		for _, key := range needed[event.Kind] {
			for _, value := range []any{nil, 1, []any{}, map[string]any{}} {
				var members map[string]any
				if err := json.Unmarshal(event.JSON, &members); err != nil {
					t.Fatal(err)
				}
				if _, isMap := value.(map[string]any); isMap && key == "requestContext" && event.Kind == "api-gateway-v1" {
					continue // any context will do there
				}
				members[key] = value
				spoiled, err := json.Marshal(members)
				if err != nil {
					t.Fatal(err)
				}
				if got := recognise(spoiled); got.isHTTP() {
					t.Errorf("%s with %q: %v is taken for an HTTP request: %s", event.Name, key, value, got.name)
				}
			}
		}
	}
}

// FuzzRecognise checks that what is taken for an HTTP request is valid JSON with a
// request context, and that nothing makes the recogniser fail.
func FuzzRecognise(f *testing.F) {
	for _, event := range eventtable.All() {
		f.Add(event.JSON)
	}
	f.Fuzz(func(t *testing.T, event []byte) {
		if !recognise(event).isHTTP() {
			return
		}
		var members map[string]json.RawMessage
		if err := json.Unmarshal(event, &members); err != nil {
			t.Fatalf("not a JSON object: %v", err)
		}
		var context map[string]any
		if err := json.Unmarshal(members["requestContext"], &context); err != nil {
			t.Fatalf("no request context: %v", err)
		}
		for _, key := range []string{"methodArn", "routeArn", "Records"} {
			if _, ok := members[key]; ok {
				t.Errorf("an event with %s is taken for an HTTP request", key)
			}
		}
	})
}

func compact(t *testing.T, event []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, event); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
