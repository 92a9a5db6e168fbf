// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/hashicorp/terraform-plugin-testing/helper/resource"
	"github.com/hashicorp/terraform-plugin-testing/knownvalue"
	"github.com/hashicorp/terraform-plugin-testing/plancheck"
	"github.com/hashicorp/terraform-plugin-testing/statecheck"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/fakeaws"
)

const (
	otherAccount = "210987654321"
	otherKey     = "AKIAOTHERACCOUNT0001"
)

// seedAt is a seed in a repository that exists already.
func seedAt(host, name string) string {
	return fmt.Sprintf("resource \"lambdaseed_placeholder_image\" \"app\" {\n  repository_url = \"%s/%s\"\n}\n", host, name)
}

// repositoryIn makes a repository in any account and region, with a policy that
// lets everybody use it.
func (w *world) repositoryIn(account, region, name string) {
	w.t.Helper()
	cfg := w.AWSConfig(region)
	if account != testAccount {
		w.AddCredential(otherKey, account, "arn:aws:iam::"+account+":user/owner")
		cfg.Credentials = credentials.NewStaticCredentialsProvider(otherKey, "other-secret", "")
	}
	client := ecr.NewFromConfig(cfg)
	if _, err := client.CreateRepository(w.ctx(), &ecr.CreateRepositoryInput{RepositoryName: &name}); err != nil {
		w.t.Fatal(err)
	}
	policy := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + testAccount + `:root"},"Action":"ecr:*"}}`
	if _, err := client.SetRepositoryPolicy(w.ctx(), &ecr.SetRepositoryPolicyInput{RepositoryName: &name, PolicyText: &policy}); err != nil {
		w.t.Fatal(err)
	}
}

// hosts lists the hosts that the provider asked, each once, sorted.
func (w *world) hosts() []string {
	var hosts []string
	for _, r := range w.Requests() {
		if r.AccessKey != providerKey {
			continue
		}
		name, _, _ := strings.Cut(r.Host, ":")
		hosts = append(hosts, name)
	}
	slices.Sort(hosts)
	return slices.Compact(hosts)
}

// TestHostsOfASeed applies and destroys a seed wherever a repository can be,
// and looks at the hosts that were asked, and at the URIs that were handed out.
func TestHostsOfASeed(t *testing.T) {
	t.Parallel()
	const (
		standard  = testAccount + ".dkr.ecr.us-east-1.amazonaws.com"
		dualStack = testAccount + ".dkr-ecr.us-east-1.on.aws"
		china     = testAccount + ".dkr.ecr.cn-north-1.amazonaws.com.cn"
		gov       = testAccount + ".dkr.ecr.us-gov-west-1.amazonaws.com"
		foreign   = otherAccount + ".dkr.ecr.us-east-1.amazonaws.com"
	)
	tests := map[string]struct {
		account, region string // of the repository
		repository      string // host in its URL
		block           string // further arguments of the provider
		want            []string
	}{
		"another region": {
			testAccount, "us-east-1", standard, "",
			[]string{standard, "api.ecr.us-east-1.amazonaws.com", "sts.ap-northeast-1.amazonaws.com"},
		},
		"another account": {
			otherAccount, "us-east-1", foreign, "",
			[]string{foreign, "api.ecr.us-east-1.amazonaws.com", "sts.ap-northeast-1.amazonaws.com"},
		},
		"China": {
			testAccount, "cn-north-1", china, `sts_region = "cn-north-1"`,
			[]string{china, "api.ecr.cn-north-1.amazonaws.com.cn", "sts.cn-north-1.amazonaws.com.cn"},
		},
		"GovCloud": {
			testAccount, "us-gov-west-1", gov, `sts_region = "us-gov-west-1"`,
			[]string{gov, "api.ecr.us-gov-west-1.amazonaws.com", "sts.us-gov-west-1.amazonaws.com"},
		},
		"dual-stack repository": {
			testAccount, "us-east-1", dualStack, "use_dualstack_endpoint = true",
			[]string{dualStack, "ecr.us-east-1.api.aws", "sts.ap-northeast-1.api.aws"},
		},
		"FIPS": {
			testAccount, "us-east-1", standard, "use_fips_endpoint = true\n  sts_region = \"us-east-1\"",
			[]string{testAccount + ".dkr.ecr-fips.us-east-1.amazonaws.com", "api.ecr-fips.us-east-1.amazonaws.com", "sts-fips.us-east-1.amazonaws.com"},
		},
		"FIPS and dual stack": {
			testAccount, "us-east-1", dualStack, "use_fips_endpoint = true\n  use_dualstack_endpoint = true\n  sts_region = \"us-east-1\"",
			[]string{testAccount + ".dkr-ecr-fips.us-east-1.on.aws", "ecr-fips.us-east-1.api.aws", "sts-fips.us-east-1.api.aws"},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.repositoryIn(test.account, test.region, "app")
			address := "lambdaseed_placeholder_image.app"
			config := w.hcl(seedAt(test.repository, "app"), test.block)
			w.test([]resource.TestStep{
				{
					Config: config,
					ConfigStateChecks: []statecheck.StateCheck{
						statecheck.ExpectKnownValue(address, pathTo("image_uri"), knownvalue.StringExact(test.repository+"/app:lambdaseed-placeholder")),
						statecheck.ExpectKnownValue(address, pathTo("registry_id"), knownvalue.StringExact(test.account)),
						statecheck.ExpectKnownValue(address, pathTo("region"), knownvalue.StringExact(test.region)),
					},
				},
				{Config: config, PlanOnly: true},
			})
			if got := w.hosts(); !slices.Equal(got, test.want) {
				t.Errorf("asked %v, want %v", got, test.want)
			}
			if images := w.ImagesOf(test.account, test.region, "app"); len(images) > 0 {
				t.Errorf("destroy left %d images", len(images))
			}
		})
	}
}

