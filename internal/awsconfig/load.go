// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package awsconfig

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	awsbase "github.com/hashicorp/aws-sdk-go-base/v2"
	"github.com/hashicorp/aws-sdk-go-base/v2/diag"
)

// loaded is what one successful look for credentials leaves behind.
type loaded struct {
	config aws.Config
	// accountID is "" if nothing so far needed to know it.
	accountID string
}

// load looks for credentials and for whom they belong to. A provider without a
// region of its own borrows the one of the request, because STS needs one.
func (s *Source) load(ctx context.Context, borrowed string) (loaded, error) {
	base, err := s.baseConfig()
	if err != nil {
		return loaded{}, s.redacted(err)
	}
	cfg, err := s.resolve(ctx, base)
	if isMissingRegion(err) && borrowed != "" {
		base.Region = borrowed
		cfg, err = s.resolve(ctx, base)
		cfg.Region = ""
	}
	if err != nil {
		return loaded{}, s.redacted(err)
	}
	if cfg.Region != "" && !s.settings.SkipRegionValidation {
		if err := CheckRegion(cfg.Region); err != nil {
			return loaded{}, err
		}
	}

	result := loaded{config: cfg}
	if s.mustVerify() {
		if cfg.Region == "" {
			cfg.Region = borrowed
		}
		result.accountID, err = s.callerAccount(ctx, cfg)
		if err != nil {
			return loaded{}, s.redacted(err)
		}
		if err := s.checkAccount(base, result.accountID); err != nil {
			return loaded{}, err
		}
	}
	return result, nil
}

// resolve runs aws-sdk-go-base and completes its result with what
// aws-sdk-go-base leaves to the provider.
func (s *Source) resolve(ctx context.Context, base awsbase.Config) (cfg aws.Config, err error) {
	// The SDK takes it for granted that an answer of STS with status 200 holds
	// credentials (seen with aws-sdk-go-v2/credentials v1.19.31). A login page
	// has that status too, and must not end the provider.
	defer func() {
		if fault := recover(); fault != nil {
			cfg, err = aws.Config{}, newUnexpectedAnswerError(fmt.Errorf("%v", fault))
		}
	}()
	// The credentials are checked by load, once, together with the account.
	base.SkipCredsValidation = true
	var diags diag.Diagnostics
	_, cfg, diags = awsbase.GetAwsConfig(ctx, &base)
	if diags.HasError() {
		return aws.Config{}, fromDiagnostic(diags.Errors()[0])
	}
	for _, warning := range diags.Warnings() {
		if base.Logger != nil && !isProxyWarning(warning) {
			base.Logger.Warn(ctx, warning.Summary()+": "+warning.Detail())
		}
	}

	if err := defaultMaxRetries(ctx, &cfg, base); err != nil {
		return aws.Config{}, err
	}
	cfg.APIOptions = append(cfg.APIOptions, registerLogger(base.Logger))
	cfg.ServiceOptions = append(cfg.ServiceOptions, s.endpointOptions)
	return cfg, nil
}

// isProxyWarning recognises the one warning of aws-sdk-go-base that repeats the
// proxy's URL, which may hold a password. Configure gives its own.
func isProxyWarning(d diag.Diagnostic) bool { return d.Summary() == "Missing HTTPS Proxy" }

// defaultMaxRetries applies DefaultMaxRetries where neither the provider block
// nor the environment (AWS_MAX_ATTEMPTS) nor the shared config file
// (max_attempts) asks for another number. Handing it to aws-sdk-go-base
// instead would overrule the latter two.
func defaultMaxRetries(ctx context.Context, cfg *aws.Config, base awsbase.Config) error {
	if base.MaxRetries != 0 {
		return nil
	}
	for _, source := range cfg.ConfigSources {
		provider, ok := source.(interface {
			GetRetryMaxAttempts(ctx context.Context) (int, bool, error)
		})
		if !ok {
			continue
		}
		n, found, err := provider.GetRetryMaxAttempts(ctx)
		if err != nil {
			return newError(InvalidConfiguration, "Invalid number of retries",
				"AWS_MAX_ATTEMPTS or max_attempts in the shared config file is not a number.", nil, err)
		}
		if found && n != 0 {
			return nil
		}
	}
	cfg.RetryMaxAttempts = DefaultMaxRetries
	return nil
}

// mustVerify tells whether a load has to ask STS who the credentials belong to.
func (s *Source) mustVerify() bool {
	switch {
	case !s.settings.SkipCredentialsValidation:
		return true
	case s.settings.SkipRequestingAccountID:
		return false
	}
	return s.restrictsAccounts()
}

func (s *Source) restrictsAccounts() bool {
	return len(s.settings.AllowedAccountIDs) > 0 || len(s.settings.ForbiddenAccountIDs) > 0
}

// callerAccount asks STS for the account of the credentials. aws-sdk-go-base
// could do it, but falls back to IAM, for which there is no endpoint argument
// here: an emulator's credentials would be sent to AWS. And it would bring all
// operations of IAM into the binary.
func (s *Source) callerAccount(ctx context.Context, cfg aws.Config) (string, error) {
	client := sts.NewFromConfig(cfg, func(o *sts.Options) {
		if region := s.settings.STSRegion; region != "" {
			o.Region = region
		}
	})
	out, err := client.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return "", fromCallerIdentity(err)
	}
	if aws.ToString(out.Account) == "" {
		return "", newUnexpectedAnswerError(errors.New("GetCallerIdentity named no account"))
	}
	return *out.Account, nil
}

