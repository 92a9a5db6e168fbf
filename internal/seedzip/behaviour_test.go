// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package seedzip_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/bootstrap/eventtable"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/bootstrap/localruntime"
)

// response is the answer to an HTTP request.
type response struct {
	StatusCode        int                 `json:"statusCode"`
	Headers           map[string]string   `json:"headers"`
	MultiValueHeaders map[string][]string `json:"multiValueHeaders"`
	Body              string              `json:"body"`
	IsBase64Encoded   *bool               `json:"isBase64Encoded"`
}

func answer(kind eventtable.Answer) response {
	no := false
	want := response{
		StatusCode:      503,
		Body:            `{"message":"The Lambda function app still runs its placeholder package: the application has not been deployed yet. Try again later."}`,
		IsBase64Encoded: &no,
	}
	if kind == eventtable.HTTPMultiValue {
		want.MultiValueHeaders = map[string][]string{"Content-Type": {"application/json"}, "Cache-Control": {"no-store"}, "Retry-After": {"60"}}
	} else {
		want.Headers = map[string]string{"Content-Type": "application/json", "Cache-Control": "no-store", "Retry-After": "60"}
	}
	return want
}

const failureMessage = `The Lambda function app still runs its placeholder package, so this event was not processed. ` +
	`Deploy the application's package, for example with "aws lambda update-function-code --function-name app --zip-file fileb://PACKAGE.zip".`

// check compares what a placeholder sent with what it has to do.
func (i interpreter) check(t *testing.T, what string, got localruntime.Result, want eventtable.Answer) {
	t.Helper()
	if want == eventtable.FunctionError {
		var failure struct{ ErrorMessage, ErrorType string }
		if err := json.Unmarshal(got.Body, &failure); err != nil {
			t.Errorf("%s: %v", what, err)
		}
		if got.Outcome != localruntime.Error || failure.ErrorMessage != failureMessage || failure.ErrorType != i.errorType {
			t.Errorf("%s: got %s, %s, want a function error", what, got.Outcome, got.Body)
		}
		if header := got.Header.Get("Lambda-Runtime-Function-Error-Type"); header != i.errorType {
			t.Errorf("%s: the header says that the error is a %q", what, header)
		}
		return
	}
	var given response
	decoder := json.NewDecoder(bytes.NewReader(got.Body))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&given); err != nil {
		t.Errorf("%s: %v: %s", what, err, got.Body)
	}
	if got.Outcome != localruntime.Response || !reflect.DeepEqual(given, answer(want)) {
		t.Errorf("%s: got %s, %s, want %s", what, got.Outcome, got.Body, want)
	}
}

// logLine is all that a line of the log may have.
type logLine struct {
	Timestamp string `json:"timestamp"`
	Level     string `json:"level"`
	RequestID string `json:"requestId"`
	Event     string `json:"event"`
	Outcome   string `json:"outcome"`
	Message   string `json:"message"`
}

var timestamp = regexp.MustCompile(`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$`)

// checkLog checks that there is one line for each event, and nothing of any event in it.
func checkLog(t *testing.T, log string, events []eventtable.Event) {
	t.Helper()
	lines := strings.Split(strings.TrimSuffix(log, "\n"), "\n")
	if len(lines) != len(events) {
		t.Fatalf("the log has %d lines for %d events", len(lines), len(events))
	}
	for n, line := range lines {
		var got logLine
		decoder := json.NewDecoder(strings.NewReader(line))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&got); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if when, err := time.Parse(time.RFC3339, got.Timestamp); err != nil || !timestamp.MatchString(got.Timestamp) || time.Since(when).Abs() > 24*time.Hour {
			t.Errorf("the timestamp is %q", got.Timestamp)
		}
		got.Timestamp = ""
		want := logLine{
			Level: "WARN", RequestID: requestID(n + 1), Event: events[n].Kind, Outcome: "http-503",
			Message: "the placeholder package answered an HTTP request",
		}
		if events[n].Answer == eventtable.FunctionError {
			want.Level, want.Outcome = "ERROR", "function-error"
			want.Message = "the placeholder package failed an event: deploy the application's package"
		}
		if got != want {
			t.Errorf("%s: logged %+v, want %+v", events[n].Name, got, want)
		}
	}
}

