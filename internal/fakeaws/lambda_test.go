// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

import (
	"archive/zip"
	"bytes"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// What Lambda says to whom is asserted by the contract, call by call; here is
// what only a fake can be asked.

// lambdaAs is a Lambda client that signs with a key of the test's.
func lambdaAs(srv *Server, accessKey string) *lambda.Client {
	cfg := srv.AWSConfig(DefaultRegion)
	cfg.Credentials = credentials.NewStaticCredentialsProvider(accessKey, "secret", "")
	return lambda.NewFromConfig(cfg)
}

// createFunction makes an image function "app" and settles it.
func createFunction(t *testing.T, srv *Server, uri string) {
	t.Helper()
	_, err := lambdaAs(srv, PipelineAccessKey).CreateFunction(t.Context(), functionInput(srv, uri))
	if err != nil {
		t.Fatal(err)
	}
	srv.SettleFunctions()
}

func functionInput(srv *Server, uri string) *lambda.CreateFunctionInput {
	return &lambda.CreateFunctionInput{
		FunctionName: aws.String("app"), Role: aws.String(srv.AddExecutionRole("app")), PackageType: lambdatypes.PackageTypeImage,
		Code: &lambdatypes.FunctionCode{ImageUri: &uri},
	}
}

func TestFunctionWhoseImageIsDeletedFails(t *testing.T) {
	t.Parallel()
	srv := start(t)
	uri := createRepository(t, srv, "app")
	if _, err := push(t.Context(), t, uri+":a", srv.RemoteOptions(t.Context())...); err != nil {
		t.Fatal(err)
	}
	createFunction(t, srv, uri+":a")

	srv.RefetchImages()
	if fn, _ := srv.Function(DefaultRegion, "app"); fn.State != "Active" {
		t.Fatalf("State = %s although the image is there", fn.State)
	}
	srv.ExpireImage(DefaultRegion, "app", "a")
	srv.RefetchImages()
	if fn, _ := srv.Function(DefaultRegion, "app"); fn.State != "Failed" || fn.StateReasonCode != "ImageDeleted" {
		t.Errorf("State = %s %s, want Failed ImageDeleted", fn.State, fn.StateReasonCode)
	}

	// A new deployment brings it back.
	if _, err := push(t.Context(), t, uri+":b", srv.RemoteOptions(t.Context())...); err != nil {
		t.Fatal(err)
	}
	_, err := lambdaAs(srv, PipelineAccessKey).UpdateFunctionCode(t.Context(), &lambda.UpdateFunctionCodeInput{FunctionName: aws.String("app"), ImageUri: aws.String(uri + ":b")})
	if err != nil {
		t.Fatal(err)
	}
	srv.SettleFunctions()
	if fn, _ := srv.Function(DefaultRegion, "app"); fn.State != "Active" || fn.LastUpdateStatus != "Successful" {
		t.Errorf("State = %s, LastUpdateStatus = %s", fn.State, fn.LastUpdateStatus)
	}
}

func TestFunctionWhoseRepositoryIsClosedFails(t *testing.T) {
	t.Parallel()
	srv := start(t)
	uri := createRepository(t, srv, "app")
	if _, err := push(t.Context(), t, uri+":a", srv.RemoteOptions(t.Context())...); err != nil {
		t.Fatal(err)
	}
	createFunction(t, srv, uri+":a")
	if _, err := clientAs(srv, PipelineAccessKey).DeleteRepositoryPolicy(t.Context(), &ecr.DeleteRepositoryPolicyInput{RepositoryName: aws.String("app")}); err != nil {
		t.Fatal(err)
	}
	srv.RefetchImages()
	if fn, _ := srv.Function(DefaultRegion, "app"); fn.StateReasonCode != "ImageAccessDenied" {
		t.Errorf("StateReasonCode = %q, want ImageAccessDenied", fn.StateReasonCode)
	}
}

func TestLambdaMustBeAllowedToReadTheRepository(t *testing.T) {
	t.Parallel()
	const denied = "Lambda does not have permission to access the ECR image. Check the ECR permissions."
	srv := start(t)
	uri := createRepository(t, srv, "app")
	if _, err := push(t.Context(), t, uri+":a", srv.RemoteOptions(t.Context())...); err != nil {
		t.Fatal(err)
	}

	const key = "AKIADEPLOYER00000001"
	if err := srv.SetPolicy(key, AllowPolicy("*", "lambda:*", "iam:PassRole")); err != nil {
		t.Fatal(err)
	}
	_, err := lambdaAs(srv, key).CreateFunction(t.Context(), functionInput(srv, uri+":a"))
	wantAPIError(t, err, "AccessDeniedException", denied)

	if err := srv.SetPolicy(key, AllowPolicy("*", "lambda:*", "iam:PassRole", "ecr:GetRepositoryPolicy", "ecr:SetRepositoryPolicy")); err != nil {
		t.Fatal(err)
	}
	if _, err := lambdaAs(srv, key).CreateFunction(t.Context(), functionInput(srv, uri+":a")); err != nil {
		t.Error(err)
	}

	// Another account's repository must say so itself.
	const stranger = "AKIASTRANGER00000001"
	srv.AddCredential(stranger, "210987654321", "arn:aws:iam::210987654321:user/s")
	in := functionInput(srv, uri+":a")
	_, err = lambdaAs(srv, stranger).CreateFunction(t.Context(), in)
	wantAPIError(t, err, "AccessDeniedException", denied)
}

func TestCallerMustBeAllowedToPassTheRole(t *testing.T) {
	t.Parallel()
	srv := start(t)
	const key = "AKIADEPLOYER00000001"
	if err := srv.SetPolicy(key, AllowPolicy("*", "lambda:CreateFunction")); err != nil {
		t.Fatal(err)
	}
	_, err := lambdaAs(srv, key).CreateFunction(t.Context(), functionInput(srv, "x"))
	if err == nil || !strings.Contains(err.Error(), "is not authorized to perform: iam:PassRole on resource: arn:aws:iam::123456789012:role/app") {
		t.Errorf("error = %v", err)
	}
}

func TestLagCountsLooks(t *testing.T) {
	t.Parallel()
	srv := start(t)
	srv.SetLambdaBehaviour(LambdaBehaviour{Lag: 2})
	uri := createRepository(t, srv, "app")
	if _, err := push(t.Context(), t, uri+":a", srv.RemoteOptions(t.Context())...); err != nil {
		t.Fatal(err)
	}
	client := lambdaAs(srv, PipelineAccessKey)
	if _, err := client.CreateFunction(t.Context(), functionInput(srv, uri+":a")); err != nil {
		t.Fatal(err)
	}
	var states []string
	for range 4 {
		out, err := client.GetFunctionConfiguration(t.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: aws.String("app")})
		if err != nil {
			t.Fatal(err)
		}
		states = append(states, string(out.State))
	}
	if got := strings.Join(states, " "); got != "Pending Pending Active Active" {
		t.Errorf("states = %s", got)
	}
}

