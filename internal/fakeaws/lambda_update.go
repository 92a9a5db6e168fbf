// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

import (
	"encoding/json"
	"net/http"
)

func (l *lambdaService) updateOperations() map[string]operation {
	return map[string]operation{
		"UpdateFunctionCode":          {handle: jsonHandler(l.updateFunctionCode)},
		"UpdateFunctionConfiguration": {handle: jsonHandler(l.updateFunctionConfiguration)},
	}
}

// settingsInput holds settings as they are sent: nil means left as they are.
type settingsInput struct {
	Description      *string           `json:"Description"`
	Role             *string           `json:"Role"`
	Handler          *string           `json:"Handler"`
	Runtime          *string           `json:"Runtime"`
	Timeout          *int32            `json:"Timeout"`
	MemorySize       *int32            `json:"MemorySize"`
	KMSKeyARN        *string           `json:"KMSKeyArn"`
	Environment      *environment      `json:"Environment"`
	ImageConfig      *imageConfig      `json:"ImageConfig"`
	Layers           *[]string         `json:"Layers"`
	VPCConfig        json.RawMessage   `json:"VpcConfig"`
	DeadLetterConfig *deadLetterConfig `json:"DeadLetterConfig"`
	TracingConfig    json.RawMessage   `json:"TracingConfig"`
	EphemeralStorage json.RawMessage   `json:"EphemeralStorage"`
	LoggingConfig    *loggingConfig    `json:"LoggingConfig"`
	SnapStart        json.RawMessage   `json:"SnapStart"`
}

func take[T any](target *T, given *T) {
	if given != nil {
		*target = *given
	}
}

func takeRaw(target *json.RawMessage, given json.RawMessage, standard string) {
	switch {
	case given != nil:
		*target = given
	case *target == nil && standard != "":
		*target = json.RawMessage(standard)
	}
}

// apply puts what was sent over what there was, and Lambda's defaults under it.
// An empty environment, image configuration or dead-letter target takes the
// setting away. Source: API reference, UpdateFunctionConfiguration.
func (in *settingsInput) apply(v *functionVersion, name string) {
	s := &v.config
	take(&v.description, in.Description)
	take(&s.Role, in.Role)
	take(&s.Handler, in.Handler)
	take(&s.Runtime, in.Runtime)
	take(&s.Timeout, in.Timeout)
	take(&s.MemorySize, in.MemorySize)
	take(&s.KMSKeyARN, in.KMSKeyARN)
	take(&s.Layers, in.Layers)
	if in.Environment != nil {
		s.Environment = in.Environment
		if len(in.Environment.Variables) == 0 {
			s.Environment = nil
		}
	}
	if in.ImageConfig != nil {
		s.ImageConfig = in.ImageConfig
		if imageConfigsEqual(in.ImageConfig, &imageConfig{}) {
			s.ImageConfig = nil
		}
	}
	if in.DeadLetterConfig != nil {
		s.DeadLetterConfig = in.DeadLetterConfig
		if in.DeadLetterConfig.TargetARN == "" {
			s.DeadLetterConfig = nil
		}
	}
	takeRaw(&s.VPCConfig, in.VPCConfig, "")
	takeRaw(&s.TracingConfig, in.TracingConfig, `{"Mode":"PassThrough"}`)
	takeRaw(&s.EphemeralStorage, in.EphemeralStorage, `{"Size":512}`)
	takeRaw(&s.SnapStart, nil, `{"ApplyOn":"None","OptimizationStatus":"Off"}`)
	if in.LoggingConfig != nil || s.LoggingConfig == nil {
		merged := loggingConfig{LogFormat: "Text", LogGroup: "/aws/lambda/" + name}
		if in.LoggingConfig != nil {
			if in.LoggingConfig.LogFormat != "" {
				merged.LogFormat = in.LoggingConfig.LogFormat
			}
			if in.LoggingConfig.LogGroup != "" {
				merged.LogGroup = in.LoggingConfig.LogGroup
			}
			merged.ApplicationLogLevel, merged.SystemLogLevel = in.LoggingConfig.ApplicationLogLevel, in.LoggingConfig.SystemLogLevel
		}
		s.LoggingConfig = &merged
	}
}

type updateCodeInput struct {
	codeInput
	Architectures []string `json:"Architectures"`
	Publish       bool     `json:"Publish"`
	DryRun        bool     `json:"DryRun"`
	RevisionID    string   `json:"RevisionId"`
}

// stale refuses a change that was made for another revision.
func (fn *function) stale(revision string) *apiError {
	if revision == "" || revision == fn.latest.revision {
		return nil
	}
	return userError(http.StatusPreconditionFailed, "PreconditionFailedException",
		"The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id")
}

func (l *lambdaService) updateFunctionCode(c *call, in *updateCodeInput) (*configuration, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fn, _, refusal := l.find(c)
	if refusal != nil {
		return nil, refusal
	}
	if refusal := fn.busy(); refusal != nil {
		return nil, refusal
	}
	if refusal := fn.stale(in.RevisionID); refusal != nil {
		return nil, refusal
	}
	// The package type cannot change. Source: API reference; words from memory.
	if packageType := fn.latest.code.packageType; packageType == "Image" && in.ImageURI == "" {
		return nil, invalidValue("Please provide ImageUri when updating a function with packageType Image.")
	} else if packageType == "Zip" && in.ImageURI != "" {
		return nil, invalidValue("Please don't provide ImageUri when updating a function with packageType Zip.")
	}
	code, failure, refusal := l.fetchCode(c, fn.latest.code.packageType, in.codeInput)
	if refusal != nil {
		return nil, refusal
	}
	if code.architectures = in.Architectures; len(code.architectures) == 0 {
		code.architectures = fn.latest.code.architectures
	}
	if in.DryRun {
		would := *fn.latest
		would.code = code
		out := fn.present(&would, "")
		return &out, nil
	}
	if failure != nil {
		previous := fn.latest.code
		failure.previous = &previous
	}
	fn.latest.code = code
	l.begin(fn, failure)
	out := fn.present(fn.latest, "")
	if in.Publish {
		published := fn.publish("")
		out = fn.present(published, published.number)
	}
	return &out, nil
}

type updateConfigurationInput struct {
	settingsInput
	RevisionID string `json:"RevisionId"`
}

func (l *lambdaService) updateFunctionConfiguration(c *call, in *updateConfigurationInput) (*configuration, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fn, _, refusal := l.find(c)
	if refusal != nil {
		return nil, refusal
	}
	if refusal := fn.busy(); refusal != nil {
		return nil, refusal
	}
	if refusal := fn.stale(in.RevisionID); refusal != nil {
		return nil, refusal
	}
	if in.Role != nil {
		if refusal := l.checkRole(*in.Role); refusal != nil {
			return nil, refusal
		}
	}
	in.apply(fn.latest, fn.name)
	l.begin(fn, nil)
	out := fn.present(fn.latest, "")
	return &out, nil
}
