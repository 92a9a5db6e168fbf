// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/fakeaws"
)

// killAll kills the processes of an executable, as the kernel does when memory
// is short, and returns how many there were.
func killAll(executable string) (int, error) {
	links, err := filepath.Glob("/proc/[0-9]*/exe")
	if err != nil {
		return 0, err
	}
	killed := 0
	for _, link := range links {
		if target, err := os.Readlink(link); err != nil || target != executable {
			continue // Another's, or gone.
		}
		pid, err := strconv.Atoi(strings.Split(link, "/")[2])
		if err != nil {
			return killed, err
		}
		process, err := os.FindProcess(pid)
		if err != nil {
			return killed, err
		}
		if err := process.Kill(); err != nil {
			return killed, err
		}
		killed++
	}
	return killed, nil
}

// The released provider under a real Terraform: the process is killed in the
// middle of an apply, and the next apply converges. TestFaults_killed plays the
// same at every request, without processes.
func TestFaults_killedProcess(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("the provider's process is found in /proc, which only Linux has")
	}
	for _, test := range []struct {
		place
		done bool
	}{
		{place{"ecr-registry", "InitiateLayerUpload", 1}, false},
		{place{"ecr-registry", "CompleteLayerUpload", 2}, true},
		{place{"ecr", "PutImage", 1}, false},
		{place{"ecr", "PutImage", 1}, true},
	} {
		t.Run(fmt.Sprintf("%s, done %v", test.place, test.done), func(t *testing.T) {
			w := newWorld(t)
			provider := install(t)
			m := provider.machine(t, w)
			m.createRepository("app", types.ImageTagMutabilityMutable)
			theirs := m.push("app", "v1", realImage(t, "released"))
			m.main("", seedAt(testHost, "app"))
			kill := func(fakeaws.Request) {
				if n, err := killAll(provider.binary); n != 1 || err != nil {
					t.Errorf("killed %d processes of the provider, %v", n, err)
				}
			}
			fault := fakeaws.Fault{Service: test.service, Operation: test.operation, Nth: test.nth, Kind: fakeaws.FaultHook, Match: func(r fakeaws.Request) bool {
				return r.AccessKey == providerKey
			}}
			if test.done {
				fault.After = kill
			} else {
				fault.Before = kill
			}
			injected := m.Inject(fault)
			if result := m.apply(nil); !result.failed {
				t.Errorf("the apply has not noticed: %s", result.output)
			}
			if len(injected.Hits()) != 1 {
				t.Fatalf("killed at %d requests", len(injected.Hits()))
			}
			m.ClearFaults()
			m.mustApply(nil)
			if result := m.run(nil, "plan", "-detailed-exitcode"); result.failed {
				t.Errorf("the plan is not empty: %s", result.output)
			}
			if m.at("app", defaultImageTag) == "" {
				t.Error("nothing was seeded")
			}
			m.mustApply(nil, "-destroy")
			if got := m.at("app", "v1"); got != theirs {
				t.Errorf("the pipeline's image: %q", got)
			}
		})
	}
}
