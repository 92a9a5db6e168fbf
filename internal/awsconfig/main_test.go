// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package awsconfig_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/mitchellh/go-homedir"
)

// isolate hides the developer's AWS environment from a test: no variables, an
// empty home directory, and a metadata service that counts its visitors. Tests
// that use it cannot run in parallel, because the environment is the process's.
func isolate(t *testing.T) (home string) {
	t.Helper()
	for _, entry := range os.Environ() {
		name, value, _ := strings.Cut(entry, "=")
		switch {
		case name == "", name == "PATH", strings.HasPrefix(name, "GO"):
			continue
		}
		t.Setenv(name, value) // restores it afterwards
		if err := os.Unsetenv(name); err != nil {
			t.Fatal(err)
		}
	}
	home = t.TempDir()
	for name, value := range map[string]string{
		"HOME":        home,
		"USERPROFILE": home,
		// aws-sdk-go-base sets this one in its own process; name it so that it
		// is put back.
		"AWS_EC2_METADATA_DISABLED": "",
	} {
		t.Setenv(name, value)
	}
	// The libraries ask for the home directory once for the whole process.
	homedir.DisableCache = true
	configFiles, credentialsFiles := config.DefaultSharedConfigFiles, config.DefaultSharedCredentialsFiles
	t.Cleanup(func() {
		config.DefaultSharedConfigFiles, config.DefaultSharedCredentialsFiles = configFiles, credentialsFiles
	})
	config.DefaultSharedConfigFiles = []string{filepath.Join(home, ".aws", "config")}
	config.DefaultSharedCredentialsFiles = []string{filepath.Join(home, ".aws", "credentials")}
	return home
}

// write makes a file below dir and returns its path.
func write(t *testing.T, dir, name, content string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
