// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

// Package exampletest applies configurations as users write them, in tests:
// with required_providers, with provider blocks that hold nothing but a region,
// and with both providers, lambdaseed and the stand-in for hashicorp/aws, in
// the test's own process. AWS is a fakeaws server.
//
// plugin-testing cannot do that, because it has one namespace for all providers.
// Here Terraform is told with TF_REATTACH_PROVIDERS where each of them listens,
// so that nothing is built, installed or downloaded. What a user has in the
// environment (credentials) or would not have at all (the way to the server) is
// added to the provider blocks on their way to the providers, see arguments.go:
// tests of one process can run side by side, which environment variables do not
// allow.
//
//	w := exampletest.New(t, server, factory)
//	w.Copy("../../examples/quickstart")
//	w.Apply()
//	…the pipeline does something…
//	exampletest.Untouched(t, w.Plan(), "aws_lambda_function.app")
//	w.Destroy()
package exampletest
