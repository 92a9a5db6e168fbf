// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package awsconfig

import (
	"context"
	"maps"
	"slices"
	"strings"

	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go/middleware"
	"github.com/hashicorp/aws-sdk-go-base/v2/logging"
)

// withheld stands in the log for a body that may hold a secret.
const withheld = "[withheld: may hold credentials]"

// loggedBodies lists the operations whose bodies may be logged. At level DEBUG
// aws-sdk-go-base logs the first kilobytes of every request and response, and
// masks only what looks like an access key or a secret key: the ECR password,
// session tokens, web identity tokens, SSO tokens, secure parameters and a
// function's environment would all pass. So everything is withheld that is not
// known to be harmless.
var loggedBodies = map[string][]string{
	"ECR": {
		"BatchCheckLayerAvailability", "BatchDeleteImage", "BatchGetImage", "DescribeImages",
		"DescribeRepositories", "ListImages", "PutImage",
	},
	"STS": {"GetCallerIdentity"},
}

// TerraformLog returns the logger for Settings.Logger that writes to Terraform's
// log, through the tflog logger in the context of each call.
func TerraformLog() logging.Logger { return logging.TfLogger("") }

// scrubber is a logger that leaves secrets out of what it passes on.
type scrubber struct{ to logging.Logger }

var _ logging.Logger = scrubber{}

func (l scrubber) Warn(ctx context.Context, msg string, fields ...map[string]any) {
	l.to.Warn(ctx, msg, scrub(ctx, fields)...)
}

func (l scrubber) Info(ctx context.Context, msg string, fields ...map[string]any) {
	l.to.Info(ctx, msg, scrub(ctx, fields)...)
}

func (l scrubber) Debug(ctx context.Context, msg string, fields ...map[string]any) {
	l.to.Debug(ctx, msg, scrub(ctx, fields)...)
}

func (l scrubber) Trace(ctx context.Context, msg string, fields ...map[string]any) {
	l.to.Trace(ctx, msg, scrub(ctx, fields)...)
}

func (l scrubber) SetField(ctx context.Context, key string, value any) context.Context {
	return l.to.SetField(ctx, key, value)
}

func (l scrubber) SubLogger(ctx context.Context, name string) (context.Context, logging.Logger) {
	ctx, sub := l.to.SubLogger(ctx, name)
	return ctx, scrubber{sub}
}

func scrub(ctx context.Context, all []map[string]any) []map[string]any {
	harmless := slices.Contains(loggedBodies[awsmiddleware.GetServiceID(ctx)], awsmiddleware.GetOperationName(ctx))
	out := make([]map[string]any, len(all))
	for i, fields := range all {
		fields = maps.Clone(fields)
		for key, value := range fields {
			switch {
			case strings.HasSuffix(key, ".body"):
				if !harmless && value != "" {
					fields[key] = withheld
				}
			case strings.HasPrefix(key, "http.") && strings.Contains(key, "token"):
				fields[key] = withheld
			}
		}
		out[i] = fields
	}
	return out
}

// registerLogger puts the logger into the context of every API call, where
// aws-sdk-go-base looks for it. It is done here rather than by the callers, so
// that none can register one that does not scrub.
func registerLogger(logger logging.Logger) func(*middleware.Stack) error {
	return func(stack *middleware.Stack) error {
		if logger == nil {
			return nil
		}
		return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("LambdaseedLogger",
			func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
				ctx, sub := logger.SubLogger(ctx, "aws-sdk")
				return next.HandleInitialize(logging.RegisterLogger(ctx, sub), in)
			}), middleware.Before)
	}
}
