// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package main

import "errors"

// kind is what an event is, in the words of the log.
type kind string

// The kinds of events. Only those that are HTTP requests are told apart further: the
// others all get the same function error.
const (
	apiGatewayV1  kind = "api-gateway-v1" // REST API, and HTTP API with payload format 1.0
	apiGatewayV2  kind = "api-gateway-v2" // HTTP API with payload format 2.0, and function URL
	alb           kind = "alb"
	albMultiValue kind = "alb-multi-value" // target group with multi-value headers
	vpcLatticeV2  kind = "vpc-lattice-v2"
	authorizer    kind = "authorizer" // of API Gateway or AppSync
	webSocket     kind = "websocket"  // of API Gateway
	other         kind = "other"
	invalid       kind = "invalid" // not JSON, or not clear what it says
)

// isHTTP reports whether whoever sent the event expects an HTTP answer.
func (k kind) isHTTP() bool {
	switch k {
	case apiGatewayV1, apiGatewayV2, alb, albMultiValue, vpcLatticeV2:
		return true
	}
	return false
}

// recognise tells what an event is, from the members that the services document for
// theirs. An event is an HTTP request only if it shows everything that makes one,
// and nothing that belongs to something else: a wrong yes would be success for an
// event that nobody has processed.
//
// Sources: API Gateway Developer Guide, "Input format of a Lambda function for
// proxy integration", "AWS Lambda proxy integrations for HTTP APIs", "Input to an
// API Gateway Lambda authorizer"; Lambda Developer Guide, "Invoking Lambda function
// URLs"; user guides of Application Load Balancers and of VPC Lattice, "Lambda
// functions as targets".
func recognise(event []byte) kind {
	top, err := parseObject(event)
	switch {
	case errors.Is(err, errNotAnObject):
		return other
	case err != nil:
		return invalid
	}
	context := top.object("requestContext")
	switch {
	case top.has("methodArn", "routeArn", "authorizationToken", "identitySource", "type"):
		return authorizer
	case top.has("Records", "records", "eventSource", "detail-type"):
		return other // of a queue, a stream or a bus, whatever else is in it
	case context == nil:
		return other
	case context.has("connectionId", "eventType"):
		// A message over a WebSocket has no HTTP answer, and a client whose
		// connection is refused tries again.
		return webSocket
	case isALB(top, context):
		if top.object("multiValueHeaders") != nil {
			return albMultiValue
		}
		return alb
	case isAPIGatewayV2(top, context):
		return apiGatewayV2
	case isAPIGatewayV1(top):
		return apiGatewayV1
	case isVPCLatticeV2(top, context):
		return vpcLatticeV2
	}
	return other
}

func isALB(top, context object) bool {
	return top.isString("httpMethod") && top.isString("path") && context.object("elb").isString("targetGroupArn")
}

func isAPIGatewayV2(top, context object) bool {
	return isVersion2(top) && top.isString("rawPath") && context.object("http").isString("method")
}

// isAPIGatewayV1 is for an event that has a request context.
func isAPIGatewayV1(top object) bool {
	return top.isString("httpMethod") && top.isString("path") && top.isString("resource")
}

// isVPCLatticeV2 knows the event structure 2.0 of VPC Lattice, the default since
// 2023. The older one has no mark that nobody else could have, so it stays a
// function error, which VPC Lattice turns into an HTTP error of its own.
func isVPCLatticeV2(top, context object) bool {
	return isVersion2(top) && top.isString("method") && top.isString("path") &&
		context.isString("serviceNetworkArn") && context.isString("targetGroupArn")
}

func isVersion2(top object) bool {
	return string(top["version"]) == `"2.0"`
}
