// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package house

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// A room is a folder under internal/ with all that is in it; "main" is the
// project's own folder.
type room = string

// arrows says which rooms each room may import in code that is not a test.
// They go one way only, and a room knows nothing of those above it.
var arrows = map[room][]room{
	"main":        {"provider"},
	"provider":    {"awsconfig", "bootstrap", "ecrrepo", "handover", "seedimage", "seedzip", "sourceimage"},
	"awsconfig":   {},
	"ecrrepo":     {},
	"handover":    {},
	"sourceimage": {},
	"seedimage":   {"bootstrap"},
	"seedzip":     {"bootstrap"},
	"bootstrap":   {},
	"fakeaws":     {},
	"standinaws":  {},
	"exampletest": {"fakeaws", "standinaws"},
	"demo":        {"bootstrap", "fakeaws", "seedimage", "standinaws"},
	"bench":       {"bootstrap", "fakeaws", "seedimage", "standinaws"},
	"release":     {},
	"docschema":   {"provider"},
	"house":       {},
}

// standIns are the packages that no user's machine should hold: they play AWS,
// another provider or Lambda's side of the Runtime API in tests and the demo.
var standIns = []string{
	module + "/internal/fakeaws",
	module + "/internal/standinaws",
	module + "/internal/exampletest",
	module + "/internal/bootstrap/localruntime",
	module + "/internal/sourceimage/sourcetest",
}

// outside says which rooms may import a package that is not of this module, by
// its path's beginning, in code that is not a test.
var outside = []struct {
	prefix string
	rooms  []room
	why    string
}{
	{
		"github.com/hashicorp/terraform-plugin-testing",
		nil, "it belongs in tests",
	},
	{
		"github.com/hashicorp/terraform-plugin-",
		[]room{"main", "provider", "standinaws", "exampletest", "docschema"},
		"only the provider package knows Terraform; standinaws plays another provider, exampletest serves both, docschema asks ours",
	},
	{
		"github.com/hashicorp/aws-sdk-go-base",
		[]room{"awsconfig", "standinaws"},
		"provider arguments become an AWS configuration in one place; standinaws plays another provider",
	},
	{
		"github.com/aws/aws-sdk-go-v2",
		[]room{"provider", "awsconfig", "ecrrepo", "handover", "fakeaws", "standinaws", "exampletest", "demo", "bench"},
		"what builds images or archives calls nobody",
	},
	{
		"github.com/google/go-containerregistry/pkg/v1/remote",
		[]room{"ecrrepo", "sourceimage", "fakeaws", "exampletest", "demo", "bench"},
		"ecrrepo speaks to ECR's registry, sourceimage to the one that is copied from, and nothing else to any",
	},
	{
		"github.com/google/go-containerregistry",
		[]room{"provider", "ecrrepo", "sourceimage", "seedimage", "fakeaws", "exampletest", "demo", "bench"},
		"images are known where they are built, handed on and pushed",
	},
	{
		"github.com/hashicorp/hc-install",
		[]room{"demo"},
		"the provider installs nothing",
	},
	{
		"github.com/hashicorp/terraform-exec",
		[]room{"demo", "bench", "exampletest"},
		"the provider is started by Terraform, not the reverse",
	},
	{
		"github.com/aws/aws-lambda-go",
		nil, "the program in the image is measured against it, not built on it",
	},
	{
		"net/http",
		[]room{
			"provider", "awsconfig", "ecrrepo", "handover", "sourceimage",
			"fakeaws", "standinaws", "exampletest", "demo", "bench", "bootstrap/localruntime",
		},
		"seeds are built without I/O, and net/http would make the program in the image four times as large",
	},
}

func roomOf(pkg string) room {
	inside, ok := strings.CutPrefix(pkg, module)
	if !ok {
		return ""
	}
	if inside, ok = strings.CutPrefix(inside, "/internal/"); !ok {
		return "main"
	}
	name, _, _ := strings.Cut(inside, "/")
	return name
}

// arrowsBroken says which imports of a file the rules forbid.
func arrowsBroken(file goFile) []string {
	var broken []string
	complain := func(format string, args ...any) {
		broken = append(broken, file.name+": "+fmt.Sprintf(format, args...))
	}

	from := roomOf(file.pkg())
	if _, ok := arrows[from]; !ok {
		complain("%s is a new room: say in the table of arrows what it may import", from)
		return broken
	}
	if file.test {
		return nil
	}
	for _, imported := range file.imports {
		if to := roomOf(imported); to != "" {
			if to != from && !slices.Contains(arrows[from], to) {
				complain("%s must not import %s", from, imported)
			}
			continue
		}
		for _, rule := range outside {
			if !strings.HasPrefix(imported, rule.prefix) {
				continue
			}
			subroom := strings.TrimPrefix(file.pkg(), module+"/internal/")
			if !slices.Contains(rule.rooms, from) && !slices.Contains(rule.rooms, subroom) {
				complain("%s must not import %s: %s", from, imported, rule.why)
			}
			break
		}
	}
	return broken
}

