// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package handover

import (
	"context"
	"fmt"
	"regexp"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

// Function is what Lambda tells about a function's code.
type Function struct {
	// Region is where the function was looked for.
	Region string
	// ImageURI is the URI that the function was given, as it was written; ""
	// for a function that is not made from an image.
	ImageURI string
	// ResolvedImageURI is ImageURI with the digest that Lambda resolved it to
	// when it was deployed, and runs since.
	ResolvedImageURI string
	// Architectures has one element, "x86_64" or "arm64".
	Architectures []string
	// LastModified is Lambda's time stamp, "2006-01-02T15:04:05.000+0000".
	LastModified string
	// Image tells a function made from an image from one made from a .zip file.
	Image bool
}

// Function asks for a function, and with a qualifier ("" for none) for one of
// its versions or what one of its aliases points at. region is "" for the
// provider's. It makes one GetFunction request, the only operation that tells
// the image URI (Lambda API reference, FunctionCodeLocation). The error is
// ErrNotFound where Lambda says that there is no such function or qualifier.
func (c *Client) Function(ctx context.Context, region, name, qualifier string) (Function, error) {
	const action = "lambda:GetFunction"
	get, region, err := c.lambda.get(ctx, c.configuration, region)
	if err != nil {
		return Function{}, err
	}
	in := &lambda.GetFunctionInput{FunctionName: &name}
	resource := fmt.Sprintf("function %s in %s", name, region)
	if qualifier != "" {
		in.Qualifier = &qualifier
		resource = fmt.Sprintf("function %s:%s in %s", name, qualifier, region)
	}
	out, err := get(ctx, in)
	if err != nil {
		return Function{Region: region}, newError(ctx, action, resource, err)
	}
	if out.Configuration == nil || out.Code == nil {
		return Function{Region: region}, unexpected(action, resource, "an answer without the function's configuration or code")
	}
	f := Function{
		Region:           region,
		ImageURI:         aws.ToString(out.Code.ImageUri),
		ResolvedImageURI: aws.ToString(out.Code.ResolvedImageUri),
		LastModified:     aws.ToString(out.Configuration.LastModified),
		Image:            out.Configuration.PackageType == types.PackageTypeImage,
	}
	for _, architecture := range out.Configuration.Architectures {
		f.Architectures = append(f.Architectures, string(architecture))
	}
	if f.Image && f.ImageURI == "" {
		return Function{Region: region}, unexpected(action, resource, "a function made from an image, but no image URI")
	}
	return f, nil
}

// functionName and qualifierName are what Lambda takes (Lambda API reference,
// GetFunction); 64 characters are its limit for a name by itself.
var (
	functionName  = regexp.MustCompile(`^[a-zA-Z0-9_-]{1,64}$`)
	qualifierName = regexp.MustCompile(`^(?:[a-zA-Z0-9_-]{1,128}|\$LATEST(?:\.PUBLISHED)?)$`)
)

// ValidateFunctionName tells whether a string is a function's name by itself.
func ValidateFunctionName(name string) error {
	switch {
	case functionName.MatchString(name):
		return nil
	case strings.Contains(name, "function:"):
		return fmt.Errorf("%q is the ARN of a function; write its name, and its region in the argument region if it is not the provider's", name)
	case strings.Contains(name, ":"):
		return fmt.Errorf("%q names a version or an alias; write what is after the colon in the argument qualifier", name)
	}
	return fmt.Errorf("%q is not the name of a function: expected 1 to 64 letters, digits, \"-\" or \"_\"", name)
}

// ValidateQualifier tells whether a string is a version's number or an alias.
func ValidateQualifier(qualifier string) error {
	if qualifierName.MatchString(qualifier) {
		return nil
	}
	return fmt.Errorf("%q is neither a version nor an alias: expected a number, \"$LATEST\", or 1 to 128 letters, digits, \"-\" or \"_\"", qualifier)
}
