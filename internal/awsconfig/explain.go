// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package awsconfig

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/ssocreds"
	"github.com/aws/smithy-go"
	awsbase "github.com/hashicorp/aws-sdk-go-base/v2"
	"github.com/hashicorp/aws-sdk-go-base/v2/diag"
)

// Codes with which AWS services answer about the credentials themselves
// (source: AWS Service Reference, "Common Error Types", and the STS API
// reference).
var (
	expiredCodes  = []string{"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"}
	throttleCodes = []string{"Throttling", "ThrottlingException", "ThrottledException", "RequestThrottled", "TooManyRequestsException", "RequestLimitExceeded"}
	rejectedCodes = []string{
		"InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch", "InvalidSignatureException",
		"IncompleteSignature", "AuthFailure", "InvalidAccessKeyId", "MissingAuthenticationToken", "MissingAuthenticationTokenException",
	}
)

// webIdentitySummary is how aws-sdk-go-base's diagnostic for a refused web
// identity begins; its type is not exported.
const webIdentitySummary = "Cannot assume IAM Role with web identity"

// Explain turns an error that came from an API call into an *Error if its cause
// lies in the credentials, the region or the way to AWS rather than in the
// call, and reports false otherwise. Credentials can fail long after they were
// found: sessions expire while an apply runs.
func Explain(err error) (*Error, bool) {
	if e, ok := errors.AsType[*Error](err); ok {
		return e, true
	}
	if e := explainLocal(err); e != nil {
		return e, true
	}
	op, isOperation := innermost[*smithy.OperationError](err)
	// Nobody at the address of the metadata service only means that this is no
	// EC2 instance.
	metadata := isOperation && op.Service() == "ec2imds"
	if e := explainNetwork(err); e != nil && !metadata {
		return e, true
	}
	if isOperation && op.Service() == "STS" {
		if e := explainFault(err); e != nil {
			return e, true
		}
	}
	if isOperation && op.Operation() == "AssumeRoleWithWebIdentity" || strings.Contains(err.Error(), "failed to retrieve jwt") {
		return newWebIdentityError("", err), true
	}
	if e := explainCode(err); e != nil {
		return e, true
	}
	if isOperation && op.Operation() == "AssumeRole" {
		return newAssumeRoleError("", err), true
	}
	if metadata || strings.Contains(err.Error(), "failed to refresh cached credentials") {
		return newNoCredentialsError(err), true
	}
	return nil, false
}

// fromDiagnostic explains why aws-sdk-go-base found no credentials.
func fromDiagnostic(d diag.Diagnostic) error {
	withErr, ok := d.(diag.DiagnosticWithErr)
	if !ok {
		return newError(InvalidConfiguration, d.Summary(), d.Detail(), nil, nil)
	}
	err := withErr.Err()
	if e, ok := Explain(err); ok {
		// aws-sdk-go-base knows which role of a chain it was.
		switch role := roleOf(d.Detail()); {
		case role != "" && e.Kind == AssumeRoleFailed:
			return newAssumeRoleError(role, err)
		case role != "" && e.Kind == WebIdentityFailed:
			return newWebIdentityError(role, err)
		}
		return e
	}
	switch {
	case awsbase.IsCannotAssumeRoleError(d):
		return newAssumeRoleError(roleOf(d.Detail()), err)
	case d.Summary() == webIdentitySummary:
		return newWebIdentityError(roleOf(d.Detail()), err)
	}
	if awsbase.IsNoValidCredentialSourcesError(d) {
		return newNoCredentialsError(err)
	}
	return newError(InvalidConfiguration, "Invalid AWS configuration",
		"The provider's AWS configuration could not be read.", nil, err)
}

// fromCallerIdentity explains why the credentials that were found do not work.
func fromCallerIdentity(err error) error {
	if e, ok := Explain(err); ok {
		return e
	}
	if _, ok := innermost[smithy.APIError](err); !ok {
		return newUnexpectedAnswerError(err)
	}
	return newError(Other, "Cannot validate the AWS credentials",
		"Credentials were found, but STS would not tell whom they belong to.",
		[]string{
			"a policy denies sts:GetCallerIdentity, for example one that restricts regions or networks",
			"the endpoint is not STS: an emulator without it needs skip_credentials_validation = true",
		}, err)
}

