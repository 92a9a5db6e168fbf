// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/path"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/awsconfig"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/ecrrepo"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/sourceimage"
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
			"the repository URL has a typing error, is not that of an ECR repository, or names another account or region than was meant",
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
		advice: "Allow the action on the repository: the guide \"IAM policies\" in the provider's documentation has the least policy of each operation.",
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
	{
		reason:  ecrrepo.ErrImageNotFound,
		summary: "image not found",
		causes:  []string{"the tag or the digest has a typing error", "the image was deleted from its repository"},
		advice:  "Correct the image's name.",
	},
	{
		reason:  sourceimage.ErrNotFound,
		summary: "image not found",
		causes:  []string{"the name, the tag or the digest in source_image has a typing error", "the tag was deleted from the source's registry"},
		advice:  "Nothing was pushed. Correct source_image.",
	},
	{
		reason:  sourceimage.ErrDenied,
		summary: "access denied by the source's registry",
		causes: []string{
			"the image does not exist: many registries, Docker Hub among them, say so only to those who may know",
			"the image is private, and source_auth is missing or wrong",
		},
		advice: "Nothing was pushed. Check the name in source_image; for a private image set source_auth.",
	},
	{
		reason:  sourceimage.ErrDockerHubLimit,
		summary: "Docker Hub's pull limit is reached",
		causes:  []string{"Docker Hub counts pulls without a login by IP address, which the machines of a runner or a company share, and pulls with a login by account"},
		advice: "Nothing was pushed. Log in to Docker Hub with source_auth (a free account has a limit of its own), copy Docker's official images from public.ecr.aws/docker/library instead, " +
			"or from a repository of an ECR pull-through cache; or apply again later.",
	},
	{
		reason:  sourceimage.ErrThrottled,
		summary: "too many requests for the source's registry",
		causes:  []string{"the registry limits requests, as public.ecr.aws does by IP address, and others use the same limit"},
		advice:  "Nothing was pushed. Apply again later, or with a lower -parallelism.",
	},
	{
		reason:  sourceimage.ErrUnreachable,
		summary: "no answer from the source's registry",
		causes: []string{
			"the host in source_image has a typing error",
			"the network has no route to the source's registry, or not through the proxy of the provider block; a repository of an ECR pull-through cache needs none",
			"the registry's certificate is of an authority that is not in custom_ca_bundle",
		},
		advice: "The target is not the trouble: no image was pushed. Check the route to the source's registry, then apply again.",
	},
	{
		reason:  sourceimage.ErrFault,
		summary: "the source's registry failed",
		advice:  "No image was pushed. Apply again later.",
	},
	{
		reason:  sourceimage.ErrUnexpectedAnswer,
		summary: "unexpected answer in place of the source's registry",
		causes:  []string{"the host in source_image is not a registry", "a proxy or a firewall answers in the registry's place"},
		advice:  "No image was pushed. Check source_image and the proxy settings.",
	},
	{
		reason:  sourceimage.ErrCorrupt,
		summary: "wrong content from the source's registry",
		causes:  []string{"the registry, or a cache in front of it, is broken", "something in between changes what it sends"},
		advice:  "No image was pushed: what is copied is checked against its digest.",
	},
	{
		reason:  sourceimage.ErrPlainHTTP,
		summary: "the source's registry is not on TLS",
		advice:  "Nothing was pushed. Logins and images are not sent over plain HTTP, except on this machine. Use a registry with TLS.",
	},
	{
		reason:  sourceimage.ErrPlatform,
		summary: "no image for the architecture",
		advice:  "Nothing was pushed. Set architectures to one that the source has, or choose another source_image.",
	},
	{
		reason:  sourceimage.ErrUnsupported,
		summary: "not an image that Lambda can run",
		advice:  "Nothing was pushed, and nothing is converted. Choose another source_image, or build it again in a form that Lambda takes.",
	},
	{
		reason:  sourceimage.ErrTimeout,
		summary: "time limit reached",
		causes:  []string{"the source's registry, or the way to it, is slow"},
		advice:  "Apply again, or set a longer time in the resource's timeouts block.",
	},
	{
		reason:  sourceimage.ErrCanceled,
		summary: "interrupted",
		advice:  "Apply again: what has been done so far is found and used.",
	},
}

