// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

import (
	"maps"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// sqsService is SQS as far as an event source needs it: queues that exist, with
// attributes and tags. Nothing is ever sent.
type sqsService struct {
	srv *Server

	mu     sync.Mutex
	queues map[string]*queue // by ARN
}

type queue struct {
	url, arn   string
	attributes map[string]string
	tags       map[string]string
}

// newSQS makes SQS. Source: SQS API reference, JSON protocol.
func newSQS(s *Server) *service {
	q := &sqsService{srv: s, queues: map[string]*queue{}}
	s.sqs = q
	return &service{name: serviceSQS, protocol: protocolJSON11, target: "AmazonSQS", operations: map[string]operation{
		"CreateQueue":        {handle: jsonHandler(q.createQueue)},
		"GetQueueUrl":        {handle: jsonHandler(q.getQueueURL)},
		"GetQueueAttributes": {handle: jsonHandler(q.getAttributes)},
		"SetQueueAttributes": {handle: jsonHandler(q.setAttributes)},
		"DeleteQueue":        {handle: jsonHandler(q.deleteQueue)},
		"ListQueueTags":      {handle: jsonHandler(q.listTags)},
		"TagQueue":           {handle: jsonHandler(q.tagQueue)},
		"UntagQueue":         {handle: jsonHandler(q.untagQueue)},
	}}
}

type queueInput struct {
	QueueName  string            `json:"QueueName"`
	QueueURL   string            `json:"QueueUrl"`
	Attributes map[string]string `json:"Attributes"`
	// CreateQueue alone writes tags in lower case. Source: service model.
	CreateTags map[string]string `json:"tags"`
	Tags       map[string]string `json:"Tags"`
	TagKeys    []string          `json:"TagKeys"`
}

type queueOutput struct {
	QueueURL   string            `json:"QueueUrl,omitempty"`
	Attributes map[string]string `json:"Attributes,omitempty"`
	Tags       map[string]string `json:"Tags,omitempty"`
}

var queueNamePattern = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)

func (q *sqsService) createQueue(c *call, in *queueInput) (*queueOutput, error) {
	fifo := in.Attributes["FifoQueue"] == "true"
	if !queueNamePattern.MatchString(strings.TrimSuffix(in.QueueName, ".fifo")) || fifo != strings.HasSuffix(in.QueueName, ".fifo") {
		return nil, clientError("InvalidParameterValue", "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
	}
	_, suffix := partitionOf(c.Region)
	created := &queue{
		url: "https://sqs." + c.Region + "." + suffix + "/" + c.Account + "/" + in.QueueName,
		arn: arn(c.Region, "sqs", c.Region, c.Account, in.QueueName),
		attributes: map[string]string{
			"VisibilityTimeout": "30", "MessageRetentionPeriod": "345600", "ReceiveMessageWaitTimeSeconds": "0", "DelaySeconds": "0",
			"MaximumMessageSize": "262144", "SqsManagedSseEnabled": "true",
		},
		tags: map[string]string{},
	}
	maps.Copy(created.attributes, in.Attributes)
	created.attributes["QueueArn"] = created.arn
	maps.Copy(created.tags, in.CreateTags)
	maps.Copy(created.tags, in.Tags)
	q.mu.Lock()
	defer q.mu.Unlock()
	if existing, ok := q.queues[created.arn]; ok && !maps.Equal(existing.attributes, created.attributes) {
		return nil, clientError("QueueNameExists", "A queue already exists with the same name and a different value for attribute(s)")
	}
	q.queues[created.arn] = created
	return &queueOutput{QueueURL: created.url}, nil
}

// with finds the queue of the input's URL, or of a name, and hands it over.
func (q *sqsService) with(c *call, in *queueInput, f func(*queue) *queueOutput) (*queueOutput, error) {
	name := in.QueueName
	if name == "" {
		name = in.QueueURL[strings.LastIndex(in.QueueURL, "/")+1:]
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	found, ok := q.queues[arn(c.Region, "sqs", c.Region, c.Account, name)]
	if !ok {
		return nil, clientError("com.amazonaws.sqs#QueueDoesNotExist", "The specified queue does not exist.")
	}
	return f(found), nil
}

func (q *sqsService) getQueueURL(c *call, in *queueInput) (*queueOutput, error) {
	return q.with(c, in, func(found *queue) *queueOutput { return &queueOutput{QueueURL: found.url} })
}

func (q *sqsService) getAttributes(c *call, in *queueInput) (*queueOutput, error) {
	return q.with(c, in, func(found *queue) *queueOutput { return &queueOutput{Attributes: maps.Clone(found.attributes)} })
}

func (q *sqsService) setAttributes(c *call, in *queueInput) (*queueOutput, error) {
	return q.with(c, in, func(found *queue) *queueOutput {
		for name, value := range in.Attributes {
			found.attributes[name] = value
			if value == "" {
				delete(found.attributes, name)
			}
		}
		return &queueOutput{}
	})
}

func (q *sqsService) deleteQueue(c *call, in *queueInput) (*queueOutput, error) {
	return q.with(c, in, func(found *queue) *queueOutput {
		delete(q.queues, found.arn)
		return &queueOutput{}
	})
}

func (q *sqsService) listTags(c *call, in *queueInput) (*queueOutput, error) {
	return q.with(c, in, func(found *queue) *queueOutput { return &queueOutput{Tags: maps.Clone(found.tags)} })
}

func (q *sqsService) tagQueue(c *call, in *queueInput) (*queueOutput, error) {
	return q.with(c, in, func(found *queue) *queueOutput {
		maps.Copy(found.tags, in.Tags)
		return &queueOutput{}
	})
}

func (q *sqsService) untagQueue(c *call, in *queueInput) (*queueOutput, error) {
	return q.with(c, in, func(found *queue) *queueOutput {
		for _, key := range in.TagKeys {
			delete(found.tags, key)
		}
		return &queueOutput{}
	})
}

// visibilityOf is a queue's visibility timeout in seconds; ok is false for a
// source that is no queue known here.
func (q *sqsService) visibilityOf(source string) (seconds int32, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	found, ok := q.queues[source]
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(found.attributes["VisibilityTimeout"], 10, 32)
	return int32(n), err == nil
}
