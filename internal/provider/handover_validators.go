// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
	"regexp"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/types"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/ecrrepo"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/handover"
)

var validFunctionName = stringCheck{
	summary:     "Invalid function name",
	description: "must be the name of a Lambda function, not its ARN",
	check:       handover.ValidateFunctionName,
}

var validQualifier = stringCheck{
	summary:     "Invalid qualifier",
	description: "must be a version or an alias",
	check:       handover.ValidateQualifier,
}

var validParameterName = stringCheck{
	summary:     "Invalid SSM parameter name",
	description: "must be the name or ARN of an SSM parameter",
	check:       handover.ValidateParameterName,
}

var validRepositoryName = stringCheck{
	summary:     "Invalid repository name",
	description: "must be the name of an ECR repository",
	check: func(s string) error {
		// Such a name is possible, and would be of a repository that never exists.
		if u, err := ecrrepo.ParseRepositoryURL(s); err == nil && u.IsECR() {
			return fmt.Errorf("%q is the URL of a repository; write it in repository_url, or its name alone, %q, here", s, u.Name)
		}
		return ecrrepo.ValidateRepositoryName(s)
	},
}

// regionName is looser than the regions that exist, since new ones and those of
// emulators are none of this provider's business. It becomes part of a host name.
var regionName = regexp.MustCompile(`^[a-z0-9]+(?:-[a-z0-9]+)*$`)

var validRegion = stringCheck{
	summary:     "Invalid AWS Region",
	description: "must be the name of an AWS Region",
	check: func(s string) error {
		if !regionName.MatchString(s) {
			return fmt.Errorf("%q is not the name of an AWS Region: expected a name such as eu-west-1", s)
		}
		return nil
	},
}

var accountID = regexp.MustCompile(`^[0-9]{12}$`)

var validRegistryID = stringCheck{
	summary:     "Invalid registry ID",
	description: "must be an AWS account ID",
	check: func(s string) error {
		if !accountID.MatchString(s) {
			return fmt.Errorf("%q is not an AWS account ID: expected twelve digits", s)
		}
		return nil
	},
}

func stringsValue(elements []string) types.List {
	values := make([]attr.Value, len(elements))
	for i, element := range elements {
		values[i] = types.StringValue(element)
	}
	return types.ListValueMust(types.StringType, values)
}