// explainLocal knows the causes for which nobody had to be asked.
func explainLocal(err error) *Error {
	text := err.Error()
	_, noSession := errors.AsType[*ssocreds.InvalidTokenError](err)
	_, noRegion := errors.AsType[*aws.MissingRegionError](err)
	profile, noProfile := errors.AsType[config.SharedConfigProfileNotExistError](err)
	switch {
	case noSession, refusedBySSO(err), strings.Contains(text, "SSO token"), strings.Contains(text, "login session"), strings.Contains(text, "login token"):
		return newError(ExpiredLogin, "AWS login session expired",
			"The profile signs in through IAM Identity Center (SSO) or the AWS console, and there is no valid session for it on this machine. "+
				"Run aws sso login (or aws login) for that profile and apply again.",
			[]string{
				"the session has reached its end",
				"nobody has signed in for this profile on this machine, or as another user, with another home directory",
			}, err)
	case noProfile:
		return newError(MissingProfile, "AWS profile not found",
			fmt.Sprintf("There is no profile %q in the shared config and credentials files.", profile.Profile),
			[]string{
				"a typing error in profile, or in the environment variable AWS_PROFILE",
				"the files are elsewhere: see shared_config_files and shared_credentials_files, AWS_CONFIG_FILE and AWS_SHARED_CREDENTIALS_FILE",
				"this machine, such as a CI runner, has no such files",
			}, err)
	case noRegion, strings.Contains(text, "Missing Region"):
		return newMissingRegionError(err)
	}
	return nil
}

// refusedBySSO recognises a session that ended on AWS's side while the copy on
// this machine still looks valid (source: IAM Identity Center Portal API
// reference, GetRoleCredentials, UnauthorizedException).
func refusedBySSO(err error) bool {
	op, isOperation := innermost[*smithy.OperationError](err)
	api, isAnswer := innermost[smithy.APIError](err)
	return isOperation && isAnswer && op.Service() == "SSO" && api.ErrorCode() == "UnauthorizedException"
}

// explainCode knows the codes with which any service refuses credentials.
func explainCode(err error) *Error {
	api, ok := innermost[smithy.APIError](err)
	if !ok {
		return nil
	}
	switch code := api.ErrorCode(); {
	case slices.Contains(expiredCodes, code):
		return newError(ExpiredCredentials, "AWS credentials expired",
			"The credentials were temporary, and their time is over. Get new ones and apply again.",
			[]string{
				"a session token from aws sts assume-role, a login or a CI job is older than its life time",
				"this machine's clock is wrong",
			}, err)
	case slices.Contains(rejectedCodes, code):
		return newError(RejectedCredentials, "AWS rejects the credentials",
			"Credentials were found, but AWS does not accept them.",
			[]string{
				"the access key was deleted or deactivated, or does not belong to the secret key",
				"temporary credentials without their token (AWS_SESSION_TOKEN)",
				"the region belongs to another partition than the credentials (China and GovCloud have accounts of their own), " +
					"or the account has not enabled that region",
				"the clock of this machine is wrong, or a proxy changes requests",
			}, err)
	case code == "RegionDisabledException":
		return newError(WrongRegion, "AWS region not enabled for STS",
			"The account does not allow STS in this region.",
			[]string{"the region is not enabled in the account: enable it there, or set sts_region to one that is"}, err)
	case code == "OptInRequired":
		return newError(WrongRegion, "AWS region not enabled",
			"The account has not enabled this region.", nil, err)
	}
	return nil
}

// explainFault knows the answers of STS that say nothing of the credentials.
// Other services explain theirs where they are asked.
func explainFault(err error) *Error {
	response, answered := innermost[*awshttp.ResponseError](err)
	if !answered {
		return nil
	}
	api, ok := innermost[smithy.APIError](err)
	if !ok {
		return newUnexpectedAnswerError(err)
	}
	throttled := slices.Contains(throttleCodes, api.ErrorCode())
	if throttled || response.HTTPStatusCode() >= http.StatusInternalServerError {
		return newError(Unavailable, "STS does not answer now",
			"STS, which tells whom the credentials belong to and gives those of roles, was asked several times without success. Apply again later.",
			[]string{
				"the account's quota of STS requests is used up by other clients",
				"STS has a disturbance in this region: see sts_region",
			}, err)
	}
	return nil
}

func newUnexpectedAnswerError(err error) *Error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return newError(Unreachable, "AWS cannot be reached",
			"The connection broke in the middle of an answer of STS, which tells whom the credentials belong to and gives those of roles. Apply again.",
			[]string{"the network, or a proxy in between, is disturbed: see https_proxy and no_proxy"}, err)
	}
	return newError(UnexpectedAnswer, "Unexpected answer in place of STS",
		"STS, which tells whom the credentials belong to and gives those of roles, was asked, and something else answered.",
		[]string{
			"a proxy, a firewall or a login page answers in place of AWS",
			"the endpoint for STS, in the provider block or in AWS_ENDPOINT_URL, is not that of STS; " +
				"an emulator without STS needs skip_credentials_validation and skip_requesting_account_id",
		}, err)
}

