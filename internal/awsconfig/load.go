// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package awsconfig

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	awsbase "github.com/hashicorp/aws-sdk-go-base/v2"
)

// loaded is what one successful look for credentials leaves behind.
type loaded struct {
	config aws.Config
}

func (s *Source) load(ctx context.Context, _ string) (loaded, error) {
	base := s.baseConfig()
	base.SkipCredsValidation = true
	_, cfg, diags := awsbase.GetAwsConfig(ctx, &base)
	if diags.HasError() {
		d := diags.Errors()[0]
		return loaded{}, &Error{Kind: Other, Summary: d.Summary(), Detail: d.Detail()}
	}
	return loaded{config: cfg}, nil
}

// AccountID returns the account that the credentials belong to.
func (s *Source) AccountID(ctx context.Context) (string, error) {
	cfg, err := s.Config(ctx, "")
	if err != nil {
		return "", err
	}
	return s.account.get(ctx, func(ctx context.Context) (string, error) {
		base := s.baseConfig()
		base.SkipCredsValidation = false
		id, _, diags := awsbase.GetAwsAccountIDAndPartition(ctx, cfg, &base)
		if diags.HasError() {
			d := diags.Errors()[0]
			return "", &Error{Kind: Other, Summary: d.Summary(), Detail: d.Detail()}
		}
		return id, nil
	})
}

// baseConfig is the provider block in the words of aws-sdk-go-base.
func (s *Source) baseConfig() awsbase.Config {
	c := awsbase.Config{
		AccessKey:                      s.settings.AccessKey,
		APNInfo:                        s.settings.apnInfo(),
		CallerDocumentationURL:         documentationURL,
		CallerName:                     "Terraform lambdaseed Provider",
		CustomCABundle:                 s.settings.CustomCABundle,
		EC2MetadataServiceEndpoint:     s.settings.EC2MetadataServiceEndpoint,
		EC2MetadataServiceEndpointMode: s.settings.EC2MetadataServiceEndpointMode,
		HTTPProxy:                      s.settings.HTTPProxy,
		HTTPSProxy:                     s.settings.HTTPSProxy,
		HTTPProxyMode:                  awsbase.HTTPProxyModeLegacy,
		Insecure:                       s.settings.Insecure,
		NoProxy:                        s.settings.NoProxy,
		MaxRetries:                     s.settings.MaxRetries,
		Profile:                        s.settings.Profile,
		Region:                         s.settings.Region,
		RetryMode:                      aws.RetryMode(s.settings.RetryMode),
		SecretKey:                      s.settings.SecretKey,
		SharedConfigFiles:              s.settings.SharedConfigFiles,
		SharedCredentialsFiles:         s.settings.SharedCredentialsFiles,
		SkipRequestingAccountId:        s.settings.SkipRequestingAccountID,
		StsEndpoint:                    s.settings.Endpoints[STS],
		StsRegion:                      s.settings.STSRegion,
		Token:                          s.settings.Token,
		TokenBucketRateLimiterCapacity: s.settings.TokenBucketRateLimiterCapacity,
		UseDualStackEndpoint:           s.settings.UseDualStackEndpoint,
		UseFIPSEndpoint:                s.settings.UseFIPSEndpoint,
	}
	if skip := s.settings.SkipMetadataAPICheck; skip != nil {
		c.EC2MetadataServiceEnableState = imds.ClientEnabled
		if *skip {
			c.EC2MetadataServiceEnableState = imds.ClientDisabled
		}
	}
	for _, role := range s.settings.AssumeRole {
		c.AssumeRole = append(c.AssumeRole, awsbase.AssumeRole(role))
	}
	if w := s.settings.AssumeRoleWithWebIdentity; w != nil {
		web := awsbase.AssumeRoleWithWebIdentity(*w)
		c.AssumeRoleWithWebIdentity = &web
	}
	return c
}
