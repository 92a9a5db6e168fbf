// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/hashicorp/go-version"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-go/tfprotov6"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/terraform"
	"github.com/hashicorp/terraform-plugin-testing/tfjsonpath"
	"github.com/hashicorp/terraform-plugin-testing/tfversion"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/ecrrepo"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/fakeaws"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/seedimage"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/standinaws"
)

const (
	testRegion  = "ap-northeast-1"
	testAccount = "123456789012"
	testHost    = testAccount + ".dkr.ecr." + testRegion + ".amazonaws.com"
)

// The access keys of the two providers: by them the server tells who asks.
const (
	providerKey = "AKIALAMBDASEED000001"
	standinKey  = "AKIASTANDINAWS000001"
)

// world is what an acceptance test runs in: a server that stands in for AWS,
// and both parties, Terraform and the application's pipeline.
type world struct {
	*fakeaws.Server

	t  *testing.T
	ca string // file with the CA of the server's certificates
}

// newWorld starts a server for one test. At the end the test fails if the
// provider has asked for what it must never ask for, or has tried to reach a
// host that is not AWS's.
func newWorld(t *testing.T, opts ...fakeaws.Option) *world {
	t.Helper()
	t.Parallel()
	srv, err := fakeaws.Start(opts...)
	if err != nil {
		t.Fatal(err)
	}
	w := &world{Server: srv, t: t}
	t.Cleanup(func() {
		if v := w.Violations(); len(v) > 0 {
			t.Errorf("requests that must never be made: %v", v)
		}
		if hosts := w.RefusedHosts(); len(hosts) > 0 {
			t.Errorf("hosts beyond AWS were asked: %v", hosts)
		}
		w.Close()
		// What a test has left to clean up is kept until its parent ends, and the
		// matrices of faults have hundreds of tests with a registry each.
		w.Server = nil
	})
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, srv.CABundlePEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	w.ca = ca
	return w
}

// factories are the provider under test and the stand-in for hashicorp/aws,
// both in this process. opts change the provider under test.
func factories(opts ...Option) map[string]func() (tfprotov6.ProviderServer, error) {
	opts = append([]Option{WithECROptions(ecrrepo.WithTiming(20*time.Millisecond, 5*time.Millisecond))}, opts...)
	return map[string]func() (tfprotov6.ProviderServer, error){
		"lambdaseed": func() (tfprotov6.ProviderServer, error) { return NewServer("test", opts...)(), nil },
		"aws":        providerserver.NewProtocol6WithError(standinaws.New("test")()),
	}
}

// hcl puts the two provider blocks before a configuration. Both reach the
// server under AWS's real host names, through its proxy. extra goes into the
// block of the provider under test.
func (w *world) hcl(config string, extra ...string) string {
	const block = `
provider %q {
  region           = %q
  access_key       = %q
  secret_key       = "test-secret"
  https_proxy      = %q
  custom_ca_bundle = %q
  max_retries      = 3
  %s
}
`
	return fmt.Sprintf(block, "lambdaseed", testRegion, providerKey, w.URL(), w.ca, strings.Join(extra, "\n  ")) +
		fmt.Sprintf(block, "aws", testRegion, standinKey, w.URL(), w.ca, "") + config
}

// test runs steps with both providers. Steps whose Config does not name a
// provider block get one.
func (w *world) test(steps []resource.TestStep) {
	w.t.Helper()
	w.testWith(resource.TestCase{Steps: steps})
}

func (w *world) testWith(c resource.TestCase) {
	w.t.Helper()
	for i, step := range c.Steps {
		if step.Config != "" && !strings.Contains(step.Config, `provider "lambdaseed"`) {
			c.Steps[i].Config = w.hcl(step.Config)
		}
	}
	if c.ProtoV6ProviderFactories == nil {
		c.ProtoV6ProviderFactories = factories()
	}
	resource.UnitTest(w.t, c)
}

func (w *world) ctx() context.Context { return w.t.Context() }

func (w *world) ecr() *ecr.Client { return ecr.NewFromConfig(w.AWSConfig(testRegion)) }

// createRepository makes a repository beside Terraform.
func (w *world) createRepository(name string, mutability types.ImageTagMutability, exclusions ...string) {
	w.t.Helper()
	in := &ecr.CreateRepositoryInput{RepositoryName: &name, ImageTagMutability: mutability}
	for _, exclusion := range exclusions {
		in.ImageTagMutabilityExclusionFilters = append(in.ImageTagMutabilityExclusionFilters, types.ImageTagMutabilityExclusionFilter{
			Filter: aws.String(exclusion), FilterType: types.ImageTagMutabilityExclusionFilterTypeWildcard,
		})
	}
	if _, err := w.ecr().CreateRepository(w.ctx(), in); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) deleteRepository(name string) {
	w.t.Helper()
	if _, err := w.ecr().DeleteRepository(w.ctx(), &ecr.DeleteRepositoryInput{RepositoryName: &name, Force: true}); err != nil {
		w.t.Fatal(err)
	}
}

// deleteTag is what a lifecycle policy, or a person, does to a tag.
func (w *world) deleteTag(repository, tag string) {
	w.t.Helper()
	out, err := w.ecr().BatchDeleteImage(w.ctx(), &ecr.BatchDeleteImageInput{
		RepositoryName: &repository, ImageIds: []types.ImageIdentifier{{ImageTag: &tag}},
	})
	if err != nil || len(out.Failures) > 0 {
		w.t.Fatal(err, out)
	}
}

