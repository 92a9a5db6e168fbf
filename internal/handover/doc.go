// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

// Package handover reads what a pipeline leaves behind when it takes a function
// over: the image that it deployed to the function (Lambda) and the image that
// it published for others to deploy (SSM Parameter Store). It only reads.
//
// It is a room of its own, beside ecrrepo, because neither is about a
// repository; what the image behind a name is, only ECR can tell, and the
// provider package asks it there. It knows nothing of Terraform.
package handover
