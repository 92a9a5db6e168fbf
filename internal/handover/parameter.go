// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package handover

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

// Parameter is a parameter of SSM Parameter Store.
type Parameter struct {
	// Value is the value without the white space around it, which a shell
	// easily adds.
	Value string
	// Secret is true for a SecureString: its value must not be shown.
	Secret bool
	// List is true for a StringList.
	List bool
}

// Parameter asks for a parameter by its name, with a version or label
// ("name:3") if one is meant, or by its ARN. region is "" for the provider's; an
// ARN brings its own. A SecureString is decrypted. It makes one GetParameter
// request. The error is ErrNotFound where SSM says that there is no such
// parameter, version or label.
func (c *Client) Parameter(ctx context.Context, region, name string) (Parameter, error) {
	const action = "ssm:GetParameter"
	if m := parameterARN.FindStringSubmatch(name); m != nil {
		region = m[1]
	}
	get, region, err := c.ssm.get(ctx, c.configuration, region)
	if err != nil {
		return Parameter{}, err
	}
	resource := fmt.Sprintf("parameter %s in %s", name, region)
	out, err := get(ctx, &ssm.GetParameterInput{Name: &name, WithDecryption: aws.Bool(true)})
	if err != nil {
		return Parameter{}, newError(ctx, action, resource, err)
	}
	if out.Parameter == nil || out.Parameter.Value == nil {
		return Parameter{}, unexpected(action, resource, "an answer without a value")
	}
	return Parameter{
		Value:  strings.TrimSpace(*out.Parameter.Value),
		Secret: out.Parameter.Type == types.ParameterTypeSecureString,
		List:   out.Parameter.Type == types.ParameterTypeStringList,
	}, nil
}

// parameterARN is the ARN of a parameter, of one's own or of another account
// that shares it; parameterName a name, perhaps with a version or label (SSM API
// reference, GetParameter and PutParameter).
var (
	parameterARN  = regexp.MustCompile(`^arn:aws[a-z-]*:ssm:([a-z0-9-]+):[0-9]{12}:parameter/[a-zA-Z0-9_./-]+$`)
	parameterName = regexp.MustCompile(`^(?:[a-zA-Z0-9_.-]+|(?:/[a-zA-Z0-9_.-]+)+)(?::[a-zA-Z0-9_.-]+)?$`)
)

// ValidateParameterName tells whether a string can be a parameter's name or ARN.
func ValidateParameterName(name string) error {
	const longest = 2048
	switch {
	case len(name) <= longest && (parameterName.MatchString(name) || parameterARN.MatchString(name)):
		return nil
	case strings.Contains(name, "/") && !strings.HasPrefix(name, "/") && !strings.HasPrefix(name, "arn:"):
		return fmt.Errorf("%q is not the name of an SSM parameter: a name with levels begins with a slash", name)
	}
	return fmt.Errorf("%q is not the name or ARN of an SSM parameter: expected letters, digits, \".\", \"-\" and \"_\", in levels that begin with \"/\", such as /app/image-tag", name)
}
