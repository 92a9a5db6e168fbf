// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package awsconfig

import (
	"cmp"
	"os"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// endpointOptions makes every client that is built from a Config use the
// endpoints block, so that no builder of clients can forget it. A service with
// an endpoint of its own, from whatever source, leaves use_fips_endpoint and
// use_dualstack_endpoint: the SDK refuses the combination, while hashicorp/aws
// promises to ignore the former for such a service.
func (s *Source) endpointOptions(_ string, options any) {
	switch o := options.(type) {
	case *ecr.Options:
		o.BaseEndpoint = preferred(s.settings.Endpoints[ECR], o.BaseEndpoint)
		if o.BaseEndpoint != nil {
			o.EndpointOptions.UseFIPSEndpoint = aws.FIPSEndpointStateDisabled
			o.EndpointOptions.UseDualStackEndpoint = aws.DualStackEndpointStateDisabled
		}
	case *lambda.Options:
		o.BaseEndpoint = preferred(s.settings.Endpoints[Lambda], o.BaseEndpoint)
		if o.BaseEndpoint != nil {
			o.EndpointOptions.UseFIPSEndpoint = aws.FIPSEndpointStateDisabled
			o.EndpointOptions.UseDualStackEndpoint = aws.DualStackEndpointStateDisabled
		}
	case *ssm.Options:
		o.BaseEndpoint = preferred(s.settings.Endpoints[SSM], o.BaseEndpoint)
		if o.BaseEndpoint != nil {
			o.EndpointOptions.UseFIPSEndpoint = aws.FIPSEndpointStateDisabled
			o.EndpointOptions.UseDualStackEndpoint = aws.DualStackEndpointStateDisabled
		}
	case *sts.Options:
		o.BaseEndpoint = preferred(s.settings.stsEndpoint(), o.BaseEndpoint)
		if o.BaseEndpoint != nil {
			o.EndpointOptions.UseFIPSEndpoint = aws.FIPSEndpointStateDisabled
			o.EndpointOptions.UseDualStackEndpoint = aws.DualStackEndpointStateDisabled
		}
	}
}

// preferred is the URL where there is one, and what the SDK has found otherwise.
func preferred(url string, found *string) *string {
	if url != "" {
		return &url
	}
	return found
}

// stsEndpoint is the endpoint for STS, "" meaning that the SDK finds it. AWS_ENDPOINT_URL_STS is the SDK's own business.
// The two old variables are those that hashicorp/aws still reads. And
// AWS_ENDPOINT_URL is read here because the SDK looks for credentials before it
// has read it: without this, an emulator's role would be asked of AWS (seen with
// aws-sdk-go-v2/config v1.32.32 and AWS_WEB_IDENTITY_TOKEN_FILE).
func (set Settings) stsEndpoint() string {
	if url := set.Endpoints[STS]; url != "" {
		return url
	}
	if ignored, _ := strconv.ParseBool(os.Getenv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS")); ignored {
		return ""
	}
	if os.Getenv("AWS_ENDPOINT_URL_STS") != "" {
		return ""
	}
	return cmp.Or(os.Getenv("TF_AWS_STS_ENDPOINT"), os.Getenv("AWS_STS_ENDPOINT"), os.Getenv("AWS_ENDPOINT_URL"))
}
