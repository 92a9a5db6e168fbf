// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package provider

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/hashicorp/terraform-exec/tfexec"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/exampletest"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/seedzip"
)

const (
	codeBucket     = "lambdaseed-example-code"
	placeholderKey = "app/placeholder.zip"
	objectAddress  = "aws_s3_object.placeholder"
)

// zipWorld is a test with the example of placeholder_zip, applied.
type zipWorld struct {
	*world
	tf *exampletest.Workspace
	// another makes the provider one that has another placeholder, as an upgrade
	// may.
	another *atomic.Bool
}

// otherPlaceholder is what the provider after an upgrade makes.
func otherPlaceholder(t *testing.T) []byte {
	return packageOf(t, "app.py", "def handler(event, context):\n    raise Exception('a newer placeholder')\n")
}

// packageOf is a .zip archive with one file.
func packageOf(t *testing.T, name, content string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	f, err := w.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(f, content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// newZipWorld applies the example for the first time. edits are pairs of texts,
// which replace one another in it before.
func newZipWorld(t *testing.T, edits ...string) *zipWorld {
	t.Helper()
	w := &zipWorld{world: newWorld(t), another: new(atomic.Bool)}
	other := otherPlaceholder(t)
	build := func(runtime, handler string) ([]byte, error) {
		if w.another.Load() {
			return other, nil
		}
		return seedzip.Build(runtime, handler)
	}
	w.tf = exampletest.New(t, w.Server, factories(WithPlaceholderZip(build))["lambdaseed"])
	w.tf.Copy("../../examples/placeholder-zip")
	for edit := range slices.Chunk(edits, 2) {
		w.tf.Edit("main.tf", edit[0], edit[1])
	}
	w.tf.Apply()
	w.runsPackage(w.seed())
	exampletest.Empty(t, w.tf.Plan())
	return w
}

// seed is the placeholder of this version.
func (w *zipWorld) seed() []byte {
	w.t.Helper()
	content, err := seedzip.Build("python3.13", "app.handler")
	if err != nil {
		w.t.Fatal(err)
	}
	return content
}

func (w *zipWorld) s3() *s3.Client {
	return s3.NewFromConfig(w.AWSConfig(testRegion), func(o *s3.Options) { o.UsePathStyle = true })
}

// object returns what is at a key.
func (w *zipWorld) object(key string) []byte {
	w.t.Helper()
	out, err := w.s3().GetObject(w.ctx(), &s3.GetObjectInput{Bucket: aws.String(codeBucket), Key: &key})
	if err != nil {
		w.t.Fatal(err)
	}
	defer out.Body.Close() //nolint:errcheck // only read from
	content, err := io.ReadAll(out.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return content
}

// runsPackage fails the test unless the function runs a package.
func (w *zipWorld) runsPackage(want []byte) {
	w.t.Helper()
	fn, ok := w.Function(testRegion, "app")
	if !ok || !bytes.Equal(fn.Zip, want) {
		w.t.Errorf("the function runs a package of %d bytes, not the wanted one of %d", len(fn.Zip), len(want))
	}
}

// release is what the pipeline does for one: it uploads a package to a key of its
// own and deploys it. It returns the package.
func (w *zipWorld) release(version string) []byte {
	w.t.Helper()
	content := packageOf(w.t, "app.py", "VERSION = "+version+"\n")
	key := "app/" + version + ".zip"
	if _, err := w.s3().PutObject(w.ctx(), &s3.PutObjectInput{Bucket: aws.String(codeBucket), Key: &key, Body: bytes.NewReader(content)}); err != nil {
		w.t.Fatal(err)
	}
	in := &lambda.UpdateFunctionCodeInput{FunctionName: aws.String("app"), S3Bucket: aws.String(codeBucket), S3Key: &key}
	if _, err := w.lambda().UpdateFunctionCode(w.ctx(), in); err != nil {
		w.t.Fatal(err)
	}
	w.SettleFunctions()
	w.runsPackage(content)
	return content
}

// deletePackages empties the bucket of what is the pipeline's.
func (w *zipWorld) deletePackages(versions ...string) {
	w.t.Helper()
	for _, version := range versions {
		if _, err := w.s3().DeleteObject(w.ctx(), &s3.DeleteObjectInput{Bucket: aws.String(codeBucket), Key: aws.String("app/" + version + ".zip")}); err != nil {
			w.t.Fatal(err)
		}
	}
}

// deployments tells the requests that gave the function code since it was created.
func (w *zipWorld) deployments() int { return len(w.RequestsTo("lambda", "UpdateFunctionCode")) }

func TestPlaceholderZip_handover(t *testing.T) {
	w := newZipWorld(t)
	released := w.release("v1")
	exampletest.Empty(t, w.tf.Plan())

	// Another change of the function leaves its code alone.
	w.tf.Edit("main.tf", "  runtime       = local.runtime\n", "  runtime       = local.runtime\n  memory_size   = 512\n")
	exampletest.Does(t, w.tf.Apply(), "update "+functionAddress)
	w.runsPackage(released)
	exampletest.Empty(t, w.tf.Plan())

	released = w.release("v2")
	exampletest.Empty(t, w.tf.Plan())
	w.runsPackage(released)
	if n := w.deployments(); n != 2 {
		t.Errorf("the function was deployed %d times, want the pipeline's 2", n)
	}

	w.deletePackages("v1", "v2")
	w.tf.Destroy()
	if _, exists := w.Function(testRegion, "app"); exists {
		t.Error("the function is left")
	}
}

// TestPlaceholderZip_upgrade plays a new version of the provider, whose placeholder
// has other bytes.
func TestPlaceholderZip_upgrade(t *testing.T) {
	for name, before := range map[string]bool{"before the pipeline's first release": false, "after it": true} {
		t.Run(name, func(t *testing.T) {
			w := newZipWorld(t)
			runs := w.seed()
			if before {
				runs = w.release("v1")
			}
			w.another.Store(true)
			exampletest.Empty(t, w.tf.Plan())
			w.tf.Apply()
			w.runsPackage(runs)
			if got := w.object(placeholderKey); !bytes.Equal(got, w.seed()) {
				t.Error("the placeholder in the bucket has changed")
			}
			// A new runtime is the function's own business.
			w.tf.Edit("main.tf", `"python3.13"`, `"python3.14"`)
			exampletest.Does(t, w.tf.Apply(), "update "+functionAddress)
			w.runsPackage(runs)
			exampletest.Empty(t, w.tf.Plan())

			if before {
				if got := w.object("app/v1.zip"); !bytes.Equal(got, runs) {
					t.Error("the pipeline's package has changed")
				}
				w.deletePackages("v1")
			}
			w.tf.Destroy()
		})
	}
}

// TestPlaceholderZip_upgradeWithoutIgnoring leaves the ignore_changes of the object
// out. The new placeholder comes into the bucket, and even then not into the function.
func TestPlaceholderZip_upgradeWithoutIgnoring(t *testing.T) {
	w := newZipWorld(t, "\n  lifecycle {\n    ignore_changes = [content_base64]\n  }\n", "")
	released := w.release("v1")
	w.another.Store(true)
	exampletest.Does(t, w.tf.Apply(), "update "+objectAddress)
	if got := w.object(placeholderKey); !bytes.Equal(got, otherPlaceholder(t)) {
		t.Error("the new placeholder is not in the bucket")
	}
	w.runsPackage(released)
	exampletest.Empty(t, w.tf.Plan())
	w.deletePackages("v1")
	w.tf.Destroy()
}

// TestPlaceholderZip_lost loses the placeholder after the hand-over: to a lifecycle
// rule of the bucket, say. It comes back, and the function does not notice.
func TestPlaceholderZip_lost(t *testing.T) {
	w := newZipWorld(t)
	released := w.release("v1")
	if _, err := w.s3().DeleteObject(w.ctx(), &s3.DeleteObjectInput{Bucket: aws.String(codeBucket), Key: aws.String(placeholderKey)}); err != nil {
		t.Fatal(err)
	}
	exampletest.Does(t, w.tf.Apply(), "create "+objectAddress)
	w.runsPackage(released)
	exampletest.Empty(t, w.tf.Plan())
	w.deletePackages("v1")
	w.tf.Destroy()
}

// TestPlaceholderZip_moved gives the placeholder another key after the hand-over.
func TestPlaceholderZip_moved(t *testing.T) {
	w := newZipWorld(t)
	released := w.release("v1")
	w.tf.Edit("main.tf", `"app/placeholder.zip"`, `"app/other.zip"`)
	exampletest.Untouched(t, w.tf.Apply(), functionAddress)
	w.runsPackage(released)
	exampletest.Empty(t, w.tf.Plan())
	w.deletePackages("v1")
	w.tf.Destroy()
}

// TestPlaceholderZip_hash shows what the example warns of: a source_code_hash that is
// not ignored brings the placeholder back when it changes.
func TestPlaceholderZip_hash(t *testing.T) {
	const argument = "\n  s3_key        = aws_s3_object.placeholder.key\n"
	hash := argument + "  source_code_hash = provider::lambdaseed::placeholder_zip(local.runtime, local.handler).base64sha256\n"
	for _, tt := range []struct {
		ignored string
		changes []string
	}{
		{"s3_bucket, s3_key", []string{"update " + functionAddress}},
		{"s3_bucket, s3_key, source_code_hash", nil},
	} {
		t.Run(tt.ignored, func(t *testing.T) {
			w := newZipWorld(t, argument, hash, "s3_bucket, s3_key]", tt.ignored+"]")
			released := w.release("v1")
			exampletest.Empty(t, w.tf.Plan())
			w.another.Store(true)
			exampletest.Does(t, w.tf.Apply(), tt.changes...)
			if len(tt.changes) > 0 {
				released = w.seed()
			}
			w.runsPackage(released)
			w.deletePackages("v1")
			w.tf.Destroy()
		})
	}
}

// TestPlaceholderZip_runtimes applies the example with every language.
func TestPlaceholderZip_runtimes(t *testing.T) {
	for runtime, handler := range map[string]string{
		"nodejs22.x": "src/index.handler", "ruby3.4": "lib/app.Api::Handler.process", "provided.al2023": "bootstrap", "provided.al2": "bootstrap",
	} {
		t.Run(runtime, func(t *testing.T) {
			w := newWorld(t)
			tf := w.example("placeholder-zip")
			tf.Edit("main.tf", `"python3.13"`, fmt.Sprintf("%q", runtime))
			tf.Edit("main.tf", `"app.handler"`, fmt.Sprintf("%q", handler))
			tf.Apply()
			want, err := seedzip.Build(runtime, handler)
			if err != nil {
				t.Fatal(err)
			}
			fn, _ := w.Function(testRegion, "app")
			if !bytes.Equal(fn.Zip, want) || fn.Runtime != runtime {
				t.Errorf("the function runs a package of %d bytes with %s", len(fn.Zip), fn.Runtime)
			}
			exampletest.Empty(t, tf.Plan())
			tf.Destroy()
		})
	}
}

// TestPlaceholderZip_handlerBefore changes the handler before the first deployment,
// in the way that the documentation says.
func TestPlaceholderZip_handlerBefore(t *testing.T) {
	w := newZipWorld(t)
	w.tf.Edit("main.tf", `"app.handler"`, `"src/main.run"`)
	exampletest.Does(t, w.tf.Apply(), "update "+functionAddress)
	w.runsPackage(w.seed()) // with the old name of the file, so the function fails
	w.tf.Apply(tfexec.Replace(objectAddress), tfexec.Replace(functionAddress))
	want, err := seedzip.Build("python3.13", "src/main.run")
	if err != nil {
		t.Fatal(err)
	}
	w.runsPackage(want)
	exampletest.Empty(t, w.tf.Plan())
	w.tf.Destroy()
}
