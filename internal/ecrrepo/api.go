// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package ecrrepo

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
)

// api is the part of ECR's API that is used. The SDK's client itself, in
// something that may be looked at by reflection, as whatever Terraform's plugin
// framework passes on may be, would keep each of its operations in the binary.
type api struct {
	batchDeleteImage      operation[ecr.BatchDeleteImageInput, ecr.BatchDeleteImageOutput]
	batchGetImage         operation[ecr.BatchGetImageInput, ecr.BatchGetImageOutput]
	describeImages        operation[ecr.DescribeImagesInput, ecr.DescribeImagesOutput]
	describeRepositories  operation[ecr.DescribeRepositoriesInput, ecr.DescribeRepositoriesOutput]
	getAuthorizationToken operation[ecr.GetAuthorizationTokenInput, ecr.GetAuthorizationTokenOutput]
	listImages            operation[ecr.ListImagesInput, ecr.ListImagesOutput]
	putImage              operation[ecr.PutImageInput, ecr.PutImageOutput]

	// endpoints tells whether FIPS and dual-stack endpoints are used.
	endpoints ecr.EndpointResolverOptions
	// maxAttempts is how often a request is sent at most.
	maxAttempts int
}

type operation[In, Out any] func(context.Context, *In, ...func(*ecr.Options)) (*Out, error)

func newAPI(client *ecr.Client) *api {
	options := client.Options()
	return &api{
		batchDeleteImage:      client.BatchDeleteImage,
		batchGetImage:         client.BatchGetImage,
		describeImages:        client.DescribeImages,
		describeRepositories:  client.DescribeRepositories,
		getAuthorizationToken: client.GetAuthorizationToken,
		listImages:            client.ListImages,
		putImage:              client.PutImage,
		endpoints:             options.EndpointOptions,
		maxAttempts:           options.Retryer.MaxAttempts(),
	}
}

var (
	_ ecr.DescribeImagesAPIClient = (*api)(nil)
	_ ecr.ListImagesAPIClient     = (*api)(nil)
)

// DescribeImages serves the SDK's paginator.
func (a *api) DescribeImages(ctx context.Context, in *ecr.DescribeImagesInput, options ...func(*ecr.Options)) (*ecr.DescribeImagesOutput, error) {
	return a.describeImages(ctx, in, options...)
}

// ListImages serves the SDK's paginator.
func (a *api) ListImages(ctx context.Context, in *ecr.ListImagesInput, options ...func(*ecr.Options)) (*ecr.ListImagesOutput, error) {
	return a.listImages(ctx, in, options...)
}
