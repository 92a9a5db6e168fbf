// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package exampletest_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/exampletest"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/fakeaws"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/seedimage"
)

const (
	functionAddress = "aws_lambda_function.app"
	seedAddress     = "lambdaseed_placeholder_image.app"
)

// migration is a test of one section of the guide on migration.
type migration struct {
	*pushers

	t      *testing.T
	server *fakeaws.Server
	tf     *exampletest.Workspace
}

func newMigration(t *testing.T) *migration {
	t.Helper()
	t.Parallel()
	srv := startAWS(t)
	p := &pushers{options: func(ctx context.Context) []remote.Option { return srv.RemoteOptions(ctx) }}
	return &migration{p, t, srv, exampletest.New(t, srv, lambdaseed, p.providers()...)}
}

// configure takes files of examples/ for the configuration.
func (m *migration) configure(files ...string) {
	m.t.Helper()
	m.tf.Clear()
	var whole strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(filepath.Join(root, "examples", filepath.FromSlash(file)))
		if err != nil {
			m.t.Fatal(err)
		}
		m.tf.Write(path.Base(file), string(text))
		whole.Write(append(text, '\n'))
	}
	_, rest, err := complete(whole.String(), files[0])
	if err != nil {
		m.t.Fatal(err)
	}
	m.tf.Write("rest.tf", rest)
}

// deployed is the URI that the function was last deployed with.
func (m *migration) deployed() string {
	m.t.Helper()
	out, err := lambda.NewFromConfig(m.server.AWSConfig(region)).GetFunction(m.t.Context(), &lambda.GetFunctionInput{FunctionName: aws.String("app")})
	if err != nil {
		m.t.Fatal(err)
	}
	return aws.ToString(out.Code.ImageUri)
}

// pipeline pushes a release and deploys it.
func (m *migration) pipeline(tag string) {
	m.t.Helper()
	uri := repositoryURL + ":" + tag
	if err := m.push(m.t.Context(), uri); err != nil {
		m.t.Fatal(err)
	}
	client := lambda.NewFromConfig(m.server.AWSConfig(region))
	if _, err := client.UpdateFunctionCode(m.t.Context(), &lambda.UpdateFunctionCodeInput{FunctionName: aws.String("app"), ImageUri: &uri}); err != nil {
		m.t.Fatal(err)
	}
	m.settled()
}

// settled waits for a function, in requests and not in time.
func (m *migration) settled() {
	m.t.Helper()
	client := lambda.NewFromConfig(m.server.AWSConfig(region))
	for range 100 {
		out, err := client.GetFunctionConfiguration(m.t.Context(), &lambda.GetFunctionConfigurationInput{FunctionName: aws.String("app")})
		if err != nil {
			m.t.Fatal(err)
		}
		if out.State == lambdatypes.StateActive && out.LastUpdateStatus != lambdatypes.LastUpdateStatusInProgress {
			return
		}
	}
	m.t.Fatal("the function does not become active")
}

// images are the digests of a repository by tag, without placeholders.
func (m *migration) images(repository string) map[string]string {
	m.t.Helper()
	found := map[string]string{}
	for _, image := range m.server.Images(region, repository) {
		if _, ok := seedimage.Recognise(image.Manifest); !ok {
			for _, tag := range image.Tags {
				found[tag] = image.Digest
			}
		}
	}
	return found
}

