// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

// Package standinaws is a small stand-in for the hashicorp/aws provider, for
// tests and the demo only.
//
// The very HCL that users copy has to be applied in tests, and hashicorp/aws
// cannot be had there. So this provider has the same type and attribute names,
// talks to AWS (to internal/fakeaws) through the real SDK, and keeps those
// rules of the original that decide whether a placeholder works:
//
//   - aws_lambda_function compares image_uri with what Lambda reports, verbatim,
//     and calls UpdateFunctionCode when one of the code attributes changes and
//     only then;
//   - a code change makes last_modified unknown in the plan, and with publish
//     also version, qualified_arn and qualified_invoke_arn;
//   - CreateFunction is retried while IAM settles and never because the image
//     does not exist;
//   - a repository with images is deleted with force_delete only.
//
// Two things cannot be the same, because the original is written for a type
// system that lets a provider return other values than it planned. Here
// code_sha256 and source_code_size (on a code change) and last_modified (on any
// change) are unknown in the plan; there they are shown unchanged and change
// nevertheless. And blocks that the original computes when they are left out
// (logging_config, tracing_config, ephemeral_storage) are only kept as written.
//
// Source of the rules: hashicorp/terraform-provider-aws, internal/service/
// {ecr,iam,lambda,s3,sqs,ssm}, read at v6.
package standinaws
