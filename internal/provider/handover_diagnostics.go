// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/terraform-plugin-framework/diag"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/awsconfig"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/handover"
)

// handoverRemedies are the table for what Lambda and SSM answer, as remedies is
// for ECR.
var handoverRemedies = []remedy{
	{
		reason:  handover.ErrDenied,
		summary: "access denied",
		causes: []string{
			"the credentials' IAM policies do not allow the action named below on the resource",
			"a permissions boundary, a service control policy or a VPC endpoint policy denies it",
			"for a SecureString parameter: the policy of its KMS key does not allow kms:Decrypt",
		},
		advice: "Allow the action. A denied look is never taken for absence, because a function could go back to its placeholder by it.",
	},
	{
		reason:  handover.ErrThrottled,
		summary: "request quota used up",
		causes:  []string{"AWS limits requests by account and region, and other clients use the same quota"},
		advice:  "Plan again later, lower -parallelism, or raise max_retries in the provider block.",
	},
	{
		reason:  handover.ErrTimeout,
		summary: "time limit reached",
		causes:  []string{"the network is slow, or AWS was throttling for longer than five minutes"},
		advice:  "Plan again.",
	},
	{
		reason:  handover.ErrCanceled,
		summary: "interrupted",
		advice:  "Plan again: nothing was changed.",
	},
	{
		reason:  handover.ErrUnexpectedAnswer,
		summary: "unexpected answer",
		causes: []string{
			"a proxy or a firewall answers in the service's place",
			"the endpoint in the provider block, or in AWS_ENDPOINT_URL, is not that of the service",
		},
		advice: "Check proxy and endpoint settings, then plan again.",
	},
}

// newHandoverDiagnostic does for Lambda and SSM what newDiagnostic, which it
// hands everything else to, does for ECR.
func newHandoverDiagnostic(doing string, err error) diag.Diagnostic {
	answer, ok := errors.AsType[*handover.Error](err)
	if !ok {
		return newDiagnostic(doing, err)
	}
	found := remedy{}
	for _, r := range handoverRemedies {
		if errors.Is(err, r.reason) {
			found = r
		}
	}
	if found.summary == "" {
		if config, ok := awsconfig.Explain(err); ok {
			return diag.NewErrorDiagnostic(doing+": "+config.Summary, config.Detail)
		}
		return diag.NewErrorDiagnostic(doing+" failed", fmt.Sprintf(
			"If the answer below is of no help, plan again in a while, and look at the AWS Health Dashboard.\n\nAction: %s\nResource: %s\nAnswer: %s",
			answer.Action, answer.Resource, answer.Said()))
	}
	var b strings.Builder
	if len(found.causes) > 0 {
		b.WriteString("Likely causes:\n  - " + strings.Join(found.causes, "\n  - ") + "\n\n")
	}
	if found.advice != "" {
		b.WriteString(found.advice + "\n\n")
	}
	fmt.Fprintf(&b, "Action: %s\nResource: %s\nAnswer: %s", answer.Action, answer.Resource, answer.Said())
	return diag.NewErrorDiagnostic(doing+": "+found.summary, b.String())
}
