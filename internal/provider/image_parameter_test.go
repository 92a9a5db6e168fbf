// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
)

const parameterName = "/app/image"

var byParameter = block{"repository_url": testRepository, "ssm_parameter_name": parameterName}

func TestImage_parameter(t *testing.T) {
	w := newWorld(t)
	w.createRepository("app", types.ImageTagMutabilityMutable)
	digest := w.push("app", "v1", realImage(t, "one"))
	r := w.reader(nil)

	w.ResetRequests()
	expect(t, r.mustRead(imageData, byParameter), map[string]any{
		"exists": false, "image_uri": nil, "image_tag": nil, "reason": "The SSM parameter /app/image does not exist.",
	})
	w.expectRequests("GetParameter")

	dualStack := strings.Replace(strings.Replace(testRepository, ".dkr.ecr.", ".dkr-ecr.", 1), "amazonaws.com", "on.aws", 1)
	for _, kind := range []ssmtypes.ParameterType{ssmtypes.ParameterTypeString, ssmtypes.ParameterTypeSecureString} {
		parameter := parameterName + string(kind)
		for _, value := range []string{
			"v1", " v1\n", digest, testRepository + ":v1", testRepository + "@" + digest, testRepository + ":v1@" + digest, dualStack + ":v1",
		} {
			w.publish(parameter, kind, value)
			w.ResetRequests()
			want := map[string]any{
				"exists": true, "image_tag": "v1", "image_digest": digest, "image_uri": testRepository + "@" + digest, "is_placeholder": false, "reason": nil,
			}
			expect(t, r.mustRead(imageData, block{"repository_url": testRepository, "ssm_parameter_name": parameter}), want)
			w.expectRequests("GetParameter", "DescribeImages", "BatchGetImage")
			expect(t, r.mustRead(imageData, block{"repository_name": "app", "ssm_parameter_name": parameter}), want)
			if t.Failed() {
				t.Fatalf("%s %q", kind, value)
			}
		}
	}
}

// What is not there yet is absence, and told in the reason.
func TestImage_parameterOfNothing(t *testing.T) {
	w := newWorld(t)
	r := w.reader(nil)
	byName := block{"repository_name": "app", "ssm_parameter_name": parameterName}
	absent := func(config block, reason string) {
		t.Helper()
		expect(t, r.mustRead(imageData, config), map[string]any{"exists": false, "image_uri": nil, "image_tag": nil, "reason": reason})
	}

	w.publish(parameterName, ssmtypes.ParameterTypeString, "v1")
	absent(byName, "The repository app does not exist.")
	absent(byParameter, "The repository "+testRepository+" does not exist.")
	w.publish(parameterName, ssmtypes.ParameterTypeString, testRepository+":v1")
	absent(byName, "The repository app does not exist.")

	// That no repository exists yet does not hide a mistake.
	for _, another := range []string{testHost + "/other:v1", strings.Replace(testRepository, testRegion, "eu-west-1", 1) + ":v1"} {
		w.publish(parameterName, ssmtypes.ParameterTypeString, another)
		_, problems := r.read(imageData, byName)
		expectProblem(t, problems, "ssm_parameter_name", "holds the URI of an image in another repository than app.")
	}
	w.publish(parameterName, ssmtypes.ParameterTypeString, testRepository+":v1")

	w.createRepository("app", types.ImageTagMutabilityMutable)
	absent(byParameter, "The SSM parameter /app/image names "+testRepository+":v1, which is not in the repository "+testRepository+" (yet).")
	w.publish(parameterName, ssmtypes.ParameterTypeString, "v1")
	absent(byName, "The SSM parameter /app/image names v1, which is not in the repository app (yet).")
	w.publish(parameterName, ssmtypes.ParameterTypeString, " ")
	absent(byName, "The SSM parameter /app/image is empty.")
	w.publish("/secret", ssmtypes.ParameterTypeSecureString, "hunter2")
	absent(block{"repository_name": "app", "ssm_parameter_name": "/secret"}, "The SSM parameter /secret names an image, which is not in the repository app (yet).")
}

