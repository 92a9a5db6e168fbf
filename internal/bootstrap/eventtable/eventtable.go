// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

// Package eventtable lists events that Lambda functions receive, in the shapes that
// AWS documents, and tells what a placeholder has to do with each. Every placeholder
// is tested with the same table, in whichever language its program is. It is for
// tests and the demo only.
package eventtable

import (
	"embed"
	"fmt"
	"path"
	"strings"
)

// Answer is what a placeholder does with an event.
type Answer string

// The answers of a placeholder.
const (
	// FunctionError is the answer to everything that is not an HTTP request.
	FunctionError Answer = "function error"
	// HTTP is an answer with "headers".
	HTTP Answer = "HTTP"
	// HTTPMultiValue is an answer with "multiValueHeaders" and no "headers".
	HTTPMultiValue Answer = "HTTP with multi-value headers"
)

// Event is one event of the table.
type Event struct {
	// Name tells the trigger and the variant, such as "sqs-fifo".
	Name string
	// JSON is the event as the function receives it.
	JSON []byte
	// Kind is what the log of a placeholder calls the event.
	Kind string
	// Answer is what a placeholder has to do with it.
	Answer Answer
}

//go:embed events/*.json
var files embed.FS

// All returns all events, ordered by name.
func All() []Event {
	entries, err := files.ReadDir("events")
	if err != nil {
		panic(err) // they are embedded
	}
	events := make([]Event, 0, len(entries))
	for _, entry := range entries {
		content, err := files.ReadFile(path.Join("events", entry.Name()))
		if err != nil {
			panic(err) // they are embedded
		}
		e := Event{Name: strings.TrimSuffix(entry.Name(), ".json"), JSON: content}
		e.Kind, e.Answer = classify(e.Name)
		events = append(events, e)
	}
	return events
}

// Named returns the event called name. It panics if there is none.
func Named(name string) Event {
	for _, e := range All() {
		if e.Name == name {
			return e
		}
	}
	panic(fmt.Sprintf("no event is called %q", name))
}

// special holds the kind of each event that is not just "other".
var special = map[string]string{
	"api-gateway-rest-get":                   "api-gateway-v1",
	"api-gateway-rest-post-binary":           "api-gateway-v1",
	"api-gateway-rest-console-test":          "api-gateway-v1",
	"api-gateway-http-1.0":                   "api-gateway-v1",
	"api-gateway-http-2.0-get":               "api-gateway-v2",
	"api-gateway-http-2.0-post-jwt":          "api-gateway-v2",
	"api-gateway-http-2.0-lambda-authorizer": "api-gateway-v2",
	"function-url-get":                       "api-gateway-v2",
	"function-url-post-iam":                  "api-gateway-v2",
	"alb-get":                                "alb",
	"alb-health-check":                       "alb",
	"alb-multi-value-headers":                "alb-multi-value",
	"vpc-lattice-2.0":                        "vpc-lattice-v2",
	"authorizer-rest-token":                  "authorizer",
	"authorizer-rest-request":                "authorizer",
	"authorizer-http-1.0":                    "authorizer",
	"authorizer-http-2.0":                    "authorizer",
	"appsync-authorizer":                     "authorizer",
	"websocket-authorizer":                   "authorizer",
	"websocket-connect":                      "websocket",
	"websocket-message":                      "websocket",
	"websocket-disconnect":                   "websocket",
}

// classify returns the kind of an event and the answer to it.
func classify(name string) (kind string, answer Answer) {
	kind, ok := special[name]
	if !ok {
		kind = "other"
	}
	switch kind {
	case "api-gateway-v1", "api-gateway-v2", "alb", "vpc-lattice-v2":
		return kind, HTTP
	case "alb-multi-value":
		return kind, HTTPMultiValue
	}
	return kind, FunctionError
}