func TestEventTable(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, i interpreter) {
		f := i.start(t, i.handler)
		var events []eventtable.Event
		for _, event := range eventtable.All() {
			compact := event
			compact.Name += ", compact"
			compact.JSON = compacted(t, event.JSON)
			for _, e := range []eventtable.Event{event, compact} {
				i.check(t, e.Name, f.invoke(t, e.JSON), e.Answer)
				events = append(events, e)
			}
		}
		checkLog(t, f.stop(), events)
	})
}

// TestNothingWrapped hides requests in what is none.
func TestNothingWrapped(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, i interpreter) {
		f := i.start(t, i.handler)
		for _, event := range eventtable.All() {
			if event.Answer == eventtable.FunctionError {
				continue
			}
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
				i.check(t, event.Name+" in "+wrapped[:20], f.invoke(t, []byte(wrapped)), eventtable.FunctionError)
			}
		}
	})
}

// TestEveryPartIsNeeded spoils the members of each HTTP event that tell what it is.
// What is left must not pass.
func TestEveryPartIsNeeded(t *testing.T) {
	t.Parallel()
	needed := map[string][]string{
		"api-gateway-v1":  {"httpMethod", "path", "resource", "requestContext"},
		"api-gateway-v2":  {"version", "rawPath", "requestContext"},
		"alb":             {"httpMethod", "path", "requestContext"},
		"alb-multi-value": {"httpMethod", "path", "requestContext"},
		"vpc-lattice-v2":  {"version", "method", "path", "requestContext"},
	}
	forEach(t, func(t *testing.T, i interpreter) {
		f := i.start(t, i.handler)
		for _, event := range eventtable.All() {
			for _, key := range needed[event.Kind] {
				for _, value := range []any{nil, 1, []any{}, map[string]any{}} {
					if _, isMap := value.(map[string]any); isMap && key == "requestContext" && event.Kind == "api-gateway-v1" {
						continue // any context will do there
					}
					var members map[string]any
					if err := json.Unmarshal(event.JSON, &members); err != nil {
						t.Fatal(err)
					}
					members[key] = value
					spoiled, err := json.Marshal(members)
					if err != nil {
						t.Fatal(err)
					}
					i.check(t, event.Name+" with another "+key, f.invoke(t, spoiled), eventtable.FunctionError)
				}
			}
		}
	})
}

// TestForeignMarks adds what belongs to something else to a request, in front and at
// the end.
func TestForeignMarks(t *testing.T) {
	t.Parallel()
	const request = `"version":"2.0","rawPath":"/","requestContext":{"http":{"method":"GET"}%s}`
	forEach(t, func(t *testing.T, i interpreter) {
		f := i.start(t, i.handler)
		plain := strings.ReplaceAll(request, "%s", "")
		i.check(t, "the request itself", f.invoke(t, []byte("{"+plain+"}")), eventtable.HTTP)
		for _, mark := range []string{"methodArn", "routeArn", "authorizationToken", "identitySource", "type", "Records", "records", "eventSource", "detail-type"} {
			for _, value := range []string{`null`, `"a"`, `[]`, `{}`} {
				member := `"` + mark + `":` + value
				i.check(t, member+" first", f.invoke(t, []byte("{"+member+","+plain+"}")), eventtable.FunctionError)
				i.check(t, member+" last", f.invoke(t, []byte("{"+plain+","+member+"}")), eventtable.FunctionError)
			}
			i.check(t, mark+" deeper", f.invoke(t, []byte("{"+plain+`,"body":{"`+mark+`":1}}`)), eventtable.HTTP)
		}
		for _, mark := range []string{"connectionId", "eventType"} {
			i.check(t, mark, f.invoke(t, []byte("{"+strings.ReplaceAll(request, "%s", `,"`+mark+`":null`)+"}")), eventtable.FunctionError)
			i.check(t, mark+" elsewhere", f.invoke(t, []byte("{"+plain+`,"`+mark+`":null}`)), eventtable.HTTP)
		}
	})
}