func TestLambdaRefusesMediaTypes(t *testing.T) {
	t.Parallel()
	srv := start(t)
	uri := createRepository(t, srv, "app")
	layer := func(mediaType types.MediaType) v1.Image {
		img, err := mutate.Append(empty.Image, mutate.Addendum{Layer: static.NewLayer([]byte("x"), mediaType), MediaType: mediaType})
		if err != nil {
			t.Fatal(err)
		}
		return img
	}
	for name, c := range map[string]struct {
		image v1.Image
		sync  bool
	}{
		"zstd-layer":   {layer(types.OCILayerZStd), true},
		"artifact":     {mutate.ConfigMediaType(layer(types.DockerLayer), "application/vnd.cncf.helm.config.v1+json"), true},
		"uncompressed": {layer(types.DockerUncompressedLayer), false},
	} {
		t.Run(name, func(t *testing.T) {
			if err := remote.Write(parse(t, uri+":"+name), c.image, srv.RemoteOptions(t.Context())...); err != nil {
				t.Fatal(err)
			}
			in := functionInput(srv, uri+":"+name)
			in.FunctionName = aws.String(name)
			_, err := lambdaAs(srv, PipelineAccessKey).CreateFunction(t.Context(), in)
			if c.sync {
				wantAPIError(t, err, "InvalidParameterValueException",
					"The image manifest, config or layer media type for the source image "+uri+":"+name+" is not supported.")
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			srv.SettleFunctions()
			if fn, _ := srv.Function(DefaultRegion, name); fn.State != "Failed" || fn.StateReasonCode != "InvalidImage" {
				t.Errorf("State = %s %s, want Failed InvalidImage", fn.State, fn.StateReasonCode)
			}
		})
	}
}

func TestUpdateThatFailsLaterKeepsTheOldCode(t *testing.T) {
	t.Parallel()
	srv := start(t)
	uri := createRepository(t, srv, "app")
	if _, err := push(t.Context(), t, uri+":good", srv.RemoteOptions(t.Context())...); err != nil {
		t.Fatal(err)
	}
	bad, err := mutate.Append(empty.Image, mutate.Addendum{Layer: static.NewLayer([]byte("x"), types.DockerUncompressedLayer), MediaType: types.DockerUncompressedLayer})
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(parse(t, uri+":bad"), bad, srv.RemoteOptions(t.Context())...); err != nil {
		t.Fatal(err)
	}
	createFunction(t, srv, uri+":good")
	client := lambdaAs(srv, PipelineAccessKey)
	if _, err := client.UpdateFunctionCode(t.Context(), &lambda.UpdateFunctionCodeInput{FunctionName: aws.String("app"), ImageUri: aws.String(uri + ":bad")}); err != nil {
		t.Fatal(err)
	}
	srv.SettleFunctions()
	fn, _ := srv.Function(DefaultRegion, "app")
	if fn.ImageURI != uri+":good" || fn.State != "Active" || fn.LastUpdateStatus != "Failed" || !strings.HasPrefix(fn.LastUpdateReason, "InvalidImage: ImageLayerFailure") {
		t.Errorf("function = %+v", fn)
	}
}

func TestRevisionGuardsAnUpdate(t *testing.T) {
	t.Parallel()
	srv := start(t)
	uri := createRepository(t, srv, "app")
	if _, err := push(t.Context(), t, uri+":a", srv.RemoteOptions(t.Context())...); err != nil {
		t.Fatal(err)
	}
	createFunction(t, srv, uri+":a")
	_, err := lambdaAs(srv, PipelineAccessKey).UpdateFunctionConfiguration(t.Context(), &lambda.UpdateFunctionConfigurationInput{
		FunctionName: aws.String("app"), Timeout: aws.Int32(9), RevisionId: aws.String("old"),
	})
	wantAPIError(t, err, "PreconditionFailedException",
		"The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id")
}

func TestZipFunctions(t *testing.T) {
	t.Parallel()
	srv := start(t)
	client := lambdaAs(srv, PipelineAccessKey)
	create := func(code *lambdatypes.FunctionCode) error {
		_, err := client.CreateFunction(t.Context(), &lambda.CreateFunctionInput{
			FunctionName: aws.String("app"), Role: aws.String(srv.AddExecutionRole("app")), Runtime: lambdatypes.RuntimePython313, Handler: aws.String("app.handler"), Code: code,
		})
		return err
	}
	wantAPIError(t, create(&lambdatypes.FunctionCode{ZipFile: []byte("no zip")}), "InvalidParameterValueException",
		"Could not unzip uploaded file. Please check your file, then try to upload again.")
	wantAPIError(t, create(&lambdatypes.FunctionCode{S3Bucket: aws.String("none"), S3Key: aws.String("k")}), "InvalidParameterValueException",
		"Error occurred while GetObject. S3 Error Code: NoSuchBucket. S3 Error Message: The specified bucket does not exist")

	var archive bytes.Buffer
	w := zip.NewWriter(&archive)
	if _, err := w.Create("app.py"); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := create(&lambdatypes.FunctionCode{ZipFile: archive.Bytes()}); err != nil {
		t.Fatal(err)
	}
	if fn, _ := srv.Function(DefaultRegion, "app"); !bytes.Equal(fn.Zip, archive.Bytes()) || fn.PackageType != "Zip" {
		t.Errorf("function = %+v", fn)
	}
	wantAPIError(t, create(&lambdatypes.FunctionCode{ZipFile: archive.Bytes()}), "ResourceConflictException", "Function already exist: app")
}

func TestMappingNeedsALongerVisibilityTimeout(t *testing.T) {
	t.Parallel()
	srv := start(t)
	cfg := srv.AWSConfig(DefaultRegion)
	source := createQueue(t, cfg, "jobs")
	uri := createRepository(t, srv, "app")
	if _, err := push(t.Context(), t, uri+":a", srv.RemoteOptions(t.Context())...); err != nil {
		t.Fatal(err)
	}
	in := functionInput(srv, uri+":a")
	in.Timeout = aws.Int32(60)
	client := lambda.NewFromConfig(cfg)
	if _, err := client.CreateFunction(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	_, err := client.CreateEventSourceMapping(t.Context(), &lambda.CreateEventSourceMappingInput{FunctionName: aws.String("app"), EventSourceArn: &source})
	wantAPIError(t, err, "InvalidParameterValueException", "Queue visibility timeout: 30 seconds is less than Function timeout: 60 seconds")
}

func TestRoleMustTrustLambda(t *testing.T) {
	t.Parallel()
	srv := start(t)
	uri := createRepository(t, srv, "app")
	if _, err := push(t.Context(), t, uri+":a", srv.RemoteOptions(t.Context())...); err != nil {
		t.Fatal(err)
	}
	created, err := iam.NewFromConfig(srv.AWSConfig(DefaultRegion)).CreateRole(t.Context(), &iam.CreateRoleInput{
		RoleName: aws.String("ec2"), AssumeRolePolicyDocument: aws.String(strings.ReplaceAll(lambdaTrust, "lambda.", "ec2.")),
	})
	if err != nil {
		t.Fatal(err)
	}
	in := functionInput(srv, uri+":a")
	in.Role = created.Role.Arn
	client := lambdaAs(srv, PipelineAccessKey)
	_, err = client.CreateFunction(t.Context(), in)
	wantAPIError(t, err, "InvalidParameterValueException", "The role defined for the function cannot be assumed by Lambda.")

	srv.SetLambdaBehaviour(LambdaBehaviour{AnyRole: true})
	if _, err := client.CreateFunction(t.Context(), in); err != nil {
		t.Error(err)
	}
}