// newDiagnostic turns an error into words: what could not be done, likely
// causes, what to do, and AWS's own words with code and request id. doing is a
// phrase such as "Creating the placeholder image".
func newDiagnostic(doing string, err error) diag.Diagnostic {
	if unresolved, ok := errors.AsType[*unresolvedError](err); ok {
		return diag.WithPath(path.Root("source_image"), newDiagnostic("Reading the source image", unresolved.err))
	}
	if unknown, ok := errors.AsType[*awsconfig.UnknownArgumentsError](err); ok {
		return diag.NewErrorDiagnostic(doing+": provider configuration not known yet", fmt.Sprintf(
			"These arguments of the provider block have no value yet: %s.\n\n"+
				"They depend on something that is created in the same apply. Other credentials are never used in their place. "+
				"Apply that first (for instance with -target), or use values that are known.", strings.Join(unknown.Arguments, ", ")))
	}
	if config, ok := errors.AsType[*awsconfig.Error](err); ok {
		return diag.NewErrorDiagnostic(doing+": "+config.Summary, config.Detail)
	}
	if errors.Is(err, ecrrepo.ErrNoCredentials) {
		// Credentials can fail long after they were found: sessions end while an
		// apply runs.
		if config, ok := awsconfig.Explain(err); ok {
			return diag.NewErrorDiagnostic(doing+": "+config.Summary, config.Detail)
		}
	}
	// Interrupted before there was a repository to name.
	for _, end := range []struct{ of, reason error }{{context.Canceled, ecrrepo.ErrCanceled}, {context.DeadlineExceeded, ecrrepo.ErrTimeout}} {
		if _, typed := errors.AsType[*ecrrepo.Error](err); !typed && errors.Is(err, end.of) {
			err = fmt.Errorf("%w: %w", end.reason, err)
		}
	}
	if r, ok := remedyFor(err); ok {
		return diag.NewErrorDiagnostic(doing+": "+r.summary, r.detail(err))
	}
	if answer, ok := errors.AsType[*ecrrepo.Error](err); ok && answer.StatusCode >= http.StatusInternalServerError {
		return diag.NewErrorDiagnostic(doing+" failed", remedy{advice: adviceForFault}.detail(err))
	}
	return diag.NewErrorDiagnostic(doing+" failed", remedy{advice: adviceForOthers}.detail(err))
}

// inSource are the reasons of ECR whose causes and advice are about the target,
// by what they are where a source is in ECR.
var inSource = map[error]error{
	ecrrepo.ErrRepositoryNotFound: sourceimage.ErrNotFound,
	ecrrepo.ErrImageNotFound:      sourceimage.ErrNotFound,
	ecrrepo.ErrRegistryHost:       sourceimage.ErrUnexpectedAnswer,
	ecrrepo.ErrUnexpectedAnswer:   sourceimage.ErrUnexpectedAnswer,
	ecrrepo.ErrUnreachable:        sourceimage.ErrUnreachable,
	ecrrepo.ErrTimeout:            sourceimage.ErrTimeout,
	ecrrepo.ErrCanceled:           sourceimage.ErrCanceled,
}

// remedyFor finds the remedy for an error's reason.
func remedyFor(err error) (remedy, bool) {
	for _, r := range remedies {
		if !errors.Is(err, r.reason) {
			continue
		}
		if as, ok := inSource[r.reason]; ok && isOfSource(err) {
			return remedyFor(as)
		}
		return r, true
	}
	return remedy{}, false
}

// isOfSource tells a failure to read the image that is to be copied, also where
// that is in ECR.
func isOfSource(err error) bool {
	_, ok := errors.AsType[*sourceimage.Error](err)
	return ok
}

// What to do about failures that have no remedy of their own.
const (
	adviceForFault = "AWS could not serve the request, and trying again has not helped. " +
		"Apply again in a while: what has been done so far is found and used. If it lasts, look at the AWS Health Dashboard."
	adviceForOthers = "The answer below says why. If it is of no help, run Terraform again with TF_LOG=DEBUG, " +
		"and report what is logged at https://github.com/lambdaseed/terraform-provider-lambdaseed/issues."
)

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
	source, isSource := errors.AsType[*sourceimage.Error](err)
	if isSource {
		fmt.Fprintf(&b, "Source image: %s\n", source.Source)
	}
	answer, ok := errors.AsType[*ecrrepo.Error](err)
	if !ok && isSource {
		fmt.Fprintf(&b, "Cause: %s", source.Detail)
		return b.String()
	}
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
