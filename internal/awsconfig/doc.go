// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

// Package awsconfig turns the arguments of the provider block into an
// aws.Config, through hashicorp/aws-sdk-go-base, the library that does the
// same for the hashicorp/aws provider: so the credentials that work there work
// here.
//
// Nothing happens before somebody asks: New only remembers, and the first
// Source.Config looks for credentials. What it finds is kept, what fails is
// tried again at the next call.
package awsconfig