// TestMigrations plays the sections of the guide that end alike: before, in use
// or not yet, after. Nothing but the seed may be created, the function must stay
// out of the plan, and every image must still be where it was.
func TestMigrations(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		provider bool // whether an old provider has a file of its own
		forgets  []string
		prepare  func(*migration)
	}{
		{"local-exec", false, []string{"terraform_data.first_image"}, (*migration).playDocker},
		{"docker-provider", true, []string{"docker_image.first", "docker_registry_image.first", "docker_tag.first"}, nil},
		{"dummy-repository", false, nil, (*migration).makeDummy},
		{"dockerless", true, []string{"dockerless_remote_image.bootstrap"}, nil},
	} {
		folder := "migrate-from-" + test.name
		var old []string
		if test.provider {
			old = []string{folder + "/before/provider.tf"}
		}
		for _, way := range []struct {
			name    string
			inUse   bool
			stateRM bool // the old provider does not work any more
		}{
			{"not in use", false, false},
			{"in use", true, false},
			{"without the old provider", true, true},
		} {
			if way.stateRM && !test.provider {
				continue
			}
			t.Run(test.name+"/"+way.name, func(t *testing.T) {
				m := newMigration(t)
				if test.prepare != nil {
					test.prepare(m)
				}
				m.configure(append(old, folder+"/before/image.tf")...)
				m.tf.Apply()
				exampletest.Empty(t, m.tf.Plan())
				if way.inUse {
					m.pipeline("v1")
				}
				running, images := m.deployed(), m.images("app")

				want := []string{"create " + seedAddress}
				if way.stateRM {
					m.gone = true
					if out, err := m.tf.Run(".", append([]string{"state", "rm"}, test.forgets...)...); err != nil {
						t.Fatal(err, out)
					}
					m.configure(finished)
				} else {
					for _, address := range test.forgets {
						want = append(want, "forget "+address)
					}
					m.configure(append(old, folder+"/after/image.tf")...)
				}
				plan := m.tf.Plan()
				exampletest.Does(t, plan, want...)
				m.tf.ApplyPlan(plan)
				exampletest.Empty(t, m.tf.Plan())
				if now := m.deployed(); now != running {
					t.Errorf("the function runs %s, before it ran %s", now, running)
				}
				if now := m.images("app"); !maps.Equal(now, images) {
					t.Errorf("the repository holds %v, before it held %v", now, images)
				}

				// The blocks have done their work, and the old provider can go.
				m.gone = true
				m.configure(finished)
				exampletest.Empty(t, m.tf.Plan())
				m.end()
			})
		}
	}
}

// finished is what all of them come to, without the blocks that are needed once.
const finished = "migrate-from-dummy-repository/after/image.tf"

// end deletes the images that are not Terraform's, and destroys the rest.
func (m *migration) end() {
	m.t.Helper()
	var ids []types.ImageIdentifier
	for _, digest := range slices.Sorted(maps.Values(m.images("app"))) {
		ids = append(ids, types.ImageIdentifier{ImageDigest: &digest})
	}
	if len(ids) > 0 {
		out, err := ecr.NewFromConfig(m.server.AWSConfig(region)).BatchDeleteImage(m.t.Context(), &ecr.BatchDeleteImageInput{
			RepositoryName: aws.String("app"), ImageIds: ids,
		})
		if err != nil || len(out.Failures) > 0 {
			m.t.Fatal(err, out)
		}
	}
	m.tf.Destroy()
}

// makeDummy makes the repository that the function names at first.
func (m *migration) makeDummy() {
	m.t.Helper()
	m.createRepository("dummy")
	if err := m.push(m.t.Context(), "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/dummy:latest"); err != nil {
		m.t.Fatal(err)
	}
}

func (m *migration) createRepository(name string) {
	m.t.Helper()
	if _, err := ecr.NewFromConfig(m.server.AWSConfig(region)).CreateRepository(m.t.Context(), &ecr.CreateRepositoryInput{RepositoryName: &name}); err != nil {
		m.t.Fatal(err)
	}
}

