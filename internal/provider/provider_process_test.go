// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"archive/zip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/fakeaws"
)

// testOffline has no network, no credentials and arguments that could only
// fail, and nothing to do.
func testOffline(t *testing.T, m *machine) {
	m.main(`profile = "nobody"`, `
output "nothing" {
  value = "to do"
}
`)
	none := map[string]string{"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_REGION": ""}
	for _, args := range [][]string{{"validate"}, {"plan"}, {"apply", "-auto-approve"}, {"plan", "-detailed-exitcode"}} {
		if result := m.run(none, args...); result.failed {
			t.Errorf("%v: %s", args, result.output)
		}
	}
	// A seed in the configuration asks nobody at validate either.
	m.main(`profile = "nobody"`, seedAt(testHost, "app"))
	if result := m.run(none, "validate"); result.failed {
		t.Errorf("validate: %s", result.output)
	}
	if dials := m.Dials(); len(dials) > 0 {
		t.Errorf("hosts were asked: %v", dials)
	}
}

// testNoMetadataService counts who asks the instance metadata service.
func testNoMetadataService(t *testing.T, m *machine) {
	var asked atomic.Int32
	metadata := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		http.Error(w, "no role", http.StatusNotFound)
	}))
	defer metadata.Close()
	m.createRepository("app", "MUTABLE")
	m.main("", seedAt(testHost, "app"))
	address := map[string]string{"AWS_EC2_METADATA_SERVICE_ENDPOINT": metadata.URL}
	m.mustApply(address)
	if n := asked.Load(); n > 0 {
		t.Errorf("%d requests although credentials are given", n)
	}

	address["AWS_ACCESS_KEY_ID"], address["AWS_SECRET_ACCESS_KEY"] = "", ""
	if result := m.apply(address); !result.failed {
		t.Error("applied without credentials")
	}
	if asked.Load() == 0 {
		t.Error("not asked although no credentials are given")
	}
}

// testNothingSecretIsKept plans to files, applies them and destroys with the
// most talkative log, and looks for every secret in all that Terraform writes
// and shows.
func testNothingSecretIsKept(t *testing.T, m *machine) {
	m.createRepository("app", "MUTABLE")
	role := `assume_role {
    role_arn = "arn:aws:iam::` + testAccount + `:role/first"
  }`
	m.main(role, seedAt(testHost, "app"))
	log := filepath.Join(m.dir, "terraform.log")
	trace := map[string]string{"TF_LOG": "TRACE", "TF_LOG_PATH": log}
	texts := map[string]string{}
	terraform := func(where string, args ...string) {
		t.Helper()
		result := m.run(trace, args...)
		if result.failed {
			t.Fatalf("%s: %s", where, result.output)
		}
		texts[where] = result.output
	}
	// The second plan is made with the private state of what has been pushed.
	for _, command := range []string{"create", "update"} {
		if command == "update" {
			m.main(role, strings.Replace(seedAt(testHost, "app"), "\n}", "\n  architectures = [\"arm64\"]\n}", 1))
		}
		file := command + ".tfplan"
		terraform("output of plan, "+command, "plan", "-out="+file)
		terraform("plan as JSON, "+command, "show", "-json", file)
		for name, content := range unzipped(t, filepath.Join(m.dir, file)) {
			texts[name+" of the plan file, "+command] = content
		}
		terraform("output of apply, "+command, "apply", "-json", file)
		terraform("state as JSON, "+command, "show", "-json")
		texts["state, "+command] = m.read("terraform.tfstate")
	}
	terraform("output of destroy", "destroy", "-auto-approve", "-json")
	texts["log"] = m.read("terraform.log")
	for where, text := range texts {
		texts[where] = text + decoded(text)
	}
	for _, where := range []string{"state, create", "tfstate of the plan file, update", "tfplan of the plan file, update"} {
		if !strings.Contains(texts[where], `"pushed":"sha256:`) {
			t.Errorf("the private state is not seen in the %s", where)
		}
	}

	secrets := append(m.secrets(), "secret-of-the-environment", sessionToken, "SecretAccessKey", "authorizationToken", "Basic QVdTO")
	if len(secrets) < 7 {
		t.Fatal("the provider has asked for no password, so that there is nothing to look for")
	}
	for where, text := range texts {
		for _, secret := range secrets {
			if strings.Contains(text, secret) {
				t.Errorf("the %s holds %.20s…", where, secret)
			}
		}
	}
	for _, part := range []string{"ECR/GetAuthorizationToken", "STS/AssumeRole", "ECR/BatchGetImage", "[withheld: may hold credentials]"} {
		if !strings.Contains(texts["log"], part) {
			t.Errorf("the log does not tell %q", part)
		}
	}
}

