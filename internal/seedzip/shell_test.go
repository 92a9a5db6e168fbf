// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package seedzip_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/bootstrap/eventtable"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/seedzip"
)

// TestShellNeedsLittle runs the bootstrap with nothing in its PATH but what it says
// that it needs, and with settings for the application's own calls around it.
func TestShellNeedsLittle(t *testing.T) {
	t.Parallel()
	i := interpreters["shell"]
	i.command(t) // skips the test where there is no bash for it
	bin, home := t.TempDir(), t.TempDir()
	for _, program := range []string{"curl", "mktemp", "rm"} {
		found, err := exec.LookPath(program)
		if err != nil {
			t.Skipf("%s is not installed: the placeholder for provided.* is not tested", program)
		}
		if err := os.Symlink(found, filepath.Join(bin, program)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(home, ".curlrc"), []byte("request = DELETE\nproxy = 127.0.0.1:1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f := i.start(t, "any.thing", "PATH="+bin, "HOME="+home, "http_proxy=http://127.0.0.1:1", "ALL_PROXY=http://127.0.0.1:1", "LC_ALL=C.UTF-8", "TZ=Asia/Tokyo", "IFS=:", "rules=x", "known= x ")
	i.check(t, "function URL", f.invoke(t, eventtable.Named("function-url-get").JSON), eventtable.HTTP)
	i.check(t, "queue", f.invoke(t, eventtable.Named("sqs-batch").JSON), eventtable.FunctionError)
	checkLog(t, f.stop(), []eventtable.Event{eventtable.Named("function-url-get"), eventtable.Named("sqs-batch")})
}

// TestShellMalformed has texts that are no JSON. Lambda does not hand them over, and
// the other runtimes refuse them before the placeholder sees them; the bootstrap reads
// for itself.
func TestShellMalformed(t *testing.T) {
	t.Parallel()
	const v2 = `"version":"2.0","rawPath":"/","requestContext":{"http":{"method":"GET"}}`
	tests := map[string]string{
		"only space":               " \n",
		"not JSON":                 "GET / HTTP/1.1\r\n\r\n",
		"byte order mark":          "\uFEFF{" + v2 + "}",
		"cut off":                  "{" + v2,
		"cut off in a string":      `{` + v2 + `,"a`,
		"cut off behind an escape": `{` + v2 + `,"a":"\`,
		"text behind it":           "{" + v2 + "} x",
		"string behind it":         "{" + v2 + `} "x"`,
		"two values":               "{" + v2 + "}{" + v2 + "}",
		"bracket too many":         "{" + v2 + "}}",
		"brackets of two kinds":    "{" + v2 + `,"a":[}]`,
		"closed by another":        "{" + v2 + "]",
		"trailing comma":           "{" + v2 + ",}",
		"comma in an array":        "{" + v2 + `,"a":[1,]}`,
		"no comma":                 "{" + v2 + ` "a":1}`,
		"no colon":                 "{" + v2 + `,"a" 1}`,
		"no value":                 "{" + v2 + `,"a":}`,
		"no key":                   "{" + v2 + `,:1}`,
		"key is a number":          "{" + v2 + `,1:1}`,
		"single quotes":            strings.ReplaceAll("{"+v2+"}", `"`, "'"),
		"word without an end":      "{" + v2 + `,"a":` + strings.Repeat("1", 5000) + "}",
		"too deep":                 "{" + v2 + `,"a":` + strings.Repeat("[", 2000) + strings.Repeat("]", 2000) + "}",
		"key twice":                `{"version":"1.0",` + v2 + "}",
		"key twice, with a space":  "{" + v2 + `,"rawPath" : 1}`,
		"escaped key":              `{"route\u0041rn":"arn",` + v2 + "}",
		"escaped key in context":   `{"version":"2.0","rawPath":"/","requestContext":{"http":{"method":"GET"},"connection\u0049d":1}}`,
	}
	i := interpreters["shell"]
	f := i.start(t, "any.thing")
	i.check(t, "what they are made of", f.invoke(t, []byte("{"+v2+"}")), eventtable.HTTP)
	for what, event := range tests {
		i.check(t, what, f.invoke(t, []byte(event)), eventtable.FunctionError)
	}
	// Nothing of the event before is left.
	i.check(t, "request", f.invoke(t, []byte("{"+v2+"}")), eventtable.HTTP)
	i.check(t, "empty", f.invoke(t, nil), eventtable.FunctionError)
}

// TestShellGivesUp bounds the time that an event of very many values takes.
func TestShellGivesUp(t *testing.T) {
	t.Parallel()
	const v2 = `"version":"2.0","rawPath":"/","requestContext":{"http":{"method":"GET"}}`
	i := interpreters["shell"]
	f := i.start(t, "any.thing")
	i.check(t, "very many values", f.invoke(t, []byte("{"+v2+`,"a":[`+strings.Repeat("0,", 100_000)+"0]}")), eventtable.FunctionError)
}

// TestShellHandler has handlers that mean nothing to the bootstrap: all of them get
// the same.
func TestShellHandler(t *testing.T) {
	t.Parallel()
	want, err := seedzip.Build("provided.al2023", "bootstrap")
	if err != nil {
		t.Fatal(err)
	}
	for _, handler := range []string{"hello.handler", "not.used", "$(exit)", "../x", `';"`} {
		if got, err := seedzip.Build("provided.al2", handler); err != nil || string(got) != string(want) {
			t.Errorf("%s: another archive, or %v", handler, err)
		}
	}
}

// TestWithoutAName runs the placeholders where the environment has no name of the
// function, or a strange one.
func TestWithoutAName(t *testing.T) {
	t.Parallel()
	forEach(t, func(t *testing.T, i interpreter) {
		f := i.start(t, i.handler, "AWS_LAMBDA_FUNCTION_NAME=")
		var request response
		if err := json.Unmarshal(f.invoke(t, eventtable.Named("alb-get").JSON).Body, &request); err != nil {
			t.Fatal(err)
		}
		if want := `{"message":"This Lambda function still runs its placeholder package: the application has not been deployed yet. Try again later."}`; request.Body != want {
			t.Errorf("the body is %s", request.Body)
		}
		var failure struct{ ErrorMessage string }
		if err := json.Unmarshal(f.invoke(t, eventtable.Named("sqs-batch").JSON).Body, &failure); err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("--function-name %s --zip-file fileb://PACKAGE.zip", "FUNCTION"); !strings.Contains(failure.ErrorMessage, want) {
			t.Errorf("the message is %s", failure.ErrorMessage)
		}
	})
}