func TestImage_parameterVersions(t *testing.T) {
	w := newWorld(t)
	w.createRepository("app", types.ImageTagMutabilityMutable)
	for _, tag := range []string{"v1", "v2"} {
		w.push("app", tag, realImage(t, tag))
		w.publish(parameterName, ssmtypes.ParameterTypeString, tag)
	}
	r := w.reader(block{"region": "eu-west-1"})
	for name, tag := range map[string]any{
		parameterName: "v2", parameterName + ":1": "v1", parameterName + ":3": nil,
		"arn:aws:ssm:" + testRegion + ":" + testAccount + ":parameter" + parameterName: "v2",
	} {
		expect(t, r.mustRead(imageData, block{"repository_url": testRepository, "ssm_parameter_name": name}), map[string]any{"image_tag": tag})
	}
}

func TestImage_parameterRefused(t *testing.T) {
	w := newWorld(t)
	w.createRepository("app", types.ImageTagMutabilityMutable)
	w.push("app", "v1", realImage(t, "one"))
	r := w.reader(nil)
	const names = "SSM parameter names no image of the repository: The SSM parameter /app/image "
	for _, test := range []struct{ value, says string }{
		{"v1,v2", "holds neither a tag nor a digest nor an image URI."},
		{"sha256:abc", "holds a malformed digest"},
		{testRepository, "holds the URL of a repository without a tag or a digest."},
		{"https://" + testRepository + ":v1", "holds something that is not the URI of an image in a private ECR repository."},
		{"public.ecr.aws/app/app:v1", "holds something that is not the URI of an image in a private ECR repository."},
		{testHost + "/other:v1", "holds the URI of an image in another repository than "},
		{strings.Replace(testRepository, testRegion, "eu-west-1", 1) + ":v1", "holds the URI of an image in another repository than "},
		{strings.Replace(testRepository, testAccount, "210987654321", 1) + ":v1", "holds the URI of an image in another repository than "},
		{"localhost:5000/app:v1", "holds the URI of an image in another repository than "},
	} {
		for _, repository := range []block{byParameter, {"repository_name": "app", "ssm_parameter_name": parameterName}} {
			w.publish(parameterName, ssmtypes.ParameterTypeString, test.value)
			_, problems := r.read(imageData, repository)
			expectProblem(t, problems, "ssm_parameter_name", names+test.says, "Its value: "+test.value)

			// A secret that was named by mistake is not told.
			w.publish("/secret", ssmtypes.ParameterTypeSecureString, test.value)
			secret := block{"repository_name": "app", "ssm_parameter_name": "/secret"}
			_, problems = r.read(imageData, secret)
			expectProblem(t, problems, "ssm_parameter_name", "SSM parameter names no image of the repository: The SSM parameter /secret "+test.says)
			if told := strings.ReplaceAll(problems[0], "than "+testRepository, ""); strings.Contains(told, test.value) {
				t.Errorf("the secret is told: %s", problems[0])
			}
		}
	}

	w.publish("/list", ssmtypes.ParameterTypeStringList, "v1,v2")
	_, problems := r.read(imageData, block{"repository_name": "app", "ssm_parameter_name": "/list"})
	expectProblem(t, problems, "ssm_parameter_name", "SSM parameter is a list: The SSM parameter /list is a StringList.")

	w.publish("/secret", ssmtypes.ParameterTypeSecureString, "v1")
	w.SetKMSDenied(true)
	_, problems = r.read(imageData, block{"repository_name": "app", "ssm_parameter_name": "/secret"})
	expectProblem(t, problems, "ssm_parameter_name", "Reading the SSM parameter: access denied", "does not allow kms:Decrypt", "Action: ssm:GetParameter", "Resource: parameter /secret in "+testRegion)
}