func TestArrowsGoOneWay(t *testing.T) {
	t.Parallel()
	for _, file := range mustGoFiles(t) {
		for _, complaint := range arrowsBroken(file) {
			t.Error(complaint)
		}
	}
}

// TestArrowsHaveNoCircle keeps the table itself honest.
func TestArrowsHaveNoCircle(t *testing.T) {
	t.Parallel()
	var visit func(from room, trail []room)
	visit = func(from room, trail []room) {
		if slices.Contains(trail, from) {
			t.Fatalf("the arrows go in a circle: %s -> %s", strings.Join(trail, " -> "), from)
		}
		for _, to := range arrows[from] {
			if _, ok := arrows[to]; !ok {
				t.Errorf("%s may import %s, which is not in the table", from, to)
			}
			visit(to, append(slices.Clone(trail), from))
		}
	}
	for _, from := range slices.Sorted(maps.Keys(arrows)) {
		visit(from, nil)
	}
}

func TestStandInsAreNotLinked(t *testing.T) {
	t.Parallel()
	linked := linkedPackages(mustGoFiles(t), module)
	for _, standIn := range standIns {
		if slices.Contains(linked, standIn) {
			t.Errorf("the provider links %s, which is for tests and the demo", standIn)
		}
	}
	// The rule would hold for nothing if the walk found nothing.
	for _, needed := range []string{module, module + "/internal/provider", module + "/internal/ecrrepo"} {
		if !slices.Contains(linked, needed) {
			t.Errorf("the provider does not link %s; found only %v", needed, linked)
		}
	}
}

// linkedPackages walks from one package to all of this module's packages that
// it links, on any platform.
func linkedPackages(files []goFile, from string) []string {
	seen := map[string]bool{}
	queue := []string{from}
	for len(queue) > 0 {
		pkg := queue[0]
		queue = queue[1:]
		if seen[pkg] {
			continue
		}
		seen[pkg] = true
		for _, file := range files {
			if file.test || file.pkg() != pkg {
				continue
			}
			for _, imported := range file.imports {
				if roomOf(imported) != "" {
					queue = append(queue, imported)
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

func TestArrowsBrokenFindsWhatIsForbidden(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		file, source, want string
	}{
		{"internal/provider/x.go", `import "` + module + `/internal/ecrrepo"`, ""},
		{"internal/ecrrepo/x.go", `import "` + module + `/internal/seedimage"`, "internal/ecrrepo/x.go: ecrrepo must not import " + module + "/internal/seedimage"},
		{"internal/seedimage/x.go", `import "` + module + `/internal/ecrrepo"`, "seedimage must not import"},
		{"internal/seedimage/x.go", `import "` + module + `/internal/bootstrap"`, ""},
		{"internal/provider/x.go", `import "` + module + `/internal/fakeaws"`, "provider must not import"},
		{"internal/provider/x_test.go", `import "` + module + `/internal/fakeaws"`, ""},
		{"main.go", `import "` + module + `/internal/awsconfig"`, "main must not import"},
		{"internal/ecrrepo/x.go", `import "github.com/hashicorp/terraform-plugin-log/tflog"`, "only the provider package knows Terraform"},
		{"internal/standinaws/x.go", `import "github.com/hashicorp/terraform-plugin-framework/provider"`, ""},
		{"internal/provider/x.go", `import "github.com/hashicorp/terraform-plugin-testing/helper/resource"`, "it belongs in tests"},
		{"internal/ecrrepo/x.go", `import "github.com/hashicorp/aws-sdk-go-base/v2"`, "in one place"},
		{"internal/seedzip/x.go", `import "github.com/aws/aws-sdk-go-v2/aws"`, "calls nobody"},
		{"internal/bootstrap/program/x.go", `import "net/http"`, "four times as large"},
		{"internal/bootstrap/localruntime/x.go", `import "net/http"`, ""},
		{"internal/utils/x.go", ``, "utils is a new room"},
	} {
		file, err := parseGo(test.file, []byte("package x\n"+test.source))
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Join(arrowsBroken(file), "\n")
		if test.want == "" && got != "" || !strings.Contains(got, test.want) {
			t.Errorf("%s with %s: got %q, want %q", test.file, test.source, got, test.want)
		}
	}
}