// push puts an image at a tag as the pipeline does, and returns its digest.
func (w *world) push(repository, tag string, img v1.Image) string {
	w.t.Helper()
	ref, err := name.NewTag(testHost + "/" + repository + ":" + tag)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := remote.Write(ref, img, w.RemoteOptions(w.ctx())...); err != nil {
		w.t.Fatal(err)
	}
	return digestOf(w.t, img)
}

// pull gets an image as Lambda, or docker, does.
func (w *world) pull(reference string) v1.Image {
	w.t.Helper()
	ref, err := name.ParseReference(reference)
	if err != nil {
		w.t.Fatal(err)
	}
	img, err := remote.Image(ref, w.RemoteOptions(w.ctx())...)
	if err != nil {
		w.t.Fatal(err)
	}
	return img
}

// at returns the digest at a tag, "" if there is none.
func (w *world) at(repository, tag string) string {
	w.t.Helper()
	return w.contents(repository)[tag]
}

// contents returns the digests of a repository by tag. Untagged images have
// "<untagged N>" for a tag, N counting from 1. A repository that does not exist
// is nil.
func (w *world) contents(repository string) map[string]string {
	w.t.Helper()
	contents := map[string]string{}
	untagged := 0
	pages := ecr.NewListImagesPaginator(w.ecr(), &ecr.ListImagesInput{RepositoryName: &repository})
	for pages.HasMorePages() {
		page, err := pages.NextPage(w.ctx())
		if _, gone := errors.AsType[*types.RepositoryNotFoundException](err); gone {
			return nil
		}
		if err != nil {
			w.t.Fatal(err)
		}
		for _, id := range page.ImageIds {
			tag := aws.ToString(id.ImageTag)
			if tag == "" {
				untagged++
				tag = fmt.Sprintf("<untagged %d>", untagged)
			}
			contents[tag] = aws.ToString(id.ImageDigest)
		}
	}
	return contents
}

// providerRequests returns the operations of the provider under test since the
// last reset, without those of STS.
func (w *world) providerRequests() []string {
	var operations []string
	for _, r := range w.Requests() {
		if r.AccessKey == providerKey && r.Service != "sts" {
			operations = append(operations, r.Operation)
		}
	}
	return operations
}

// wrote tells the requests of the provider that could change something.
func (w *world) wrote() []string {
	return slices.DeleteFunc(w.providerRequests(), func(operation string) bool {
		return slices.Contains([]string{"BatchGetImage", "ListImages", "DescribeImages", "DescribeRepositories", "GetAuthorizationToken"}, operation)
	})
}

// contains is a check of a repository's content: exactly these tags, with
// these digests ("*": any).
func (w *world) contains(repository string, want map[string]string) func(*terraformState) error {
	return func(*terraformState) error {
		got := w.contents(repository)
		if len(got) != len(want) {
			return fmt.Errorf("repository %s holds %v, want %v", repository, got, want)
		}
		for tag, digest := range want {
			if got[tag] == "" || digest != "*" && got[tag] != digest {
				return fmt.Errorf("repository %s holds %v, want %v", repository, got, want)
			}
		}
		return nil
	}
}

// emptyRepository reports an error unless the repository exists and is empty.
func (w *world) emptyRepository(repository string) error {
	return w.contains(repository, map[string]string{})(nil)
}

func digestOf(t *testing.T, img v1.Image) string {
	t.Helper()
	digest, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return digest.String()
}

// placeholder builds a placeholder as this version of the provider does.
func placeholder(t *testing.T, architecture string, response seedimage.Response) v1.Image {
	t.Helper()
	img, err := seedimage.Build(architecture, response)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// says makes a regular expression of a text in which Terraform may break the
// lines anywhere between words.
func says(text string) *regexp.Regexp {
	words := strings.Fields(text)
	for i, word := range words {
		words[i] = regexp.QuoteMeta(word)
	}
	return regexp.MustCompile(strings.Join(words, `[\s│]+`))
}

// terraformState is what the checks of plugin-testing are handed.
type terraformState = terraform.State

// denyProvider takes IAM actions away from the provider, or gives all back.
func (w *world) denyProvider(actions ...string) {
	w.t.Helper()
	document := ""
	if len(actions) > 0 {
		document = fmt.Sprintf(`{"Version":"2012-10-17","Statement":[
			{"Effect":"Allow","Action":"*","Resource":"*"},
			{"Effect":"Deny","Action":["%s"],"Resource":"*"}]}`, strings.Join(actions, `","`))
	}
	if err := w.SetPolicy(providerKey, document); err != nil {
		w.t.Fatal(err)
	}
}

func pathTo(attribute string) tfjsonpath.Path { return tfjsonpath.New(attribute) }

// skipBelow skips a test on an older Terraform and says what it lacks, which
// tfversion.SkipBelow does not.
type skipBelow struct {
	minimum *version.Version
	lacks   string
}

func (s skipBelow) CheckTerraformVersion(_ context.Context, req tfversion.CheckTerraformVersionRequest, resp *tfversion.CheckTerraformVersionResponse) {
	if req.TerraformVersion.LessThan(s.minimum) {
		resp.Skip = fmt.Sprintf("Terraform %s has no %s, %s has", req.TerraformVersion, s.lacks, s.minimum)
	}
}
