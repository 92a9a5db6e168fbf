// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package contract

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// RunLambda checks what Lambda makes of images in ECR, with one execution role
// for all cases, and returns what is to be said of the unsure facts.
func RunLambda(t *testing.T, target Target) []Finding {
	t.Helper()
	return run(t, target, lambdaFacts(executionRole(t, target)))
}

// lambdaFacts is the whole table; role is the ARN of a role that Lambda may
// assume.
func lambdaFacts(role string) []fact {
	var all []fact
	for _, part := range []func(string) []fact{lambdaRefusals, lambdaImages, lambdaChanges} {
		all = append(all, part(role)...)
	}
	return all
}

const trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`

// executionRole creates a role that lasts as long as the test.
func executionRole(t *testing.T, target Target) string {
	t.Helper()
	client := iam.NewFromConfig(target.Config)
	s := &session{T: t, target: target, ctx: t.Context()}
	roleName := s.name()
	out, err := client.CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: &roleName, AssumeRolePolicyDocument: aws.String(trust)})
	s.must(err)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), time.Minute)
		defer cancel()
		if _, err := client.DeleteRole(ctx, &iam.DeleteRoleInput{RoleName: &roleName}); err != nil {
			t.Errorf("cleaning up: %v", err)
		}
	})
	return aws.ToString(out.Role.Arn)
}

// lambdaCase is one case's client and the function it works on.
type lambdaCase struct {
	s      *session
	client *lambda.Client
	role   string
	name   string
}

func newLambdaCase(s *session, role string) *lambdaCase {
	return &lambdaCase{s: s, client: lambda.NewFromConfig(s.target.Config), role: role, name: s.name()}
}

// create makes the case's function; it is deleted with the case. It is tried
// again while IAM has not spread the role.
func (l *lambdaCase) create(uri string) (*lambda.CreateFunctionOutput, error) {
	in := &lambda.CreateFunctionInput{
		FunctionName: &l.name, Role: &l.role, PackageType: lambdatypes.PackageTypeImage, Code: &lambdatypes.FunctionCode{ImageUri: &uri},
	}
	for deadline := time.Now().Add(time.Minute); ; {
		out, err := l.client.CreateFunction(l.s.ctx, in)
		if err != nil && strings.Contains(err.Error(), "cannot be assumed by Lambda") && time.Now().Before(deadline) {
			l.wait(time.Second)
			continue
		}
		if err == nil {
			l.s.Cleanup(func() {
				ctx, cancel := context.WithTimeout(context.WithoutCancel(l.s.ctx), time.Minute)
				defer cancel()
				_, err := l.client.DeleteFunction(ctx, &lambda.DeleteFunctionInput{FunctionName: &l.name})
				if code := codeOf(err); code != "" && code != "ResourceNotFoundException" {
					l.s.Errorf("cleaning up: %v", err)
				}
			})
		}
		return out, err
	}
}

// refused creates a function that must not come to be, and returns code and
// message with the URI and the account's id taken out.
func (l *lambdaCase) refused(uri string) string {
	l.s.Helper()
	_, err := l.create(uri)
	if err == nil {
		return "accepted"
	}
	code := codeOf(err)
	return code + ": " + strings.ReplaceAll(l.s.wantCode(err, code), uri, "URI")
}

// settled waits until nothing is under way and returns the function.
func (l *lambdaCase) settled() *lambda.GetFunctionOutput {
	l.s.Helper()
	for pause := time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
		out, err := l.client.GetFunction(l.s.ctx, &lambda.GetFunctionInput{FunctionName: &l.name})
		l.s.must(err)
		if out.Configuration.State != lambdatypes.StatePending && out.Configuration.LastUpdateStatus != lambdatypes.LastUpdateStatusInProgress {
			return out
		}
		l.wait(pause)
	}
}

// wait ends the case when the test's time is over.
func (l *lambdaCase) wait(d time.Duration) {
	l.s.Helper()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-l.s.ctx.Done():
		l.s.Fatal(context.Cause(l.s.ctx))
	}
}

// active creates a function and waits for it.
func (l *lambdaCase) active(uri string) *lambda.GetFunctionOutput {
	l.s.Helper()
	_, err := l.create(uri)
	l.s.must(err)
	out := l.settled()
	l.s.wantEqual("State", out.Configuration.State, lambdatypes.StateActive)
	return out
}

// update is the pipeline's update-function-code.
func (l *lambdaCase) update(uri string) error {
	l.s.Helper()
	_, err := l.client.UpdateFunctionCode(l.s.ctx, &lambda.UpdateFunctionCodeInput{FunctionName: &l.name, ImageUri: &uri})
	return err
}

// runnable makes an image that Lambda can unpack: a gzip tar with one file. It
// differs by its seed.
func runnable(seed string) image {
	var plain, packed bytes.Buffer
	content := []byte("#!/bin/false " + seed + "\n")
	archive := tar.NewWriter(&plain)
	header := &tar.Header{Name: "bootstrap", Mode: 0o755, Size: int64(len(content)), Typeflag: tar.TypeReg, Format: tar.FormatUSTAR}
	compressed := gzip.NewWriter(&packed)
	for _, err := range []error{
		archive.WriteHeader(header), second(archive.Write(content)), archive.Close(), second(compressed.Write(plain.Bytes())), compressed.Close(),
	} {
		if err != nil {
			panic(err) // buffers never fail
		}
	}
	config := []byte(`{"architecture":"amd64","os":"linux","config":{"Entrypoint":["/bootstrap"]},"rootfs":{"type":"layers","diff_ids":["` +
		digestOf(plain.Bytes()) + `"]},"history":[{"created_by":"contract"}]}`)
	return assemble(config, packed.Bytes())
}

func second(_ int, err error) error { return err }

// assemble writes the manifest over a config and at most one layer.
func assemble(config []byte, layer []byte) image {
	m := imageManifest{
		SchemaVersion: 2, MediaType: string(types.OCIManifestSchema1), Layers: []descriptor{},
		Config: descriptor{string(types.OCIConfigJSON), digestOf(config), len(config)},
	}
	if layer != nil {
		m.Layers = append(m.Layers, descriptor{string(types.OCILayer), digestOf(layer), len(layer)})
	}
	manifest, err := json.Marshal(m)
	if err != nil {
		panic(err) // a plain struct always encodes
	}
	return image{manifest: manifest, digest: digestOf(manifest), mediaType: m.MediaType, config: config, layer: layer}
}

// seed pushes a runnable image under a tag and returns it and its URI.
func (r *repository) seed(content, tag string) (image, string) {
	r.s.Helper()
	i := runnable(content)
	r.blobs(i)
	r.want(r.putManifest(i, tag), http.StatusCreated, "")
	return i, r.uri() + ":" + tag
}

func (r *repository) uri() string { return r.host + "/" + r.name }

func lambdaRefusals(role string) []fact {
	missing := "InvalidParameterValueException: Source image URI does not exist. Provide a valid source image."
	invalid := "InvalidParameterValueException: Source image URI is not valid. Provide a valid source image."
	return []fact{
		{seen, "CreateFunction from an empty repository is refused", "hashicorp/terraform#27963", "", func(s *session) string {
			r := s.repository()
			s.wantEqual("refusal", newLambdaCase(s, role).refused(r.uri()+":latest"), missing)
			return ""
		}},
		{seen, "CreateFunction from another tag than those that exist is refused", "hashicorp/terraform#27963", "", func(s *session) string {
			r := s.repository()
			r.seed("x", "a")
			s.wantEqual("refusal", newLambdaCase(s, role).refused(r.uri()+":b"), missing)
			return ""
		}},
		{seen, "CreateFunction from public.ecr.aws is refused", "grafana/loki#7218", "", func(s *session) string {
			s.wantEqual("refusal", newLambdaCase(s, role).refused("public.ecr.aws/lambda/python:3.13"), invalid)
			return ""
		}},
		{seen, "CreateFunction from a name without a host is refused", "ministryofjustice/modernisation-platform#2419", "", func(s *session) string {
			s.wantEqual("refusal", newLambdaCase(s, role).refused("app:latest"), invalid)
			return ""
		}},
		{seen, "CreateFunction from an index is refused", "aws/aws-lambda-roadmap#82", "", func(s *session) string {
			r := s.repository()
			child, _ := r.seed("x", "child")
			r.want(r.putManifest(index(child), "index"), http.StatusCreated, "")
			s.wantEqual("refusal", newLambdaCase(s, role).refused(r.uri()+":index"),
				"InvalidParameterValueException: The image manifest, config or layer media type for the source image URI is not supported.")
			return ""
		}},
		{unsure, "CreateFunction from a repository that does not exist", "inferred from the missing image", missing, func(s *session) string {
			r := s.repository()
			_, err := s.ecr.DeleteRepository(s.ctx, &ecr.DeleteRepositoryInput{RepositoryName: &r.name})
			s.must(err)
			return newLambdaCase(s, role).refused(r.uri() + ":latest")
		}},
		{unsure, "CreateFunction from a URI with tag and digest", "not documented", invalid, func(s *session) string {
			r := s.repository()
			i, uri := r.seed("x", "a")
			return newLambdaCase(s, role).refused(uri + "@" + i.digest)
		}},
		{unsure, "CreateFunction from a URI without tag and digest", "not documented", invalid, func(s *session) string {
			r := s.repository()
			r.seed("x", "latest")
			return newLambdaCase(s, role).refused(r.uri())
		}},
		{unsure, "CreateFunction from another region", "that it is refused: Lambda developer guide, images-create.html; the words are not known", invalid, func(s *session) string {
			r := s.repository()
			if s.target.OtherRegion == "" || !strings.Contains(r.host, s.target.Config.Region) {
				s.Skip("the target has no second region")
			}
			return newLambdaCase(s, role).refused(strings.Replace(r.uri(), s.target.Config.Region, s.target.OtherRegion, 1) + ":latest")
		}},
		{unsure, "CreateFunction from a FIPS host", "that it is refused: Lambda developer guide, images-create.html; the words are not known", invalid, func(s *session) string {
			r := s.repository()
			if !strings.Contains(r.host, ".dkr.ecr.") {
				s.Skip("an emulator has no FIPS host")
			}
			r.seed("x", "a")
			return newLambdaCase(s, role).refused(strings.Replace(r.uri(), ".dkr.ecr.", ".dkr.ecr-fips.", 1) + ":a")
		}},
		{seen, "CreateFunction with a role that does not exist is refused", "hashicorp/terraform-provider-aws, retried there", "", func(s *session) string {
			r := s.repository()
			_, uri := r.seed("x", "a")
			l := newLambdaCase(s, role+"-missing")
			_, err := l.client.CreateFunction(s.ctx, &lambda.CreateFunctionInput{
				FunctionName: &l.name, Role: &l.role, PackageType: lambdatypes.PackageTypeImage, Code: &lambdatypes.FunctionCode{ImageUri: &uri},
			})
			s.wantEqual("message", s.wantCode(err, "InvalidParameterValueException"), "The role defined for the function cannot be assumed by Lambda.")
			return ""
		}},
		{documented, "GetFunction of a function that does not exist: ResourceNotFoundException", "Lambda API reference", "", func(s *session) string {
			l := newLambdaCase(s, role)
			_, err := l.client.GetFunction(s.ctx, &lambda.GetFunctionInput{FunctionName: &l.name})
			message := s.wantCode(err, "ResourceNotFoundException")
			if !strings.HasPrefix(message, "Function not found: arn:") || !strings.HasSuffix(message, ":function:"+l.name) {
				s.Errorf("message = %q", message)
			}
			return ""
		}},
	}
}

func lambdaImages(role string) []fact {
	return []fact{
		{documented, "GetFunction gives the image URI as it was set, and the digest it resolved to", "Lambda API reference, FunctionCodeLocation", "", func(s *session) string {
			r := s.repository()
			i, uri := r.seed("x", "a")
			out := newLambdaCase(s, role).active(uri)
			s.wantEqual("ImageUri", aws.ToString(out.Code.ImageUri), uri)
			s.wantEqual("ResolvedImageUri", aws.ToString(out.Code.ResolvedImageUri), r.uri()+"@"+i.digest)
			s.wantEqual("RepositoryType", aws.ToString(out.Code.RepositoryType), "ECR")
			s.wantEqual("PackageType", out.Configuration.PackageType, lambdatypes.PackageTypeImage)
			return ""
		}},
		{documented, "a function can be created by digest", "Lambda developer guide, images-create.html", "", func(s *session) string {
			r := s.repository()
			i, _ := r.seed("x", "a")
			out := newLambdaCase(s, role).active(r.uri() + "@" + i.digest)
			s.wantEqual("ImageUri", aws.ToString(out.Code.ImageUri), r.uri()+"@"+i.digest)
			return ""
		}},
		{unsure, "CodeSha256 of an image function is", "seen in state files of users", "the digest in hex", func(s *session) string {
			r := s.repository()
			i, uri := r.seed("x", "a")
			sum := aws.ToString(newLambdaCase(s, role).active(uri).Configuration.CodeSha256)
			if sum == strings.TrimPrefix(i.digest, "sha256:") {
				return "the digest in hex"
			}
			return sum
		}},
		{documented, "a function is Pending first and then Active", "Lambda developer guide, function states", "", func(s *session) string {
			r := s.repository()
			_, uri := r.seed("x", "a")
			l := newLambdaCase(s, role)
			out, err := l.create(uri)
			s.must(err)
			s.wantEqual("State after CreateFunction", out.State, lambdatypes.StatePending)
			s.wantEqual("StateReasonCode", out.StateReasonCode, lambdatypes.StateReasonCodeCreating)
			s.wantEqual("State in the end", l.settled().Configuration.State, lambdatypes.StateActive)
			return ""
		}},
		{documented, "the tag is resolved at create and not looked at again until the code is updated", "Lambda developer guide, images-create.html", "", func(s *session) string {
			r := s.repository()
			first, uri := r.seed("x", "a")
			l := newLambdaCase(s, role)
			l.active(uri)
			second, _ := r.seed("y", "a")
			s.wantEqual("after the tag moved", aws.ToString(l.settled().Code.ResolvedImageUri), r.uri()+"@"+first.digest)
			s.must(l.update(uri))
			s.wantEqual("after the code update", aws.ToString(l.settled().Code.ResolvedImageUri), r.uri()+"@"+second.digest)
			return ""
		}},
		{seen, "Lambda adds its statement to a repository without policy", "awsdocs/aws-lambda-developer-guide#286", "", func(s *session) string {
			r := s.repository()
			_, uri := r.seed("x", "a")
			newLambdaCase(s, role).active(uri)
			out, err := s.ecr.GetRepositoryPolicy(s.ctx, &ecr.GetRepositoryPolicyInput{RepositoryName: &r.name})
			s.must(err)
			if !strings.Contains(aws.ToString(out.PolicyText), "LambdaECRImageRetrievalPolicy") {
				s.Errorf("policy = %s", aws.ToString(out.PolicyText))
			}
			return ""
		}},
		{unsure, "a function from an image without layers becomes", "no source found", "Active", func(s *session) string {
			r := s.repository()
			i := assemble([]byte(`{"architecture":"amd64","os":"linux","config":{"Entrypoint":["/bootstrap"]},"rootfs":{"type":"layers","diff_ids":[]}}`), nil)
			r.blob(i.config)
			r.want(r.putManifest(i, "a"), http.StatusCreated, "")
			l := newLambdaCase(s, role)
			if _, err := l.create(r.uri() + ":a"); err != nil {
				return "refused: " + err.Error()
			}
			c := l.settled().Configuration
			return strings.TrimSpace(fmt.Sprintf("%s %s", c.State, c.StateReasonCode))
		}},
	}
}

func lambdaChanges(role string) []fact {
	return []fact{
		{seen, "a change while another is under way: ResourceConflictException", "aws-controllers-k8s/community#1103, remotion-dev/remotion#1186", "", func(s *session) string {
			r := s.repository()
			_, uri := r.seed("x", "a")
			l := newLambdaCase(s, role)
			_, err := l.create(uri)
			s.must(err)
			message := s.wantCode(l.update(uri), "ResourceConflictException")
			if !strings.HasPrefix(message, "The operation cannot be performed at this time.") {
				s.Errorf("message = %q", message)
			}
			l.settled()
			return ""
		}},
		{seen, "UpdateFunctionCode to an image that does not exist changes nothing", "hashicorp/terraform#27963", "", func(s *session) string {
			r := s.repository()
			i, uri := r.seed("x", "a")
			l := newLambdaCase(s, role)
			l.active(uri)
			gone := r.uri() + ":gone"
			s.wantEqual("message", s.wantCode(l.update(gone), "InvalidParameterValueException"),
				"Source image "+gone+" does not exist. Provide a valid source image.")
			s.wantEqual("ResolvedImageUri", aws.ToString(l.settled().Code.ResolvedImageUri), r.uri()+"@"+i.digest)
			return ""
		}},
		{documented, "the package type of a function cannot change", "Lambda API reference, UpdateFunctionCode", "", func(s *session) string {
			r := s.repository()
			_, uri := r.seed("x", "a")
			l := newLambdaCase(s, role)
			l.active(uri)
			_, err := l.client.UpdateFunctionCode(s.ctx, &lambda.UpdateFunctionCodeInput{FunctionName: &l.name, ZipFile: []byte("zip")})
			s.wantCode(err, "InvalidParameterValueException")
			return ""
		}},
		{documented, "a published version keeps its image, and publishing again without a change makes no other", "Lambda API reference, PublishVersion", "", func(s *session) string {
			r := s.repository()
			first, uri := r.seed("x", "a")
			_, other := r.seed("y", "b")
			l := newLambdaCase(s, role)
			l.active(uri)
			for range 2 {
				out, err := l.client.PublishVersion(s.ctx, &lambda.PublishVersionInput{FunctionName: &l.name})
				s.must(err)
				s.wantEqual("Version", aws.ToString(out.Version), "1")
			}
			s.must(l.update(other))
			l.settled()
			out, err := l.client.GetFunction(s.ctx, &lambda.GetFunctionInput{FunctionName: &l.name, Qualifier: aws.String("1")})
			s.must(err)
			s.wantEqual("ResolvedImageUri of version 1", aws.ToString(out.Code.ResolvedImageUri), r.uri()+"@"+first.digest)
			return ""
		}},
		{documented, "an alias leads to its version", "Lambda API reference, GetFunction", "", func(s *session) string {
			r := s.repository()
			_, uri := r.seed("x", "a")
			l := newLambdaCase(s, role)
			l.active(uri)
			_, err := l.client.PublishVersion(s.ctx, &lambda.PublishVersionInput{FunctionName: &l.name})
			s.must(err)
			_, err = l.client.CreateAlias(s.ctx, &lambda.CreateAliasInput{FunctionName: &l.name, Name: aws.String("live"), FunctionVersion: aws.String("1")})
			s.must(err)
			out, err := l.client.GetFunction(s.ctx, &lambda.GetFunctionInput{FunctionName: &l.name, Qualifier: aws.String("live")})
			s.must(err)
			s.wantEqual("Version", aws.ToString(out.Configuration.Version), "1")
			s.wantEqual("end of FunctionArn", strings.HasSuffix(aws.ToString(out.Configuration.FunctionArn), ":live"), true)
			return ""
		}},
		{documented, "a function that was deleted is not found", "Lambda API reference", "", func(s *session) string {
			r := s.repository()
			_, uri := r.seed("x", "a")
			l := newLambdaCase(s, role)
			l.active(uri)
			_, err := l.client.DeleteFunction(s.ctx, &lambda.DeleteFunctionInput{FunctionName: &l.name})
			s.must(err)
			_, err = l.client.GetFunction(s.ctx, &lambda.GetFunctionInput{FunctionName: &l.name})
			s.wantCode(err, "ResourceNotFoundException")
			return ""
		}},
	}
}
