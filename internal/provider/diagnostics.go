// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/awsconfig"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/ecrrepo"
)

// remedy is what a user needs to know about a kind of failure: what it is
// called, what is behind it as a rule, and what to do.
type remedy struct {
	reason  error
	summary string
	causes  []string
	advice  string
}

// remedies is the one table from typed errors to words. Its order does not
// matter, since an error has one reason.
var remedies = []remedy{
	{
		reason:  ecrrepo.ErrRepositoryNotFound,
		summary: "ECR repository not found",
		causes: []string{
			"the repository URL has a typing error, or names another account or region than was meant",
			"the repository is created by the same configuration, but Terraform does not know that it comes first",
		},
		advice: "Set repository_url to the repository_url attribute of the aws_ecr_repository, so that Terraform creates the repository before.",
	},
	{
		reason:  ecrrepo.ErrDenied,
		summary: "access to ECR denied",
		causes: []string{
			"the credentials' IAM policies do not allow the action named below on the repository",
			"a permissions boundary, a service control policy, a VPC endpoint policy or the repository's own policy denies it",
		},
		advice: "Allow the action on the repository; the provider's documentation lists the minimum IAM policy of each operation.",
	},
	{
		reason:  ecrrepo.ErrCredentials,
		summary: "AWS credentials not accepted",
		causes: []string{
			"the credentials, or the session that they belong to, have expired",
			"they are for another partition, or have been deactivated",
		},
		advice: "Renew the credentials (for instance with \"aws sso login\", or by starting a new run in HCP Terraform) and apply again.",
	},
	{
		reason:  ecrrepo.ErrThrottled,
		summary: "ECR request quota used up",
		causes:  []string{"ECR limits requests by account and region (PutImage: about ten a second), and other clients use the same quota"},
		advice:  "Apply again later, lower -parallelism, or raise max_retries in the provider block and the resource's timeouts.",
	},
	{
		reason:  ecrrepo.ErrUnreachable,
		summary: "no answer from ECR",
		causes: []string{
			"the network has no route to the host: a proxy or, in a private network, the VPC endpoints ecr.api and ecr.dkr are missing",
			"ECR closes the connection without an answer to some requests that it denies",
		},
		advice: "Check the route, the proxy settings and custom_ca_bundle in the provider block, and the permissions; then apply again.",
	},
	{
		reason:  ecrrepo.ErrTimeout,
		summary: "time limit reached",
		causes:  []string{"the network is slow, or ECR was throttling for longer than the resource's timeouts allow"},
		advice:  "Apply again, or set a longer time in the resource's timeouts block.",
	},
	{
		reason:  ecrrepo.ErrCanceled,
		summary: "interrupted",
		advice:  "Apply again: what has been done so far is found and used.",
	},
	{
		reason:  ecrrepo.ErrUnexpectedAnswer,
		summary: "unexpected answer",
		causes: []string{
			"a proxy or a firewall answers in ECR's place",
			"the endpoint in the provider block, or in AWS_ENDPOINT_URL, is not that of ECR",
		},
		advice: "Check proxy and endpoint settings, then apply again.",
	},
	{
		reason:  ecrrepo.ErrRegistryHost,
		summary: "registry host not usable",
		causes: []string{
			"the repository URL belongs to another registry than the provider's credentials and region lead to",
			"the repository URL is not that of a private ECR repository",
		},
		advice: "Use the repository_url of an aws_ecr_repository. The ECR password is sent to no other host than the one that ECR names.",
	},
}

// newDiagnostic turns an error into words: what could not be done, likely
// causes, what to do, and AWS's own words with code and request id. doing is a
// phrase such as "Creating the placeholder image".
func newDiagnostic(doing string, err error) diag.Diagnostic {
	if unknown, ok := errors.AsType[*awsconfig.UnknownArgumentsError](err); ok {
		return diag.NewErrorDiagnostic(doing+": provider configuration not known yet", fmt.Sprintf(
			"These arguments of the provider block have no value yet: %s.\n\n"+
				"They depend on something that is created in the same apply. Other credentials are never used in their place. "+
				"Apply that first (for instance with -target), or use values that are known.", strings.Join(unknown.Arguments, ", ")))
	}
	if config, ok := errors.AsType[*awsconfig.Error](err); ok {
		return diag.NewErrorDiagnostic(doing+": "+config.Summary, config.Detail)
	}
	for _, r := range remedies {
		if errors.Is(err, r.reason) {
			return diag.NewErrorDiagnostic(doing+": "+r.summary, r.detail(err))
		}
	}
	return diag.NewErrorDiagnostic(doing+" failed", remedy{}.detail(err))
}

func (r remedy) detail(err error) string {
	var b strings.Builder
	if len(r.causes) > 0 {
		b.WriteString("Likely causes:\n")
		for _, cause := range r.causes {
			fmt.Fprintf(&b, "  - %s\n", cause)
		}
		b.WriteByte('\n')
	}
	if r.advice != "" {
		b.WriteString(r.advice + "\n\n")
	}
	answer, ok := errors.AsType[*ecrrepo.Error](err)
	if !ok {
		fmt.Fprintf(&b, "The error was: %s", err)
		return b.String()
	}
	fmt.Fprintf(&b, "Action: %s\nRepository: %s", answer.Action, answer.Resource)
	if said := answer.Said(); said != "" {
		fmt.Fprintf(&b, "\nAnswer: %s", said)
	}
	return b.String()
}