// TestMigrationFromCDK takes over what a stack has left behind.
func TestMigrationFromCDK(t *testing.T) {
	m := newMigration(t)
	m.createRepository("app")
	if err := m.push(t.Context(), repositoryURL+":v1"); err != nil {
		t.Fatal(err)
	}
	config := m.server.AWSConfig(region)
	// Ordered as jsonencode does: the stand-in, unlike the original, takes another
	// order for a change.
	const trust = `{"Statement":[{"Action":"sts:AssumeRole","Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"}}],"Version":"2012-10-17"}`
	role, err := iam.NewFromConfig(config).CreateRole(t.Context(), &iam.CreateRoleInput{RoleName: aws.String("app"), AssumeRolePolicyDocument: aws.String(trust)})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lambda.NewFromConfig(config).CreateFunction(t.Context(), &lambda.CreateFunctionInput{
		FunctionName: aws.String("app"), Role: role.Role.Arn, PackageType: lambdatypes.PackageTypeImage,
		Code: &lambdatypes.FunctionCode{ImageUri: aws.String(repositoryURL + ":v1")},
	}); err != nil {
		t.Fatal(err)
	}
	m.settled()
	if _, err := ssm.NewFromConfig(config).PutParameter(t.Context(), &ssm.PutParameterInput{
		Name: aws.String("/app/image-tag"), Type: ssmtypes.ParameterTypeString, Value: aws.String("v1"),
	}); err != nil {
		t.Fatal(err)
	}
	images := m.images("app")

	m.configure("migrate-from-cdk/after/image.tf")
	plan := m.tf.Plan()
	// The same image, named by its digest from now on.
	exampletest.Does(t, plan, "create "+seedAddress, "update "+functionAddress)
	for _, address := range []string{"aws_ecr_repository.app", "aws_iam_role.app", functionAddress} {
		if !plan.Imports(address) {
			t.Errorf("%s is not imported", address)
		}
	}
	if uri, known := plan.Planned(functionAddress, "image_uri"); !known || uri != repositoryURL+"@"+images["v1"] {
		t.Errorf("planned image_uri: %v (known: %t)", uri, known)
	}
	m.tf.ApplyPlan(plan)
	exampletest.Empty(t, m.tf.Plan())
	if now := m.images("app"); !maps.Equal(now, images) {
		t.Errorf("the repository holds %v, before it held %v", now, images)
	}
	if n := len(m.server.RequestsTo("lambda", "CreateFunction")); n != 1 {
		t.Errorf("%d functions were created, want the one of the stack", n)
	}
	m.end()
}

// dockerAddress is where the test listens that plays docker's daemon.
const dockerAddress = "EXAMPLETEST_DOCKER"

// TestMain lets the test binary be the commands that a local-exec provisioner
// calls.
func TestMain(m *testing.M) {
	if address := os.Getenv(dockerAddress); address != "" {
		if err := command(address, os.Args, os.Stdin, os.Stdout); err != nil {
			panic(err)
		}
		return
	}
	m.Run()
}

// command is aws or docker. All that it does is what matters to a repository:
// the push.
func command(address string, args []string, stdin io.Reader, stdout io.Writer) error {
	switch {
	case filepath.Base(args[0]) == "aws":
		_, err := fmt.Fprintln(stdout, "password")
		return err
	case len(args) > 2 && args[1] == "login":
		_, err := io.Copy(io.Discard, stdin)
		return err
	case len(args) == 3 && args[1] == "push":
		req, err := http.NewRequestWithContext(context.Background(), http.MethodPost, address+"/?"+url.Values{"image": {args[2]}}.Encode(), http.NoBody)
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			return err
		}
		if resp.StatusCode != http.StatusOK {
			return fmt.Errorf("docker push: %s", resp.Status)
		}
		return resp.Body.Close()
	}
	return nil
}

// playDocker puts the commands on Terraform's PATH.
func (m *migration) playDocker() {
	m.t.Helper()
	if runtime.GOOS == "windows" {
		m.t.Skip("the provisioner of this example is written for a Unix shell")
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := m.push(r.Context(), r.FormValue("image")); err != nil {
			m.t.Errorf("docker push: %v", err)
			w.WriteHeader(http.StatusInternalServerError)
		}
	}))
	m.t.Cleanup(server.Close)
	self, err := os.Executable()
	if err != nil {
		m.t.Fatal(err)
	}
	bin := m.t.TempDir()
	for _, name := range []string{"aws", "docker"} {
		if err := os.Symlink(self, filepath.Join(bin, name)); err != nil {
			m.t.Fatal(err)
		}
	}
	m.tf.Setenv(map[string]string{"PATH": bin, dockerAddress: server.URL})
}
