// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"reflect"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambda/messages"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/bootstrap/eventtable"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/bootstrap/localruntime"
)

// envAWSClient makes the test binary a Lambda function on AWS's own runtime client.
const envAWSClient = "LAMBDASEED_TEST_AWS_CLIENT"

func TestMain(m *testing.M) {
	if os.Getenv(envAWSClient) != "" {
		lambda.Start(handleWithAWSClient) // does not return
	}
	m.Run()
}

// handleWithAWSClient does what a placeholder does, in the way in which a function
// is usually written: it tells events apart, and shapes answers, by AWS's types.
func handleWithAWSClient(_ context.Context, event json.RawMessage) (any, error) {
	p, _ := newPlaceholder(os.LookupEnv)
	single, multi := map[string]string{}, map[string][]string{}
	for _, f := range p.headers() {
		single[f.name], multi[f.name] = f.value, []string{f.value}
	}
	var failure messages.InvokeResponse_Error
	if err := json.Unmarshal(p.failure(), &failure); err != nil {
		return nil, err
	}

	var authorizer struct {
		MethodARN     string         `json:"methodArn"`
		RouteARN      string         `json:"routeArn"`
		Authorization string         `json:"authorizationToken"`
		Records       []any          `json:"Records"`
		DetailType    string         `json:"detail-type"`
		Context       map[string]any `json:"requestContext"`
	}
	_ = json.Unmarshal(event, &authorizer) // not every event is an object
	if authorizer.MethodARN+authorizer.RouteARN+authorizer.Authorization+authorizer.DetailType != "" || authorizer.Records != nil {
		return nil, failure
	}
	var socket events.APIGatewayWebsocketProxyRequest
	if json.Unmarshal(event, &socket) == nil && socket.RequestContext.ConnectionID != "" {
		return nil, failure
	}
	var balancer events.ALBTargetGroupRequest
	if json.Unmarshal(event, &balancer) == nil && balancer.RequestContext.ELB.TargetGroupArn != "" {
		answer := events.ALBTargetGroupResponse{StatusCode: p.statusCode, Body: p.body}
		if balancer.MultiValueHeaders != nil {
			answer.MultiValueHeaders = multi
		} else {
			answer.Headers = single
		}
		return answer, nil
	}
	var v2 events.APIGatewayV2HTTPRequest
	if json.Unmarshal(event, &v2) == nil && v2.RequestContext.HTTP.Method != "" {
		return events.APIGatewayV2HTTPResponse{StatusCode: p.statusCode, Headers: single, Body: p.body}, nil
	}
	// AWS has no types for VPC Lattice; its answer is that of API Gateway.
	var v1 events.APIGatewayProxyRequest
	if json.Unmarshal(event, &v1) == nil && v1.HTTPMethod != "" && v1.RequestContext.HTTPMethod != "" || authorizer.Context["serviceNetworkArn"] != nil {
		return events.APIGatewayProxyResponse{StatusCode: p.statusCode, Headers: single, Body: p.body}, nil
	}
	return nil, failure
}

// TestSameAsAWSClient runs the program and a function on AWS's runtime client
// against the same Runtime API and compares what both send.
//
// What may differ: AWS's types write members that are null or empty, its client
// frames its requests in chunks, describes errors to X-Ray, and leaves the header
// Lambda-Runtime-Function-Error-Type to the body, where the type is as well.
func TestSameAsAWSClient(t *testing.T) {
	t.Parallel()
	variables := map[string]map[string]string{
		"default answer":    {},
		"configured answer": {envStatusCode: "429", envContentType: "text/plain; charset=utf-8", envBodyBase64: "w6kKPGI+IiYnCQ=="},
	}
	cases := map[string][]byte{
		"invalid JSON": []byte("{"),
		"not JSON":     []byte("GET /"),
		"empty":        {},
	}
	for _, event := range eventtable.All() {
		cases[event.Name] = event.JSON
	}
	for name, env := range variables {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			env["AWS_LAMBDA_FUNCTION_NAME"] = "app"
			ours, theirs := startOurs(t, env), startTheirs(t, env)
			for name, event := range cases {
				got, want := sent(t, ours, event), sent(t, theirs, event)
				if got.Outcome != want.Outcome || got.RequestID != want.RequestID {
					t.Errorf("%s: got %s for %s, AWS's client sends %s for %s", name, got.Outcome, got.RequestID, want.Outcome, want.RequestID)
				}
				if got, want := got.Header.Get("Content-Type"), want.Header.Get("Content-Type"); got != want {
					t.Errorf("%s: got the content type %q, AWS's client sends %q", name, got, want)
				}
				if !json.Valid(event) {
					continue // AWS's client fails on its own and says so in its own words
				}
				if got, want := meaning(t, got.Body), meaning(t, want.Body); !reflect.DeepEqual(got, want) {
					t.Errorf("%s: got %v, AWS's client sends %v", name, got, want)
				}
			}
		})
	}
}

// startOurs starts the program in this process and returns its Runtime API.
func startOurs(t *testing.T, env map[string]string) *localruntime.Server {
	t.Helper()
	api := startRuntimeAPI(t)
	variables := map[string]string{"AWS_LAMBDA_RUNTIME_API": api.Address()}
	for name, value := range env {
		variables[name] = value
	}
	exited := make(chan struct{})
	go func() {
		run(environment(variables), t.Output())
		close(exited)
	}()
	t.Cleanup(func() {
		_ = api.Close() // makes the program end
		<-exited
	})
	return api
}

// startTheirs starts a function on AWS's runtime client and returns its Runtime API.
func startTheirs(t *testing.T, env map[string]string) *localruntime.Server {
	t.Helper()
	api := startRuntimeAPI(t)
	cmd := exec.CommandContext(t.Context(), os.Args[0]) //nolint:gosec // this very test binary
	cmd.Env = []string{envAWSClient + "=1", "AWS_LAMBDA_RUNTIME_API=" + api.Address()}
	for name, value := range env {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may be gone already
		_ = cmd.Wait()         // an error, since it was killed
	})
	return api
}

func startRuntimeAPI(t *testing.T) *localruntime.Server {
	t.Helper()
	api, err := localruntime.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = api.Close() })
	return api
}

func sent(t *testing.T, api *localruntime.Server, event []byte) localruntime.Result {
	t.Helper()
	result, err := api.Invoke(t.Context(), localruntime.Invocation{Event: event, Header: http.Header{"X-Unknown": {"a"}}})
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// meaning returns a payload without the members that say nothing.
func meaning(t *testing.T, payload []byte) map[string]any {
	t.Helper()
	var members map[string]any
	if err := json.Unmarshal(payload, &members); err != nil {
		t.Fatalf("%s: %v", payload, err)
	}
	for name, value := range members {
		if value == nil || reflect.ValueOf(value).IsZero() || reflect.DeepEqual(value, []any{}) {
			delete(members, name)
		}
	}
	return members
}
