// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

// Package eventrules says which events are HTTP requests. It is a table, and the one
// source for every placeholder, in whichever language its program is.
//
// Sources: API Gateway Developer Guide, "Input format of a Lambda function for
// proxy integration", "AWS Lambda proxy integrations for HTTP APIs", "Input to an
// API Gateway Lambda authorizer"; Lambda Developer Guide, "Invoking Lambda function
// URLs"; user guides of Application Load Balancers and of VPC Lattice, "Lambda
// functions as targets".
package eventrules

// Test is what a condition wants of a member.
type Test string

// The tests that a condition can make.
const (
	// Present wants the member to be there, whatever its value.
	Present Test = "present"
	// String wants a string.
	String Test = "string"
	// Object wants a JSON object.
	Object Test = "object"
	// Version2 wants the string "2.0".
	Version2 Test = "2.0"
)

// Condition is something that is true of an event or not.
type Condition struct {
	// Path names the member by the keys that lead to it, joined with dots. A path
	// goes through objects only, and none of its keys has a dot in it.
	Path string
	Test Test
}

// Headers is the member of the answer that carries HTTP headers.
type Headers string

// The ways to answer.
const (
	// Fail answers with a function error, so with no headers at all.
	Fail Headers = ""
	// Single answers with "headers".
	Single Headers = "headers"
	// Multi answers with "multiValueHeaders": a target group with multi-value
	// headers ignores the others (source: user guide of Application Load Balancers,
	// "Lambda functions as targets").
	Multi Headers = "multiValueHeaders"
)

// Rule tells one kind of event.
type Rule struct {
	// Kind is what the log calls the event.
	Kind string
	// Headers says how to answer it.
	Headers Headers
	// Conditions must all hold.
	Conditions []Condition
}

// Other is the kind of an event for which no rule holds. It gets a function error.
const Other = "other"

// Rules are looked at in this order, and the first that holds counts. What belongs
// to something else comes first, and an event is an HTTP request only if it shows
// everything that makes one: a wrong yes would be success for an event that nobody
// has processed. Do not modify it.
var Rules = []Rule{
	// Of API Gateway or AppSync.
	{"authorizer", Fail, []Condition{{"methodArn", Present}}},
	{"authorizer", Fail, []Condition{{"routeArn", Present}}},
	{"authorizer", Fail, []Condition{{"authorizationToken", Present}}},
	{"authorizer", Fail, []Condition{{"identitySource", Present}}},
	{"authorizer", Fail, []Condition{{"type", Present}}},

	// Of a queue, a stream or a bus, whatever else is in it.
	{Other, Fail, []Condition{{"Records", Present}}},
	{Other, Fail, []Condition{{"records", Present}}},
	{Other, Fail, []Condition{{"eventSource", Present}}},
	{Other, Fail, []Condition{{"detail-type", Present}}},

	// A message over a WebSocket has no HTTP answer, and a client whose connection
	// is refused tries again.
	{"websocket", Fail, []Condition{{"requestContext.connectionId", Present}}},
	{"websocket", Fail, []Condition{{"requestContext.eventType", Present}}},

	{"alb-multi-value", Multi, []Condition{
		{"requestContext.elb.targetGroupArn", String},
		{"httpMethod", String},
		{"path", String},
		{"multiValueHeaders", Object},
	}},
	{"alb", Single, []Condition{
		{"requestContext.elb.targetGroupArn", String},
		{"httpMethod", String},
		{"path", String},
	}},
	// HTTP API with payload format 2.0, and function URL.
	{"api-gateway-v2", Single, []Condition{
		{"version", Version2},
		{"rawPath", String},
		{"requestContext.http.method", String},
	}},
	// REST API, and HTTP API with payload format 1.0.
	{"api-gateway-v1", Single, []Condition{
		{"requestContext", Object},
		{"httpMethod", String},
		{"path", String},
		{"resource", String},
	}},
	// The event structure 2.0 of VPC Lattice, the default since 2023. The older one
	// has no mark that nobody else could have, so it stays a function error, which
	// VPC Lattice turns into an HTTP error of its own.
	{"vpc-lattice-v2", Single, []Condition{
		{"version", Version2},
		{"requestContext.serviceNetworkArn", String},
		{"requestContext.targetGroupArn", String},
		{"method", String},
		{"path", String},
	}},
}
