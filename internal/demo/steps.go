// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/hashicorp/terraform-exec/tfexec"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/fakeaws"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/seedimage"
)

const (
	region     = "ap-northeast-1"
	repository = "app"
	function   = "app"
	pipeTag    = "v1"
)

// demo is the state that the steps share.
type demo struct {
	out       io.Writer
	root, dir string
	step      int

	aws       *fakeaws.Server
	terraform *tfexec.Terraform
	uri       string // the repository's URL
}

type step struct {
	title string
	do    func(context.Context) error
}

func (d *demo) steps() []step {
	return []step{
		{"Build the provider, find Terraform, start the stand-in for AWS", d.prepare},
		{"terraform init", d.init},
		{"terraform apply: repository, placeholder and function in one go", d.apply},
		{"terraform plan: nothing to do", d.planEmpty},
		{"Ask the placeholder, on this machine", d.invoke},
		{"The pipeline pushes a real image and deploys it", d.deploy},
		{"terraform plan: still nothing to do", d.planEmpty},
		{"terraform destroy", d.destroy},
	}
}

func (d *demo) heading(title string) {
	d.step++
	d.say("\n%d. %s", d.step, title)
}

func (d *demo) say(format string, args ...any) { _, _ = fmt.Fprintf(d.out, format+"\n", args...) }

func (d *demo) close() {
	if d.aws != nil {
		d.aws.Close()
	}
}

func (d *demo) prepare(ctx context.Context) error {
	work := filepath.Join(d.dir, "work")
	if err := os.MkdirAll(work, 0o750); err != nil {
		return err
	}
	if err := d.buildMirror(ctx, filepath.Join(d.dir, "mirror")); err != nil {
		return err
	}
	d.say("   Built the provider into a local mirror, as terraform init would download it.")

	binary, where, err := findTerraform(ctx, d.dir)
	if err != nil {
		return err
	}
	srv, err := fakeaws.Start()
	if err != nil {
		return err
	}
	d.aws = srv
	if d.terraform, err = d.newTerraform(work, binary); err != nil {
		return err
	}
	version, _, err := d.terraform.Version(ctx, true)
	if err != nil {
		return err
	}
	d.say("   Terraform %s (%s).", version, where)
	d.say("   fakeaws answers for ECR, Lambda, IAM and STS on %s. No account and no credentials are used.", srv.URL())

	main, err := os.ReadFile(filepath.Join(d.root, "examples", "quickstart", "main.tf"))
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(work, "main.tf"), main, 0o600)
}

func (d *demo) init(ctx context.Context) error {
	if err := d.terraform.Init(ctx); err != nil {
		return err
	}
	d.say("   Configuration: examples/quickstart, unchanged.")
	return nil
}

func (d *demo) apply(ctx context.Context) error {
	if err := d.terraform.Apply(ctx); err != nil {
		return err
	}
	image, err := d.functionImage(ctx)
	if err != nil {
		return err
	}
	repo, tag, ok := strings.Cut(image, ":")
	if !ok || tag != "lambdaseed-placeholder" {
		return fmt.Errorf("the function runs %q, expected a placeholder", image)
	}
	d.uri = repo
	d.say("   The function runs %s: its own repository, from the first apply on.", image)
	return nil
}

func (d *demo) planEmpty(ctx context.Context) error {
	changes, err := d.terraform.Plan(ctx)
	if err != nil {
		return err
	}
	if changes {
		return errors.New("the plan is not empty")
	}
	d.say("   No changes.")
	return nil
}

// deploy is what the application's pipeline does.
func (d *demo) deploy(ctx context.Context) error {
	img, err := random.Image(1024, 1)
	if err != nil {
		return err
	}
	ref, err := name.NewTag(d.uri + ":" + pipeTag)
	if err != nil {
		return err
	}
	if err := remote.Write(ref, img, d.aws.RemoteOptions(ctx)...); err != nil {
		return err
	}
	d.say("   Pushed %s.", ref)
	if _, err := d.lambda().UpdateFunctionCode(ctx, &lambda.UpdateFunctionCodeInput{
		FunctionName: aws.String(function), ImageUri: aws.String(ref.String()),
	}); err != nil {
		return err
	}
	image, err := d.functionImage(ctx)
	if err != nil {
		return err
	}
	if image != ref.String() {
		return fmt.Errorf("the function runs %q", image)
	}
	d.say("   The function runs %s.", image)
	return nil
}

func (d *demo) destroy(ctx context.Context) error {
	// Terraform deletes no image of the pipeline, and the repository has no
	// force_delete: the pipeline cleans up its own.
	out, err := d.ecr().BatchDeleteImage(ctx, &ecr.BatchDeleteImageInput{
		RepositoryName: aws.String(repository), ImageIds: []types.ImageIdentifier{{ImageTag: aws.String(pipeTag)}},
	})
	if err != nil || len(out.Failures) > 0 {
		return errors.Join(err, fmt.Errorf("deleting the pipeline's image: %v", out.Failures))
	}
	if err := d.terraform.Destroy(ctx); err != nil {
		return err
	}
	repositories, err := d.ecr().DescribeRepositories(ctx, &ecr.DescribeRepositoriesInput{})
	if err != nil {
		return err
	}
	if n := len(repositories.Repositories); n != 0 {
		return fmt.Errorf("%d repositories are left", n)
	}
	d.say("   The placeholder was deleted by its own resource, so that the empty repository could go without force_delete.")
	return nil
}

func (d *demo) ecr() *ecr.Client       { return ecr.NewFromConfig(d.aws.AWSConfig(region)) }
func (d *demo) lambda() *lambda.Client { return lambda.NewFromConfig(d.aws.AWSConfig(region)) }

func (d *demo) functionImage(ctx context.Context) (string, error) {
	out, err := d.lambda().GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: aws.String(function)})
	if err != nil {
		return "", err
	}
	return aws.ToString(out.Code.ImageUri), nil
}

// placeholder pulls what the function runs.
func (d *demo) placeholder(ctx context.Context) (v1.Image, error) {
	ref, err := name.NewTag(d.uri + ":lambdaseed-placeholder")
	if err != nil {
		return nil, err
	}
	img, err := remote.Image(ref, d.aws.RemoteOptions(ctx)...)
	if err != nil {
		return nil, err
	}
	manifest, err := img.RawManifest()
	if err != nil {
		return nil, err
	}
	if _, ok := seedimage.Recognise(manifest); !ok {
		return nil, errors.New("the image at the tag is not a placeholder")
	}
	return img, nil
}