// TestEndpointsBlock seeds an emulator: its registry is the host that it names.
func TestEndpointsBlock(t *testing.T) {
	w := newWorld(t, fakeaws.WithEmulatorHosts())
	w.createRepository("app", "MUTABLE")
	config := fmt.Sprintf(`
provider "lambdaseed" {
  region     = %q
  access_key = %q
  secret_key = "test-secret"
  use_fips_endpoint = true

  endpoints {
    ecr = %[3]q
    sts = %[3]q
  }
}
%[4]s`, testRegion, providerKey, w.URL(), seedAt(w.Address(), "app"))
	w.test([]resource.TestStep{{
		Config: config,
		ConfigStateChecks: []statecheck.StateCheck{
			statecheck.ExpectKnownValue("lambdaseed_placeholder_image.app", pathTo("image_uri"), knownvalue.StringExact(w.Address()+"/app:lambdaseed-placeholder")),
			statecheck.ExpectKnownValue("lambdaseed_placeholder_image.app", pathTo("registry_id"), knownvalue.StringExact(testAccount)),
			statecheck.ExpectKnownValue("lambdaseed_placeholder_image.app", pathTo("region"), knownvalue.StringExact(testRegion)),
		},
	}})
}

// roleConfig is a provider whose role is created by the same configuration.
func (w *world) roleConfig(role string) string {
	return w.hcl(`
resource "aws_ecr_repository" "app" {
  name         = "app"
  force_delete = true
}

resource "aws_iam_role" "seeder" {
  name = "`+role+`"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { AWS = "arn:aws:iam::`+testAccount+`:root" } }]
  })
}

resource "lambdaseed_placeholder_image" "app" {
  repository_url = aws_ecr_repository.app.repository_url
}
`, "assume_role {\n    role_arn = aws_iam_role.seeder.arn\n  }")
}

// byRole fails if the provider's keys were used for more than to assume a role.
func (w *world) byRole() error {
	for _, r := range w.Requests() {
		if r.AccessKey == providerKey && r.Service != "sts" {
			return fmt.Errorf("%s was asked without the role", r.Operation)
		}
	}
	return nil
}

// TestUnknownRole plans with a role that does not exist yet. The provider has
// keys that would work without it, and must not use them.
func TestUnknownRole(t *testing.T) {
	w := newWorld(t)
	address := "lambdaseed_placeholder_image.app"
	var digest string
	check := func(*terraformState) error {
		if current := w.at("app", "lambdaseed-placeholder"); current == "" || digest != "" && current != digest {
			return fmt.Errorf("the seed is %q, was %q", current, digest)
		}
		digest = w.at("app", "lambdaseed-placeholder")
		return w.byRole()
	}
	w.test([]resource.TestStep{
		{
			Config: w.roleConfig("first"),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectResourceAction(address, plancheck.ResourceActionCreate),
			}},
			Check: check,
		},
		{
			// A new role: its ARN is unknown in the plan, while the seed exists.
			Config: w.roleConfig("second"),
			ConfigPlanChecks: resource.ConfigPlanChecks{PreApply: []plancheck.PlanCheck{
				plancheck.ExpectResourceAction("aws_iam_role.seeder", plancheck.ResourceActionReplace),
				plancheck.ExpectResourceAction(address, plancheck.ResourceActionNoop),
			}},
			Check: check,
		},
	})
	if err := w.byRole(); err != nil {
		t.Error(err)
	}
}
