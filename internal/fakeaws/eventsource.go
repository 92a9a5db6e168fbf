// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// eventSourceMapping connects a queue or stream with a function. It is only
// kept: nothing is ever polled.
type eventSourceMapping struct {
	id        string
	key       regionKey
	source    string
	function  string // ARN, with a qualifier if one was given
	enabled   bool
	state     string
	lag       int
	modified  time.Time
	tags      map[string]string
	settings  mappingSettings
	startFrom string
}

// mappingSettings are the numbers and lists of a mapping.
type mappingSettings struct {
	BatchSize                      *int32          `json:"BatchSize,omitempty"`
	MaximumBatchingWindowInSeconds *int32          `json:"MaximumBatchingWindowInSeconds,omitempty"`
	MaximumRecordAgeInSeconds      *int32          `json:"MaximumRecordAgeInSeconds,omitempty"`
	MaximumRetryAttempts           *int32          `json:"MaximumRetryAttempts,omitempty"`
	ParallelizationFactor          *int32          `json:"ParallelizationFactor,omitempty"`
	BisectBatchOnFunctionError     *bool           `json:"BisectBatchOnFunctionError,omitempty"`
	FunctionResponseTypes          *[]string       `json:"FunctionResponseTypes,omitempty"`
	FilterCriteria                 json.RawMessage `json:"FilterCriteria,omitempty"`
	DestinationConfig              json.RawMessage `json:"DestinationConfig,omitempty"`
}

type mappingInput struct {
	mappingSettings
	FunctionName     string            `json:"FunctionName"`
	EventSourceARN   string            `json:"EventSourceArn"`
	Enabled          *bool             `json:"Enabled"`
	StartingPosition string            `json:"StartingPosition"`
	Tags             map[string]string `json:"Tags"`
}

type mappingOutput struct {
	mappingSettings
	UUID                  string    `json:"UUID"`
	ARN                   string    `json:"EventSourceMappingArn"`
	EventSourceARN        string    `json:"EventSourceArn"`
	FunctionARN           string    `json:"FunctionArn"`
	LastModified          epochTime `json:"LastModified"`
	LastProcessingResult  string    `json:"LastProcessingResult,omitempty"`
	StartingPosition      string    `json:"StartingPosition,omitempty"`
	State                 string    `json:"State"`
	StateTransitionReason string    `json:"StateTransitionReason"`
}

func (l *lambdaService) mappingOperations() map[string]operation {
	return map[string]operation{
		"CreateEventSourceMapping": {handle: jsonHandler(l.createMapping)},
		"GetEventSourceMapping":    {handle: l.getMapping},
		"ListEventSourceMappings":  {handle: l.listMappings},
		"UpdateEventSourceMapping": {handle: jsonHandler(l.updateMapping)},
		"DeleteEventSourceMapping": {handle: l.deleteMapping},
	}
}

// look reads a mapping; a change is done after the looks that a change takes.
func (m *eventSourceMapping) look() {
	if m.lag > 0 {
		m.lag--
		return
	}
	if m.state != "Deleting" {
		m.state = map[bool]string{true: "Enabled", false: "Disabled"}[m.enabled]
	}
}

func (m *eventSourceMapping) present() mappingOutput {
	return mappingOutput{
		mappingSettings: m.settings, UUID: m.id, EventSourceARN: m.source, FunctionARN: m.function,
		ARN:          arn(m.key.Region, "lambda", m.key.Region, m.key.Account, "event-source-mapping:"+m.id),
		LastModified: epochTime{m.modified}, StartingPosition: m.startFrom, State: m.state,
		StateTransitionReason: "USER_INITIATED",
	}
}

func (l *lambdaService) createMapping(c *call, in *mappingInput) (*reply, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	target, refusal := l.mappingTarget(c, in.FunctionName, in.EventSourceARN)
	if refusal != nil {
		return nil, refusal
	}
	key := regionKey{c.Account, c.Region}
	for _, m := range l.mappings[key] {
		if m.source == in.EventSourceARN && m.function == target {
			service := strings.ToUpper(sourceService(in.EventSourceARN))
			return nil, conflict(`An event source mapping with %s arn (" %s ") and function (" %s ") already exists. Please update or delete the existing mapping with UUID %s`,
				service, in.EventSourceARN, target, m.id)
		}
	}
	m := &eventSourceMapping{
		id: newRequestID(), key: key, source: in.EventSourceARN, function: target, enabled: in.Enabled == nil || *in.Enabled,
		state: "Creating", lag: l.lag(), modified: l.srv.clock.now(), tags: maps.Clone(in.Tags), settings: in.mappingSettings, startFrom: in.StartingPosition,
	}
	if m.tags == nil {
		m.tags = map[string]string{}
	}
	if m.settings.BatchSize == nil { // API reference: 10 for queues, 100 for streams
		size := int32(100)
		if sourceService(m.source) == "sqs" {
			size = 10
		}
		m.settings.BatchSize = &size
	}
	if l.mappings[key] == nil {
		l.mappings[key] = map[string]*eventSourceMapping{}
	}
	l.mappings[key][m.id] = m
	return &reply{Status: http.StatusAccepted, Body: m.present()}, nil
}

func sourceService(source string) string {
	part := strings.SplitN(source, ":", 6)
	if len(part) < 6 {
		return ""
	}
	return part[2]
}

