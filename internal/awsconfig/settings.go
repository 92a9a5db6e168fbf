// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package awsconfig

import (
	"time"

	"github.com/hashicorp/aws-sdk-go-base/v2/logging"
)

// DefaultMaxRetries is how often one API request is tried when neither the
// configuration, the environment nor the shared config file says otherwise.
// It is the number that the hashicorp/aws provider uses.
const DefaultMaxRetries = 25

// Settings is the provider block in plain Go. A zero field means "not
// configured": the environment, the shared files and the defaults then decide,
// in the order in which hashicorp/aws asks them.
type Settings struct {
	// Unknown names the arguments whose values Terraform does not know yet, in
	// the form in which a user writes them, such as "assume_role[0].role_arn".
	// While it is not empty, Config answers with an UnknownArgumentsError.
	Unknown []string

	AccessKey string
	SecretKey string
	Token     string

	Profile                string
	SharedConfigFiles      []string
	SharedCredentialsFiles []string

	AssumeRole                []AssumeRole
	AssumeRoleWithWebIdentity *AssumeRoleWithWebIdentity

	Region    string
	STSRegion string

	AllowedAccountIDs   []string
	ForbiddenAccountIDs []string

	// Endpoints maps a Service to the URL of its API.
	Endpoints            map[string]string
	UseDualStackEndpoint bool
	UseFIPSEndpoint      bool

	CustomCABundle string
	// HTTPProxy and HTTPSProxy tell "no proxy" (a pointer to "") from
	// "not configured" (nil).
	HTTPProxy  *string
	HTTPSProxy *string
	NoProxy    string
	Insecure   bool

	// MaxRetries is the number of attempts of one request; 0 is not configured.
	MaxRetries int
	RetryMode  string
	// MaxBackoff bounds the wait between two attempts; 0 is the SDK's 20 s. No
	// argument sets it: tests that play faults have no time for that.
	MaxBackoff                     time.Duration
	TokenBucketRateLimiterCapacity int

	EC2MetadataServiceEndpoint     string
	EC2MetadataServiceEndpointMode string
	// SkipMetadataAPICheck switches the instance metadata service off (true)
	// or on (false), whatever AWS_EC2_METADATA_DISABLED says; nil leaves it to
	// that variable.
	SkipMetadataAPICheck *bool

	SkipCredentialsValidation bool
	SkipRegionValidation      bool
	SkipRequestingAccountID   bool

	// Version and TerraformVersion go into the User-Agent header.
	Version          string
	TerraformVersion string

	// Logger receives what aws-sdk-go-base has to say, with every body that
	// may hold a secret taken out; nil is silence.
	Logger logging.Logger
}

// AssumeRole is one link in a chain of roles.
type AssumeRole struct {
	RoleARN           string
	Duration          time.Duration
	ExternalID        string
	Policy            string
	PolicyARNs        []string
	SessionName       string
	SourceIdentity    string
	Tags              map[string]string
	TransitiveTagKeys []string
}

// AssumeRoleWithWebIdentity trades an OpenID Connect token for credentials.
type AssumeRoleWithWebIdentity struct {
	RoleARN              string
	Duration             time.Duration
	Policy               string
	PolicyARNs           []string
	SessionName          string
	WebIdentityToken     string
	WebIdentityTokenFile string
}

// The services whose endpoints can be configured, under the names that
// hashicorp/aws gives them in its endpoints block.
const (
	ECR    = "ecr"
	Lambda = "lambda"
	SSM    = "ssm"
	STS    = "sts"
)

// Services lists what Settings.Endpoints may hold, in alphabetical order.
func Services() []string { return []string{ECR, Lambda, SSM, STS} }