func (s *Source) checkAccount(base awsbase.Config, accountID string) error {
	if err := base.VerifyAccountIDAllowed(accountID); err != nil {
		return newWrongAccountError(accountID, s.settings, err)
	}
	return nil
}

// baseConfig is the provider block in the words of aws-sdk-go-base.
func (s *Source) baseConfig() (awsbase.Config, error) {
	set := s.settings
	c := awsbase.Config{
		AccessKey:                      set.AccessKey,
		AllowedAccountIds:              set.AllowedAccountIDs,
		APNInfo:                        set.apnInfo(),
		CallerDocumentationURL:         documentationURL,
		CallerName:                     "Terraform lambdaseed Provider",
		CustomCABundle:                 set.CustomCABundle,
		EC2MetadataServiceEndpoint:     set.EC2MetadataServiceEndpoint,
		EC2MetadataServiceEndpointMode: set.EC2MetadataServiceEndpointMode,
		ForbiddenAccountIds:            set.ForbiddenAccountIDs,
		HTTPProxy:                      set.HTTPProxy,
		HTTPSProxy:                     set.HTTPSProxy,
		HTTPProxyMode:                  awsbase.HTTPProxyModeLegacy,
		Insecure:                       set.Insecure,
		NoProxy:                        set.NoProxy,
		MaxBackoff:                     set.MaxBackoff,
		MaxRetries:                     set.MaxRetries,
		Profile:                        set.Profile,
		Region:                         set.Region,
		RetryMode:                      aws.RetryMode(set.RetryMode),
		SecretKey:                      set.SecretKey,
		SharedConfigFiles:              set.SharedConfigFiles,
		SharedCredentialsFiles:         set.SharedCredentialsFiles,
		SkipRequestingAccountId:        set.SkipRequestingAccountID,
		StsEndpoint:                    set.stsEndpoint(),
		StsRegion:                      set.STSRegion,
		Token:                          set.Token,
		TokenBucketRateLimiterCapacity: set.TokenBucketRateLimiterCapacity,
		UseDualStackEndpoint:           set.UseDualStackEndpoint,
		UseFIPSEndpoint:                set.UseFIPSEndpoint,
	}
	if set.Logger != nil {
		c.Logger = scrubber{set.Logger}
	}
	if skip := set.SkipMetadataAPICheck; skip != nil {
		c.EC2MetadataServiceEnableState = imds.ClientEnabled
		if *skip {
			c.EC2MetadataServiceEnableState = imds.ClientDisabled
		}
	}
	for _, role := range set.AssumeRole {
		c.AssumeRole = append(c.AssumeRole, awsbase.AssumeRole(role))
	}
	if set.AssumeRoleWithWebIdentity != nil {
		web, err := set.webIdentity()
		if err != nil {
			return awsbase.Config{}, err
		}
		c.AssumeRoleWithWebIdentity = web
	}
	return c, nil
}

// webIdentity completes the assume_role_with_web_identity block from the
// environment. What the block says about the token, as text or as a file, rules
// out both variables.
func (set Settings) webIdentity() (*awsbase.AssumeRoleWithWebIdentity, error) {
	web := awsbase.AssumeRoleWithWebIdentity(*set.AssumeRoleWithWebIdentity)
	if web.RoleARN == "" {
		web.RoleARN = os.Getenv("AWS_ROLE_ARN")
	}
	if web.SessionName == "" {
		web.SessionName = os.Getenv("AWS_ROLE_SESSION_NAME")
	}
	if !web.HasValidTokenSource() {
		web.WebIdentityToken = os.Getenv("TF_AWS_WEB_IDENTITY_TOKEN")
		web.WebIdentityTokenFile = os.Getenv("AWS_WEB_IDENTITY_TOKEN_FILE")
	}
	switch {
	case web.RoleARN == "":
		return nil, newError(InvalidConfiguration, "No role in assume_role_with_web_identity",
			"The block needs a role_arn, or the environment variable AWS_ROLE_ARN.", nil, nil)
	case !web.HasValidTokenSource():
		return nil, newError(InvalidConfiguration, "No token in assume_role_with_web_identity",
			"The block needs web_identity_token or web_identity_token_file, or one of the environment variables "+
				"TF_AWS_WEB_IDENTITY_TOKEN and AWS_WEB_IDENTITY_TOKEN_FILE.", nil, nil)
	case web.WebIdentityToken != "" && web.WebIdentityTokenFile != "":
		return nil, newError(InvalidConfiguration, "Two tokens in assume_role_with_web_identity",
			"Only one of web_identity_token and web_identity_token_file can be used; where the block has neither, "+
				"only one of the environment variables TF_AWS_WEB_IDENTITY_TOKEN and AWS_WEB_IDENTITY_TOKEN_FILE.", nil, nil)
	}
	return &web, nil
}