// explainNetwork knows why no answer came.
func explainNetwork(err error) *Error {
	var (
		unknownCA  x509.UnknownAuthorityError
		wrongHost  x509.HostnameError
		invalid    x509.CertificateInvalidError
		verify     *tls.CertificateVerificationError
		dns        *net.DNSError
		op         *net.OpError
		proxyOrURL *url.Error
	)
	switch {
	case errors.As(err, &unknownCA), errors.As(err, &wrongHost), errors.As(err, &invalid), errors.As(err, &verify):
		return newError(UntrustedCertificate, "Certificate not trusted",
			"The answer on the way to AWS came with a certificate that this machine does not trust.",
			[]string{
				"a proxy that opens TLS connections: put its certificate into custom_ca_bundle, or AWS_CA_BUNDLE",
				"custom_ca_bundle replaces the system's certificates: it must hold every authority that is needed",
				"an emulator with a certificate of its own",
			}, err)
	case errors.As(err, &dns):
		return newError(Unreachable, "AWS cannot be reached",
			fmt.Sprintf("The name %s cannot be resolved.", dns.Name),
			[]string{
				"a region or an endpoint that does not exist: see region, sts_region and endpoints",
				"the service has no FIPS or dual-stack endpoint in this region: see use_fips_endpoint and use_dualstack_endpoint",
				"no network, or only through a proxy: see https_proxy",
			}, err)
	case errors.As(err, &op), errors.As(err, &proxyOrURL):
		return newError(Unreachable, "AWS cannot be reached",
			"The connection failed.",
			[]string{
				"no network, or only through a proxy: see https_proxy and no_proxy",
				"a VPC without a route or an endpoint to the service",
				"an emulator that is not running: see endpoints and AWS_ENDPOINT_URL",
			}, err)
	}
	return nil
}

func newNoCredentialsError(err error) *Error {
	return newError(NoCredentials, "No AWS credentials",
		"No credentials were found in the provider block, the environment, the shared files, the container or the instance metadata service.",
		[]string{
			"the environment variables AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, are not set where Terraform runs",
			"the provider \"aws\" block names a profile or a role that the provider \"lambdaseed\" block does not: both need the same arguments",
			"in HCP Terraform: TFC_AWS_PROVIDER_AUTH and TFC_AWS_RUN_ROLE_ARN are not set for the workspace",
		}, err)
}

func newAssumeRoleError(role string, err error) *Error {
	return newError(AssumeRoleFailed, "IAM role cannot be assumed",
		fmt.Sprintf("STS did not give credentials for the role%s.", named(role)),
		[]string{
			"the role's trust policy does not name the caller, or asks for an external_id, a source_identity or tags that are not given",
			"the caller's own policies do not allow sts:AssumeRole for this role",
			"there is no such role: compare account, path and name, and the order of the assume_role blocks",
		}, err)
}

func newWebIdentityError(role string, err error) *Error {
	return newError(WebIdentityFailed, "IAM role cannot be assumed with the web identity token",
		fmt.Sprintf("STS did not give credentials for the role%s.", named(role)),
		[]string{
			"the role's trust policy does not name the token's issuer, audience and subject",
			"the account has no OpenID Connect provider for the issuer",
			"the token has expired, or its file is missing or cannot be read",
		}, err)
}

func named(role string) string {
	if role == "" {
		return ""
	}
	return " " + role
}

// roleOf reads the role from the text of aws-sdk-go-base, whose diagnostics do
// not hold it otherwise.
func roleOf(detail string) string {
	_, rest, found := strings.Cut(detail, "IAM Role (")
	if !found {
		return ""
	}
	role, _, _ := strings.Cut(rest, ")")
	return role
}

// ownWords tells what AWS answered, or else what the SDK says.
func ownWords(err error) string {
	api, ok := innermost[smithy.APIError](err)
	if !ok {
		return "In the words of the AWS SDK: " + err.Error()
	}
	var where []string
	if response, ok := innermost[*awshttp.ResponseError](err); ok {
		where = append(where, fmt.Sprintf("HTTP %d", response.HTTPStatusCode()))
		if id := response.ServiceRequestID(); id != "" {
			where = append(where, "request id "+id)
		}
	}
	call := ""
	if op, ok := innermost[*smithy.OperationError](err); ok {
		call = " to " + op.Service() + " " + op.Operation()
	}
	words := fmt.Sprintf("AWS answered%s: %s: %s", call, api.ErrorCode(), api.ErrorMessage())
	if len(where) > 0 {
		words += " (" + strings.Join(where, ", ") + ")"
	}
	return words
}

// innermost returns the deepest error of a type in a chain: the call that
// failed, rather than the one that needed its result.
func innermost[T error](err error) (found T, ok bool) {
	for err != nil {
		next, is := errors.AsType[T](err)
		if !is {
			return found, ok
		}
		found, ok = next, true
		err = errors.Unwrap(next)
	}
	return found, ok
}
