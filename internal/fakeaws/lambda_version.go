// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"
)

// functionVersion is a function's code and configuration, $LATEST or published.
type functionVersion struct {
	number string // "$LATEST" or "1", "2", …
	config functionSettings
	code   functionCode

	description, revision string
	modified              time.Time

	state, reasonCode, reason            string
	update, updateReasonCode, updateText string
	after                                *asyncFailure // what the change under way will come to, nil for good
}

// asyncFailure is a refusal that shows only after the call was accepted.
type asyncFailure struct {
	code, reason string
	previous     *functionCode // what an update falls back to
}

// functionSettings are the settings as UpdateFunctionConfiguration takes them.
// Blocks that nothing here looks into are kept as they came.
type functionSettings struct {
	Role             string            `json:"Role"`
	Handler          string            `json:"Handler,omitempty"`
	Runtime          string            `json:"Runtime,omitempty"`
	Timeout          int32             `json:"Timeout"`
	MemorySize       int32             `json:"MemorySize"`
	KMSKeyARN        string            `json:"KMSKeyArn,omitempty"`
	Environment      *environment      `json:"Environment,omitempty"`
	ImageConfig      *imageConfig      `json:"-"`
	Layers           []string          `json:"-"`
	VPCConfig        json.RawMessage   `json:"VpcConfig,omitempty"`
	DeadLetterConfig *deadLetterConfig `json:"DeadLetterConfig,omitempty"`
	TracingConfig    json.RawMessage   `json:"TracingConfig,omitempty"`
	EphemeralStorage json.RawMessage   `json:"EphemeralStorage,omitempty"`
	LoggingConfig    *loggingConfig    `json:"LoggingConfig,omitempty"`
	SnapStart        json.RawMessage   `json:"SnapStart,omitempty"`
}

type environment struct {
	Variables map[string]string `json:"Variables"`
}

type imageConfig struct {
	EntryPoint       []string `json:"EntryPoint,omitempty"`
	Command          []string `json:"Command,omitempty"`
	WorkingDirectory string   `json:"WorkingDirectory,omitempty"`
}

type deadLetterConfig struct {
	TargetARN string `json:"TargetArn"`
}

type loggingConfig struct {
	LogFormat           string `json:"LogFormat,omitempty"`
	LogGroup            string `json:"LogGroup,omitempty"`
	ApplicationLogLevel string `json:"ApplicationLogLevel,omitempty"`
	SystemLogLevel      string `json:"SystemLogLevel,omitempty"`
}

// functionCode is what a version runs. Of an image, the digest is what counts:
// a tag is resolved once. Source: Lambda developer guide, images-create.html.
type functionCode struct {
	packageType   string // Zip, Image
	architectures []string
	sha256        string // CodeSha256: base64 for a .zip, the digest's hex for an image
	size          int64

	imageURI   string // verbatim
	repository *repositoryRef
	digest     string

	zip []byte
}

// repositoryRef names an ECR repository.
type repositoryRef struct {
	key  regionKey
	name string
	host string
}

// configuration is FunctionConfiguration on the wire.
type configuration struct {
	functionSettings
	FunctionName               string         `json:"FunctionName"`
	FunctionARN                string         `json:"FunctionArn"`
	Description                string         `json:"Description"`
	CodeSize                   int64          `json:"CodeSize"`
	CodeSha256                 string         `json:"CodeSha256"`
	LastModified               string         `json:"LastModified"`
	Version                    string         `json:"Version"`
	RevisionID                 string         `json:"RevisionId"`
	PackageType                string         `json:"PackageType"`
	Architectures              []string       `json:"Architectures"`
	State                      string         `json:"State"`
	StateReason                string         `json:"StateReason,omitempty"`
	StateReasonCode            string         `json:"StateReasonCode,omitempty"`
	LastUpdateStatus           string         `json:"LastUpdateStatus,omitempty"`
	LastUpdateStatusReason     string         `json:"LastUpdateStatusReason,omitempty"`
	LastUpdateStatusReasonCode string         `json:"LastUpdateStatusReasonCode,omitempty"`
	ImageConfigResponse        *imageResponse `json:"ImageConfigResponse,omitempty"`
	LayerList                  []layerRef     `json:"Layers,omitempty"`
}

type imageResponse struct {
	ImageConfig *imageConfig `json:"ImageConfig,omitempty"`
}

type layerRef struct {
	ARN string `json:"Arn"`
}

// timestamp is how Lambda writes LastModified. Source: API reference.
func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000+0000") }

// present writes a version as FunctionConfiguration, under an ARN that ends as
// the caller asked for it.
func (fn *function) present(v *functionVersion, qualifier string) configuration {
	arn := functionARN(fn.key, fn.name)
	if qualifier != "" {
		arn += ":" + qualifier
	}
	out := configuration{
		functionSettings: v.config, FunctionName: fn.name, FunctionARN: arn, Description: v.description,
		CodeSize: v.code.size, CodeSha256: v.code.sha256, LastModified: timestamp(v.modified), Version: v.number,
		RevisionID: v.revision, PackageType: v.code.packageType, Architectures: v.code.architectures,
		State: v.state, StateReason: v.reason, StateReasonCode: v.reasonCode,
		LastUpdateStatus: v.update, LastUpdateStatusReason: v.updateText, LastUpdateStatusReasonCode: v.updateReasonCode,
	}
	if v.config.ImageConfig != nil {
		out.ImageConfigResponse = &imageResponse{v.config.ImageConfig}
	}
	for _, layer := range v.config.Layers {
		out.LayerList = append(out.LayerList, layerRef{layer})
	}
	return out
}

// copyAs is a published copy of the version.
func (v *functionVersion) copyAs(number, description string) *functionVersion {
	published := *v
	published.number, published.revision = number, newRequestID()
	if description != "" {
		published.description = description
	}
	if env := v.config.Environment; env != nil {
		published.config.Environment = &environment{Variables: maps.Clone(env.Variables)}
	}
	return &published
}

// sameAs tells whether publishing v again would make the same version.
func (v *functionVersion) sameAs(other *functionVersion) bool {
	a, errA := json.Marshal(v.config)
	b, errB := json.Marshal(other.config)
	return errA == nil && errB == nil && string(a) == string(b) && v.code.sha256 == other.code.sha256 &&
		strings.Join(v.code.architectures, ",") == strings.Join(other.code.architectures, ",") &&
		v.description == other.description && slices.Equal(v.config.Layers, other.config.Layers) && imageConfigsEqual(v.config.ImageConfig, other.config.ImageConfig)
}

func imageConfigsEqual(a, b *imageConfig) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}