// TestOddEvents has what JSON allows and services do not send, and what is large.
func TestOddEvents(t *testing.T) {
	t.Parallel()
	const v2 = `"version":"2.0","rawPath":"/","requestContext":{"http":{"method":"GET"}}`
	quotes := strings.Repeat(`\"`, 100_000)
	tests := map[string]struct {
		event string
		want  eventtable.Answer
	}{
		"null":                        {`null`, eventtable.FunctionError},
		"true":                        {`true`, eventtable.FunctionError},
		"number":                      {`-1.5e3`, eventtable.FunctionError},
		"string":                      {`"a"`, eventtable.FunctionError},
		"empty string":                {`""`, eventtable.FunctionError},
		"empty array":                 {`[]`, eventtable.FunctionError},
		"empty object":                {`{}`, eventtable.FunctionError},
		"nested empties":              {`{"a":[],"b":{},"c":[[],{}],` + v2 + `}`, eventtable.HTTP},
		"keys in another case":        {strings.ReplaceAll("{"+v2+"}", "requestContext", "RequestContext"), eventtable.FunctionError},
		"context is a string":         {`{"version":"2.0","rawPath":"/","requestContext":"{\"http\":{\"method\":\"GET\"}}"}`, eventtable.FunctionError},
		"http is a string":            {`{"version":"2.0","rawPath":"/","requestContext":{"http":"GET"}}`, eventtable.FunctionError},
		"http is an array":            {`{"version":"2.0","rawPath":"/","requestContext":{"http":[{"method":"GET"}]}}`, eventtable.FunctionError},
		"method is a number":          {`{"version":"2.0","rawPath":"/","requestContext":{"http":{"method":1}}}`, eventtable.FunctionError},
		"method is one deeper":        {`{"version":"2.0","rawPath":"/","requestContext":{"http":{"x":{"method":"GET"}}}}`, eventtable.FunctionError},
		"method of another object":    {`{"version":"2.0","rawPath":"/","http":{"method":"GET"},"requestContext":{"method":"GET"}}`, eventtable.FunctionError},
		"version is a number":         {`{"version":2.0,"rawPath":"/","requestContext":{"http":{"method":"GET"}}}`, eventtable.FunctionError},
		"another version":             {`{"version":"2.01","rawPath":"/","requestContext":{"http":{"method":"GET"}}}`, eventtable.FunctionError},
		"version is a word of ours":   {`{"version":"string","rawPath":"/","requestContext":{"http":{"method":"GET"}}}`, eventtable.FunctionError},
		"no context":                  {`{"httpMethod":"GET","path":"/","resource":"/"}`, eventtable.FunctionError},
		"WebSocket with a method":     {`{"httpMethod":"GET","path":"/","resource":"/","requestContext":{"connectionId":"c"}}`, eventtable.FunctionError},
		"dots in a key":               {`{"version":"2.0","rawPath":"/","requestContext.http.method":"GET","requestContext":{"http.method":"GET"}}`, eventtable.FunctionError},
		"key with conditions of ours": {`{"version=2.0 rawPath=string requestContext.http.method":"x","requestContext":{}}`, eventtable.FunctionError},
		"rules in a value":            {`{"version":"2.0","rawPath":"/ requestContext.http.method=string ","requestContext":{}}`, eventtable.FunctionError},
		"code in keys":                {"{\"$(exit 7)`exit 7`\":1,\"a[$(exit 7)]\":{\"*\":\"?\"}," + v2 + "}", eventtable.HTTP},
		"shell patterns":              {`{"[a-z]*":"*","?":["[!x]","' \\"],` + v2 + `}`, eventtable.HTTP},
		"escapes at every end":        {`{"a":"\\","b":"\\\\","c":"\"","d":"\\\"","e":"a\\\\\"b\\",` + v2 + `}`, eventtable.HTTP},
		"quotes around a request":     {`{"a":"{\"version\":\"2.0\",","b":"\\",` + v2 + `}`, eventtable.HTTP},
		"white space":                 {" \t\r\n{ " + strings.ReplaceAll(strings.ReplaceAll(v2, ":", " : "), ",", "\n,\n") + " } \n", eventtable.HTTP},
		"beyond ASCII":                {`{"é":"漢😀\u2028\ud83d\ude00",` + v2 + `}`, eventtable.HTTP},
		"escape in some other key":    {`{"queryStringParameters":{"a\"b\u00e9":"c"},` + v2 + `}`, eventtable.HTTP},
		"keys of JavaScript":          {`{"__proto__":{"Records":[]},"constructor":{"methodArn":1},` + v2 + `}`, eventtable.HTTP},
		"request in the prototype":    {`{"__proto__":{` + v2 + `}}`, eventtable.FunctionError},
		"large body":                  {`{"body":"` + strings.Repeat("a", 6_000_000) + `",` + v2 + `}`, eventtable.HTTP},
		"large body full of quotes":   {`{"body":"` + quotes + `",` + v2 + `}`, eventtable.HTTP},
		"large body of backslashes":   {`{"body":"` + strings.Repeat(`\\`, 100_001) + `",` + v2 + `}`, eventtable.HTTP},
		"large array":                 {`{"a":[` + strings.Repeat("12345,", 2_000) + `0],` + v2 + `}`, eventtable.HTTP},
		"large batch":                 {`{"Records":[{"body":"` + strings.Repeat("a", 6_000_000) + `"}]}`, eventtable.FunctionError},
		"large batch, Records last":   {`{"a":"` + strings.Repeat("a", 6_000_000) + `","Records":[],` + v2 + `}`, eventtable.FunctionError},
		"large string of a request":   {`"` + strings.Repeat(`{\"version\":\"2.0\"}`, 10_000) + `"`, eventtable.FunctionError},
		"long key":                    {`{"` + strings.Repeat("k", 10_000) + `":1,` + v2 + `}`, eventtable.HTTP},
		"large, deep white space":     {`{` + strings.Repeat(" ", 10_000) + v2 + `}`, eventtable.HTTP},
		"request in the background":   {`{"detail-type":"x","detail":{` + v2 + `},` + v2 + `}`, eventtable.FunctionError},
		"batch response":              {`{"batchItemFailures":[]}`, eventtable.FunctionError},
		"API Gateway's own response":  {`{"statusCode":200,"headers":{},"body":"{}"}`, eventtable.FunctionError},
	}
	// Every place at which a reader of 4096 bytes may come to an end.
	for length := 4060; length < 4100; length++ {
		pad := strings.Repeat("a", length)
		tests["padded "+pad[:length-4060]] = struct {
			event string
			want  eventtable.Answer
		}{`{"a":"` + pad + `","n":12345,"t":[true,null],"q":"\\\"",` + v2 + `}`, eventtable.HTTP}
	}
	forEach(t, func(t *testing.T, i interpreter) {
		f := i.start(t, i.handler)
		for what, tt := range tests {
			if !json.Valid([]byte(tt.event)) {
				t.Fatalf("%s is not JSON: Lambda would not hand it over", what)
			}
			i.check(t, what, f.invoke(t, []byte(tt.event)), tt.want)
		}
	})
}

func compacted(t *testing.T, event []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := json.Compact(&b, event); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
