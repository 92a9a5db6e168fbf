// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package awsconfig

import (
	"cmp"
	"os"

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
		o.BaseEndpoint = s.explicit(ECR, o.BaseEndpoint)
		if o.BaseEndpoint != nil {
			o.EndpointOptions.UseFIPSEndpoint = aws.FIPSEndpointStateDisabled
			o.EndpointOptions.UseDualStackEndpoint = aws.DualStackEndpointStateDisabled
		}
	case *lambda.Options:
		o.BaseEndpoint = s.explicit(Lambda, o.BaseEndpoint)
		if o.BaseEndpoint != nil {
			o.EndpointOptions.UseFIPSEndpoint = aws.FIPSEndpointStateDisabled
			o.EndpointOptions.UseDualStackEndpoint = aws.DualStackEndpointStateDisabled
		}
	case *ssm.Options:
		o.BaseEndpoint = s.explicit(SSM, o.BaseEndpoint)
		if o.BaseEndpoint != nil {
			o.EndpointOptions.UseFIPSEndpoint = aws.FIPSEndpointStateDisabled
			o.EndpointOptions.UseDualStackEndpoint = aws.DualStackEndpointStateDisabled
		}
	case *sts.Options:
		o.BaseEndpoint = s.explicit(STS, o.BaseEndpoint)
		if o.BaseEndpoint != nil {
			o.EndpointOptions.UseFIPSEndpoint = aws.FIPSEndpointStateDisabled
			o.EndpointOptions.UseDualStackEndpoint = aws.DualStackEndpointStateDisabled
		}
	}
}

func (s *Source) explicit(service string, found *string) *string {
	if url := s.settings.Endpoints[service]; url != "" {
		return &url
	}
	return found
}

// stsEndpoint is the endpoint for the STS calls that aws-sdk-go-base makes. The
// two old variables are what hashicorp/aws still reads for STS; the new one,
// AWS_ENDPOINT_URL_STS, comes before them and is the SDK's own business.
func (set Settings) stsEndpoint() string {
	if url := set.Endpoints[STS]; url != "" || os.Getenv("AWS_ENDPOINT_URL_STS") != "" {
		return url
	}
	return cmp.Or(os.Getenv("TF_AWS_STS_ENDPOINT"), os.Getenv("AWS_STS_ENDPOINT"))
}
