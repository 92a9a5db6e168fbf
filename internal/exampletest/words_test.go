// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package exampletest_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/bootstrap/eventtable"
)

const answerGuide = "docs/guides/placeholder-answers.md"

// TestGuidesQuoteThePlaceholder compares what the guides say that the placeholder
// says with its program.
func TestGuidesQuoteThePlaceholder(t *testing.T) {
	t.Parallel()
	program := read(t, "internal/bootstrap/program/answer.go")
	for _, quote := range []string{
		" still runs its placeholder image: the application has not been deployed yet. Try again later.",
		" still runs its placeholder image, so this event was not processed. Deploy the application's image, for example with",
		"Function.PlaceholderImage",
	} {
		if !strings.Contains(program, quote) {
			t.Errorf("the program does not say %q: see what the guides quote", quote)
		}
		if !strings.Contains(read(t, "docs/guides/local-testing.md"), quote) {
			t.Errorf("the guide on local testing does not quote %q", quote)
		}
	}
}

// inGuide says by what words the guide calls the trigger of an event, by the
// beginning of the event's name.
var inGuide = map[string]string{
	"alb-":                          "Application Load Balancer",
	"alexa":                         "Alexa",
	"api-gateway-http-":             "API Gateway, HTTP API",
	"api-gateway-rest-":             "API Gateway, REST API with proxy integration",
	"api-gateway-rest-mapping-":     "REST API without proxy integration",
	"appsync-authorizer":            "Lambda authorizers, of API Gateway and of AppSync",
	"appsync-":                      "AppSync resolvers",
	"authorizer-":                   "Lambda authorizers",
	"bedrock-":                      "Bedrock agents",
	"client-vpn-":                   "Client VPN",
	"cloudformation-":               "CloudFormation, custom resource",
	"cloudfront-":                   "Lambda@Edge",
	"cloudwatch-alarm":              "CloudWatch alarms",
	"cloudwatch-logs":               "CloudWatch Logs",
	"codecommit":                    "CodeCommit",
	"codepipeline-":                 "CodePipeline",
	"cognito-":                      "Cognito triggers",
	"config-":                       "Config",
	"connect":                       "Connect",
	"direct-invoke-":                "Direct invocation",
	"documentdb":                    "Amazon DocumentDB",
	"dynamodb":                      "DynamoDB Streams",
	"ecr-":                          "EventBridge rules",
	"eventbridge-":                  "EventBridge rules",
	"eventbridge-pipe-":             "EventBridge Pipes",
	"eventbridge-schedule":          "EventBridge rules",
	"eventbridge-scheduler":         "EventBridge Scheduler",
	"firehose-":                     "Data Firehose, transformation",
	"function-url-":                 "Function URL",
	"iot-custom-authorizer":         "IoT authorizers",
	"iot-pre-provisioning-":         "IoT provisioning hooks",
	"iot-rule":                      "IoT rules",
	"kinesis":                       "Kinesis",
	"kinesis-analytics-":            "Kinesis Data Analytics",
	"lambda-destination":            "Lambda destinations",
	"lex-":                          "Lex",
	"mq-":                           "Amazon MQ",
	"msk":                           "Amazon MSK",
	"s3":                            "S3",
	"s3-batch":                      "S3 Batch Operations",
	"s3-object-lambda":              "S3 Object Lambda",
	"secretsmanager-":               "Secrets Manager, rotation",
	"self-managed-kafka":            "self-managed Kafka",
	"ses":                           "SES",
	"sns":                           "SNS",
	"sqs-":                          "SQS",
	"sqs-fifo":                      "SQS FIFO",
	"step-functions-":               "Step Functions, task",
	"step-functions-wait-for-token": "Step Functions, task that waits for a token",
	"transfer-family-":              "AWS Transfer Family",
	"vpc-lattice-1.0":               "VPC Lattice, event structure 1.0",
	"vpc-lattice-2.0":               "VPC Lattice, event structure 2.0",
	"warm-up":                       "Warm-up calls",
	"websocket-":                    "API Gateway, WebSocket API",
}

// TestGuideKnowsEveryTrigger looks for every event of the table in the guide:
// HTTP ones where HTTP callers are listed, and all others in the other table.
func TestGuideKnowsEveryTrigger(t *testing.T) {
	t.Parallel()
	http, rest, ok := strings.Cut(read(t, answerGuide), "## Everything else")
	if !ok {
		t.Fatalf("%s has no other table", answerGuide)
	}
	beginnings := slices.Collect(maps.Keys(inGuide))
	for _, event := range eventtable.All() {
		longest := ""
		for _, beginning := range beginnings {
			if strings.HasPrefix(event.Name, beginning) && len(beginning) > len(longest) {
				longest = beginning
			}
		}
		words := inGuide[longest]
		// What gets an error and comes from an HTTP service stands with those.
		where := http + rest
		if event.Answer != eventtable.FunctionError {
			where = http
		}
		if words == "" || !strings.Contains(where, words) {
			t.Errorf("the guide does not say what happens with the event %s (%s), which gets: %s", event.Name, words, event.Answer)
		}
	}
}