var base64Text = regexp.MustCompile(`[A-Za-z0-9+/]{16,}={0,2}`)

// decoded is all that a text holds in base64, as Terraform and the framework
// write private state, one inside the other.
func decoded(text string) string {
	var found strings.Builder
	for _, encoded := range base64Text.FindAllString(text, -1) {
		if inner, err := base64.StdEncoding.DecodeString(encoded); err == nil {
			found.WriteString("\n" + string(inner) + decoded(string(inner)))
		}
	}
	return found.String()
}

// read returns a file of the configuration's folder.
func (m *machine) read(name string) string {
	m.t.Helper()
	content, err := os.ReadFile(filepath.Join(m.dir, name))
	if err != nil {
		m.t.Fatal(err)
	}
	return string(content)
}

// unzipped returns the files in an archive, which a saved plan is, by name.
func unzipped(t *testing.T, path string) map[string]string {
	t.Helper()
	archive, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = archive.Close() }() // It was only read.
	files := map[string]string{}
	for _, file := range archive.File {
		content, err := fs.ReadFile(archive, file.Name)
		if err != nil {
			t.Fatal(err)
		}
		files[file.Name] = string(content)
	}
	return files
}

// testErrorsOfCredentials reads what a user reads.
func testErrorsOfCredentials(t *testing.T, m *machine) {
	m.createRepository("app", "MUTABLE")
	const denied = "arn:aws:iam::" + testAccount + ":role/denied"
	m.DenyAssumeRole(denied)
	home := t.TempDir()
	if err := os.MkdirAll(filepath.Join(home, ".aws"), 0o700); err != nil {
		t.Fatal(err)
	}
	sso := "[profile corp]\nsso_session = corp\nsso_account_id = 123456789012\nsso_role_name = dev\n" +
		"[sso-session corp]\nsso_region = ap-northeast-1\nsso_start_url = https://corp.awsapps.com/start\n"
	if err := os.WriteFile(filepath.Join(home, ".aws", "config"), []byte(sso), 0o600); err != nil {
		t.Fatal(err)
	}
	none := map[string]string{"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "HOME": home, "USERPROFILE": home}

	tests := map[string]struct {
		block string
		env   map[string]string
		want  []string // in this order
	}{
		"no credentials": {
			`skip_metadata_api_check = true`, none,
			[]string{"No AWS credentials: ", "Likely causes:\n", "AWS_PROFILE", "In the words of the AWS SDK: "},
		},
		"expired SSO": {
			`profile = "corp"`, none,
			[]string{"AWS login session expired: ", "aws sso login", "Likely causes:\n", "In the words of the AWS SDK: "},
		},
		"wrong region": {
			`skip_metadata_api_check = true`,
			map[string]string{"AWS_REGION": "ap-northeast-1a"},
			[]string{"Invalid AWS region: ", `There is no AWS region "ap-northeast-1a"`, "Likely causes:\n"},
		},
		"denied role": {
			"assume_role {\n    role_arn = \"" + denied + "\"\n  }", nil,
			[]string{"IAM role cannot be assumed: ", denied, "Likely causes:\n", "AWS answered to STS AssumeRole: AccessDenied: User: ", "HTTP 403, request id "},
		},
		"wrong account": {
			`allowed_account_ids = ["210987654321"]`, nil,
			[]string{"Wrong AWS account: ", testAccount, "allowed_account_ids lists 210987654321", "Likely causes:\n"},
		},
	}
	for name, test := range tests {
		m.main(test.block, seedAt(testHost, "app"))
		result := m.apply(test.env)
		if !result.failed || len(result.errors) != 1 {
			t.Errorf("%s: got %q\n%s", name, result.errors, result.output)
			continue
		}
		rest := result.errors[0]
		for _, part := range test.want {
			_, after, found := strings.Cut(rest, part)
			if !found {
				t.Errorf("%s: %q does not follow in %q", name, part, result.errors[0])
			}
			rest = after
		}
	}
	if images := m.contents("app"); len(images) > 0 {
		t.Errorf("something was pushed: %v", images)
	}
	// And none of it stands in the way of the next apply.
	m.main("", seedAt(testHost, "app"))
	m.mustApply(nil)
}

// testFailedLookIsTriedAgain lets the first look fail: its resource fails, and
// the next one looks again.
func testFailedLookIsTriedAgain(t *testing.T, m *machine) {
	m.createRepository("one", "MUTABLE")
	m.createRepository("two", "MUTABLE")
	m.main("", strings.ReplaceAll(seedAt(testHost, "one"), `"app"`, `"one"`)+strings.ReplaceAll(seedAt(testHost, "two"), `"app"`, `"two"`))
	m.Inject(fakeaws.Fault{Service: "sts", Operation: "GetCallerIdentity", Kind: fakeaws.FaultDenied})
	result := m.apply(nil, "-parallelism=1")
	if len(result.errors) != 1 || !strings.Contains(result.errors[0], "Cannot validate the AWS credentials") {
		t.Errorf("got %q\n%s", result.errors, result.output)
	}
	if pushed := len(m.contents("one")) + len(m.contents("two")); pushed != 1 {
		t.Errorf("%d seeds were pushed, want 1", pushed)
	}
	m.mustApply(nil)
}

// testUnknownArgument has a role that becomes unknown, beside keys that work.
func testUnknownArgument(t *testing.T, m *machine) {
	m.createRepository("app", "MUTABLE")
	m.main("assume_role {\n    role_arn = terraform_data.role.output\n  }", `
resource "terraform_data" "role" {
  input = "arn:aws:iam::`+testAccount+`:role/seeder"
}
`+seedAt(testHost, "app"))
	m.mustApply(nil)
	if keys := m.seeders(); len(keys) != 1 || !strings.HasPrefix(keys[0], "ASIA") {
		t.Errorf("ECR was asked by %v", keys)
	}

	m.ResetRequests()
	result := m.run(nil, "plan", "-json", "-replace=terraform_data.role")
	if result.failed || !slices.ContainsFunc(result.warnings, func(w string) bool {
		return strings.HasPrefix(w, "Refresh skipped: ") && strings.Contains(w, "assume_role[0].role_arn")
	}) {
		t.Errorf("warnings: %q\n%s", result.warnings, result.output)
	}
	if got := m.Requests(); len(got) > 0 {
		t.Errorf("%d requests in a plan that may make none", len(got))
	}
}

// testHCPTerraform has the environment of a run with dynamic credentials
// (source: HCP Terraform, "Use dynamic credentials with the AWS provider").
func testHCPTerraform(t *testing.T, m *machine) {
	m.createRepository("app", "MUTABLE")
	m.AcceptWebIdentity("token-of-the-run")
	m.main("", seedAt(testHost, "app"))
	m.mustApply(map[string]string{
		"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "",
		"TFC_AWS_PROVIDER_AUTH": "true", "TFC_AWS_RUN_ROLE_ARN": "arn:aws:iam::" + testAccount + ":role/hcp",
		"AWS_ROLE_ARN":                "arn:aws:iam::" + testAccount + ":role/hcp",
		"AWS_WEB_IDENTITY_TOKEN_FILE": m.write("tfc-aws-token", "token-of-the-run"),
	})
	if len(m.RequestsTo("sts", "AssumeRoleWithWebIdentity")) == 0 {
		t.Error("STS was not asked for a web identity")
	}
	if keys := m.seeders(); len(keys) != 1 || !strings.HasPrefix(keys[0], "ASIA") {
		t.Errorf("ECR was asked by %v", keys)
	}
}

// testHCPTerraformSeveral has the variable and the files of a run with a
// default and a tagged configuration, one in another account (source: HCP
// Terraform, "Specifying multiple configurations").
func testHCPTerraformSeveral(t *testing.T, m *machine) {
	m.createRepository("app", "MUTABLE")
	m.repositoryIn(otherAccount, testRegion, "app")
	file := func(tag, account string) string {
		token := m.write("tfc-aws-token"+tag, "token"+tag+"-of-the-run")
		return m.write("tfc-aws-shared-config"+tag, fmt.Sprintf(
			"[default]\nweb_identity_token_file=%s\nrole_arn=arn:aws:iam::%s:role/hcp%s\n", token, account, tag))
	}
	m.AcceptWebIdentity("token-of-the-run", "token-PROD-of-the-run")
	values, err := json.Marshal(map[string]any{"tfc_aws_dynamic_credentials": map[string]any{
		"default": map[string]string{"shared_config_file": file("", testAccount)},
		"aliases": map[string]any{"PROD": map[string]string{"shared_config_file": file("-PROD", otherAccount)}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	m.write("terraform.auto.tfvars.json", string(values))
	m.main(`shared_config_files = [var.tfc_aws_dynamic_credentials.default.shared_config_file]`, `
provider "lambdaseed" {
  alias               = "prod"
  shared_config_files = [var.tfc_aws_dynamic_credentials.aliases["PROD"].shared_config_file]
}

variable "tfc_aws_dynamic_credentials" {
  type = object({
    default = object({ shared_config_file = string })
    aliases = map(object({ shared_config_file = string }))
  })
}

resource "lambdaseed_placeholder_image" "prod" {
  provider       = lambdaseed.prod
  repository_url = "`+otherAccount+`.dkr.ecr.`+testRegion+`.amazonaws.com/app"
}
`+seedAt(testHost, "app"))
	m.mustApply(map[string]string{"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""})
	for _, account := range []string{testAccount, otherAccount} {
		if images := m.ImagesOf(account, testRegion, "app"); len(images) != 1 {
			t.Errorf("%d images in account %s", len(images), account)
		}
	}
	for _, r := range m.Requests() {
		if r.Service == "ecr" && strings.Contains(r.UserAgent, "lambdaseed") && r.Status != http.StatusOK {
			t.Errorf("%s in account %s: status %d", r.Operation, r.Account, r.Status)
		}
	}
}

// testEmulatorInTheEnvironment finds an emulator by one variable.
func testEmulatorInTheEnvironment(t *testing.T, m *machine) {
	m.createRepository("app", "MUTABLE")
	m.main("", seedAt(m.Address(), "app"))
	for _, variable := range []string{"AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_ECR"} {
		env := map[string]string{"HTTPS_PROXY": "", "AWS_CA_BUNDLE": "", variable: m.URL()}
		if variable != "AWS_ENDPOINT_URL" {
			env["AWS_ENDPOINT_URL_STS"] = m.URL()
		}
		m.mustApply(env)
		if m.at("app", "lambdaseed-placeholder") == "" {
			t.Errorf("%s: nothing was pushed", variable)
		}
		m.mustApply(env, "-destroy")
	}
}

// testExamplesOfProviderBlocks validates and plans what the documentation shows.
func testExamplesOfProviderBlocks(t *testing.T, m *machine) {
	examples, err := filepath.Glob("../../examples/provider*/provider.tf")
	if err != nil || len(examples) < 4 {
		t.Fatal(err, examples)
	}
	values := `{"tfc_aws_dynamic_credentials":{"default":{"shared_config_file":"/a"},"aliases":{"PROD":{"shared_config_file":"/b"}}}}`
	for _, example := range examples {
		config, err := os.ReadFile(example)
		if err != nil {
			t.Fatal(err)
		}
		m.write("provider.tf", string(config))
		m.write("terraform.auto.tfvars.json", values)
		for _, args := range [][]string{{"validate"}, {"plan"}} {
			if result := m.run(nil, args...); result.failed {
				t.Errorf("%s: %v: %s", example, args, result.output)
			}
		}
	}
}
