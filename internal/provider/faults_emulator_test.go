// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ecr/types"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/fakeaws"
)

// An emulator's URL names no account, so that STS is asked for it. That must
// not fail between a push and its being remembered.
func TestFaults_accountOfAnEmulator(t *testing.T) {
	t.Parallel()
	for _, kind := range []fakeaws.FaultKind{fakeaws.FaultDenied, fakeaws.FaultUnavailable, fakeaws.FaultNotJSON, fakeaws.FaultHTML} {
		t.Run(string(kind), func(t *testing.T) {
			w := newWorld(t, fakeaws.WithEmulatorHosts())
			s := newStage(t, w)
			s.provider = block{
				"endpoints":                   []any{map[string]any{"ecr": w.URL(), "sts": w.URL()}},
				"skip_credentials_validation": true,
			}
			w.createRepository("app", types.ImageTagMutabilityMutable)
			config := block{"repository_url": w.Address() + "/app"}
			fault := w.Inject(fakeaws.Fault{Service: "sts", Count: -1, Kind: kind})
			err := s.run(config)
			if err == nil || len(fault.Hits()) == 0 {
				t.Fatalf("%v after %d requests to STS", err, len(fault.Hits()))
			}
			if !strings.Contains(err.Error(), "Creating the placeholder image") {
				t.Error(err)
			}
			if s.state != nil || len(w.Images(testRegion, "app")) > 0 {
				t.Errorf("pushed before it could be remembered: %v", w.Images(testRegion, "app"))
			}
			w.ClearFaults()
			must(t, s.run(config))
			must(t, s.wantNoChange(s.ctx, config))
			must(t, s.destroy(s.ctx))
			if left := w.Images(testRegion, "app"); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}