// mappingTarget finds the function of a mapping and sees that it suits the
// source. l.mu must be held.
func (l *lambdaService) mappingTarget(c *call, functionName, source string) (string, *apiError) {
	fn, ref, refusal := l.findNamed(c, functionName)
	if refusal != nil {
		return "", refusal
	}
	if _, refusal := fn.version(ref.qualifier); refusal != nil {
		return "", refusal
	}
	if sourceService(source) == "" {
		return "", invalidValue("Unrecognized event source.")
	}
	// Source: Lambda developer guide, with-sqs (visibility timeout).
	if visibility, ok := l.srv.sqs.visibilityOf(source); ok && visibility < fn.latest.config.Timeout {
		return "", invalidValue("Queue visibility timeout: %d seconds is less than Function timeout: %d seconds", visibility, fn.latest.config.Timeout)
	}
	target := functionARN(fn.key, fn.name)
	if ref.qualifier != "" {
		target += ":" + ref.qualifier
	}
	return target, nil
}

// mapping finds the mapping in the call's path; l.mu must be held.
func (l *lambdaService) mapping(c *call) (*eventSourceMapping, *apiError) {
	m := l.mappings[regionKey{c.Account, c.Region}][segments(c)[0]]
	if m == nil {
		return nil, userError(http.StatusNotFound, "ResourceNotFoundException", "The resource you requested does not exist.")
	}
	return m, nil
}

func (l *lambdaService) getMapping(c *call) (any, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	m, refusal := l.mapping(c)
	if refusal != nil {
		return nil, refusal
	}
	m.look()
	if m.state == "Deleting" && m.lag == 0 {
		delete(l.mappings[m.key], m.id)
	}
	return m.present(), nil
}

func (l *lambdaService) listMappings(c *call) (any, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := struct {
		Mappings []mappingOutput `json:"EventSourceMappings"`
	}{[]mappingOutput{}}
	all := l.mappings[regionKey{c.Account, c.Region}]
	for _, id := range slices.Sorted(maps.Keys(all)) {
		out.Mappings = append(out.Mappings, all[id].present())
	}
	return out, nil
}

func (l *lambdaService) updateMapping(c *call, in *mappingInput) (*reply, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	m, refusal := l.mapping(c)
	if refusal != nil {
		return nil, refusal
	}
	if refusal := m.inUse(); refusal != nil {
		return nil, refusal
	}
	if in.FunctionName != "" {
		target, refusal := l.mappingTarget(c, in.FunctionName, m.source)
		if refusal != nil {
			return nil, refusal
		}
		m.function = target
	}
	overlay(&m.settings, in.mappingSettings)
	m.state = "Updating"
	if in.Enabled != nil && *in.Enabled != m.enabled {
		m.enabled = *in.Enabled
		m.state = map[bool]string{true: "Enabling", false: "Disabling"}[m.enabled]
	}
	m.lag, m.modified = l.lag(), l.srv.clock.now()
	return &reply{Status: http.StatusAccepted, Body: m.present()}, nil
}

// overlay puts those settings over the mapping's that were sent.
func overlay(s *mappingSettings, in mappingSettings) {
	for _, pair := range []struct{ target, given **int32 }{
		{&s.BatchSize, &in.BatchSize},
		{&s.MaximumBatchingWindowInSeconds, &in.MaximumBatchingWindowInSeconds},
		{&s.MaximumRecordAgeInSeconds, &in.MaximumRecordAgeInSeconds},
		{&s.MaximumRetryAttempts, &in.MaximumRetryAttempts},
		{&s.ParallelizationFactor, &in.ParallelizationFactor},
	} {
		if *pair.given != nil {
			*pair.target = *pair.given
		}
	}
	if in.BisectBatchOnFunctionError != nil {
		s.BisectBatchOnFunctionError = in.BisectBatchOnFunctionError
	}
	if in.FunctionResponseTypes != nil {
		s.FunctionResponseTypes = in.FunctionResponseTypes
	}
	takeRaw(&s.FilterCriteria, in.FilterCriteria, "")
	takeRaw(&s.DestinationConfig, in.DestinationConfig, "")
}

// inUse refuses a change while another is under way, and counts as a look.
func (m *eventSourceMapping) inUse() *apiError {
	if m.state == "Enabled" || m.state == "Disabled" {
		return nil
	}
	state := m.state
	m.look()
	return userError(http.StatusBadRequest, "ResourceInUseException",
		"Cannot update the event source mapping because it is in use: its state is %s", state)
}

func (l *lambdaService) deleteMapping(c *call) (any, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	m, refusal := l.mapping(c)
	if refusal != nil {
		return nil, refusal
	}
	if refusal := m.inUse(); refusal != nil {
		return nil, refusal
	}
	m.state, m.lag = "Deleting", l.lag()
	return &reply{Status: http.StatusAccepted, Body: m.present()}, nil
}

// EventSourceMapping is what a test sees of one.
type EventSourceMapping struct {
	UUID, EventSourceARN, FunctionARN, State string
	Enabled                                  bool
}

// EventSourceMappings lists those of a region of the default account, by source
// and function.
func (s *Server) EventSourceMappings(region string) []EventSourceMapping {
	l := s.lambda
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []EventSourceMapping
	for _, m := range l.mappings[regionKey{s.account, region}] {
		out = append(out, EventSourceMapping{m.id, m.source, m.function, m.state, m.enabled})
	}
	slices.SortFunc(out, func(a, b EventSourceMapping) int {
		return strings.Compare(fmt.Sprint(a.EventSourceARN, a.FunctionARN), fmt.Sprint(b.EventSourceARN, b.FunctionARN))
	})
	return out
}
