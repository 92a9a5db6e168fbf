// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/static"
	ggcr "github.com/google/go-containerregistry/pkg/v1/types"
)

func TestPasswordsExpire(t *testing.T) {
	t.Parallel()
	for name, expire := range map[string]func(*Server){
		"after twelve hours": func(srv *Server) { srv.Advance(12*time.Hour + time.Second) },
		"when told to":       (*Server).ExpireTokens,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := start(t)
			uri := createRepository(t, srv, "app")
			password := srv.Password(PipelineAccessKey, DefaultRegion)
			if status, body := ask(t, srv, uri, "/manifests/v1", password); status != http.StatusNotFound {
				t.Errorf("before: %d %s, want 404", status, body)
			}
			expire(srv)
			status, body := ask(t, srv, uri, "/manifests/v1", password)
			want := `{"errors":[{"code":"DENIED","message":"Your authorization token has expired. Reauthenticate and try again."}]}`
			if status != http.StatusForbidden || body != want {
				t.Errorf("after: %d %s, want 403 %s", status, body, want)
			}
			if _, err := push(t.Context(), t, uri+":v2", srv.RemoteOptions(t.Context())...); err != nil {
				t.Errorf("with a new password: %v", err)
			}
		})
	}
}

func TestPasswordHasRealLengthAndBelongsToOneRegion(t *testing.T) {
	t.Parallel()
	srv := start(t)
	uri := createRepository(t, srv, "app")
	password := srv.Password(PipelineAccessKey, "eu-west-1")
	if len(password) < 1500 || len(password) > 2500 {
		t.Errorf("the password has %d characters, want about 1,700", len(password))
	}
	if status, body := ask(t, srv, uri, "/manifests/v1", password); status != http.StatusBadRequest || !strings.Contains(body, "issued for another region") {
		t.Errorf("another region's password: %d %s, want 400", status, body)
	}
	if status, body := ask(t, srv, uri, "/manifests/v1", "made-up"); status != http.StatusUnauthorized || body != "Not Authorized\n" {
		t.Errorf("a made-up password: %d %s, want 401", status, body)
	}
	if issued := srv.IssuedPasswords(); len(issued) != 1 {
		t.Errorf("%d passwords issued, want 1", len(issued))
	}
}

func TestRateLimitHoldsForAPIAndRegistryTogether(t *testing.T) {
	t.Parallel()
	srv := start(t)
	uri := createRepository(t, srv, "app")
	options := srv.RemoteOptions(t.Context())
	img, err := push(t.Context(), t, uri+":v0", options...)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := img.RawManifest()
	if err != nil {
		t.Fatal(err)
	}
	// So slow that the test's own duration does not fill the bucket.
	srv.SetRateLimit("ecr", "PutImage", 0.001, 2)
	if err := remote.Tag(parse(t, uri+":v1").Context().Tag("v1"), img, options...); err != nil {
		t.Fatal(err)
	}
	put := func(tag string) error {
		_, err := clientAs(srv, PipelineAccessKey).PutImage(t.Context(), &ecr.PutImageInput{
			RepositoryName: aws.String("app"), ImageTag: &tag, ImageManifest: aws.String(string(manifest)),
		})
		return err
	}
	if err := put("v2"); err != nil {
		t.Fatal(err)
	}
	wantAPIError(t, put("v3"), "ThrottlingException", "Rate exceeded")
	err = remote.Tag(parse(t, uri+":v3").Context().Tag("v3"), img, options...)
	if want := "TOOMANYREQUESTS: Rate exceeded"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error = %v, want %s", err, want)
	}
	srv.Advance(1000 * time.Second)
	if err := put("v3"); err != nil {
		t.Errorf("after the bucket filled: %v", err)
	}
	srv.SetRateLimit("ecr", "PutImage", 0, 0)
	if err := put("v4"); err != nil {
		t.Errorf("after the limit was taken away: %v", err)
	}
}

func TestReadAfterCreateLagsForSoManyCalls(t *testing.T) {
	t.Parallel()
	srv := start(t, WithCreateLag(2))
	uri := createRepository(t, srv, "app")
	in := &ecr.BatchGetImageInput{RepositoryName: aws.String("app"), ImageIds: []types.ImageIdentifier{{ImageTag: aws.String("x")}}}
	_, err := clientAs(srv, PipelineAccessKey).BatchGetImage(t.Context(), in)
	wantAPIError(t, err, "RepositoryNotFoundException", "The repository with name 'app' does not exist in the registry with id '123456789012'")
	status, body := ask(t, srv, uri, "/manifests/x", srv.Password(PipelineAccessKey, DefaultRegion))
	if status != http.StatusNotFound || !strings.Contains(body, `"NAME_UNKNOWN"`) {
		t.Errorf("second look: %d %s, want NAME_UNKNOWN", status, body)
	}
	if _, err := clientAs(srv, PipelineAccessKey).BatchGetImage(t.Context(), in); err != nil {
		t.Errorf("third look: %v", err)
	}
}

func TestRecordsTellWhoAskedForWhat(t *testing.T) {
	t.Parallel()
	srv := start(t, WithCredential("AKIASEED", DefaultAccount, "arn:aws:iam::123456789012:user/seed"))
	uri := createRepository(t, srv, "app")
	srv.ResetRequests()
	if _, err := push(t.Context(), t, uri+":v1", srv.RemoteOptionsFor(t.Context(), "AKIASEED", DefaultRegion)...); err != nil {
		t.Fatal(err)
	}
	var operations []string
	for n, r := range srv.Requests() {
		operations = append(operations, r.Operation)
		if r.Seq != n+1 || r.Service != "ecr-registry" || r.Region != DefaultRegion || r.Account != DefaultAccount || r.Done.Before(r.Time) {
			t.Errorf("request %d = %+v", n+1, r)
		}
		if r.Operation == "Ping" {
			continue
		}
		if r.AccessKey != "AKIASEED" || !r.HasAuthorization || r.Repository != "app" {
			t.Errorf("request %d: key %q, authorization %v, repository %q", r.Seq, r.AccessKey, r.HasAuthorization, r.Repository)
		}
	}
	counts := map[string]int{}
	for _, op := range operations {
		counts[op]++
	}
	for op, want := range map[string]int{"Ping": 1, "InitiateLayerUpload": 2, "UploadLayerPart": 2, "CompleteLayerUpload": 2, "PutImage": 1} {
		if counts[op] != want {
			t.Errorf("%d %s, want %d: %v", counts[op], op, want, operations)
		}
	}
	put := srv.RequestsTo("ecr-registry", "PutImage")[0]
	if put.Status != http.StatusCreated || put.BytesIn != int64(len(srv.Images(DefaultRegion, "app")[0].Manifest)) || put.Reference != "v1" {
		t.Errorf("PutImage = %+v", put)
	}
	if got := srv.RequestsPerRepository(); len(got) != 1 || got["app"] != len(operations)-1 {
		t.Errorf("requests per repository = %v, want %d for app", got, len(operations)-1)
	}
}

func TestSwitchesOfTheRegistry(t *testing.T) {
	t.Parallel()
	t.Run("blobs are mounted", func(t *testing.T) {
		t.Parallel()
		srv := start(t, WithBehaviour(Behaviour{Mounting: true}))
		from, to := createRepository(t, srv, "from"), createRepository(t, srv, "to")
		options := srv.RemoteOptions(t.Context())
		if _, err := push(t.Context(), t, from+":v1", options...); err != nil {
			t.Fatal(err)
		}
		img, err := remote.Image(parse(t, from+":v1"), options...)
		if err != nil {
			t.Fatal(err)
		}
		srv.ResetRequests()
		if err := remote.Write(parse(t, to+":v1"), img, options...); err != nil {
			t.Fatal(err)
		}
		if got := len(srv.RequestsTo("ecr-registry", "UploadLayerPart")); got != 0 {
			t.Errorf("%d parts uploaded, want none: config and layer were mounted", got)
		}
	})
	t.Run("blobs are served", func(t *testing.T) {
		t.Parallel()
		srv := start(t, WithBehaviour(Behaviour{ServeBlobs: true}))
		uri := createRepository(t, srv, "app")
		options := srv.RemoteOptions(t.Context())
		if _, err := push(t.Context(), t, uri+":v1", options...); err != nil {
			t.Fatal(err)
		}
		img, err := remote.Image(parse(t, uri+":v1"), options...)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := img.RawConfigFile(); err != nil {
			t.Error(err)
		}
		if got := srv.RequestsTo("ecr-layers", ""); len(got) != 0 {
			t.Errorf("%d requests to the layers' host, want none", len(got))
		}
	})
	t.Run("a push creates", func(t *testing.T) {
		t.Parallel()
		srv := start(t, WithBehaviour(Behaviour{CreateOnPush: true}))
		if _, err := push(t.Context(), t, "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/new/app:v1", srv.RemoteOptions(t.Context())...); err != nil {
			t.Fatal(err)
		}
		if got := srv.Repositories(DefaultRegion); len(got) != 1 || got[0] != "new/app" {
			t.Errorf("repositories = %v, want new/app", got)
		}
	})
	t.Run("an immutable tag takes its own digest", func(t *testing.T) {
		t.Parallel()
		srv := start(t)
		uri := createRepository(t, srv, "app")
		options := srv.RemoteOptions(t.Context())
		img, err := push(t.Context(), t, uri+":v1", options...)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := clientAs(srv, PipelineAccessKey).PutImageTagMutability(t.Context(), &ecr.PutImageTagMutabilityInput{
			RepositoryName: aws.String("app"), ImageTagMutability: types.ImageTagMutabilityImmutable,
		}); err != nil {
			t.Fatal(err)
		}
		tag := parse(t, uri+":v1").Context().Tag("v1")
		if err := remote.Put(tag, img, options...); err == nil || !strings.Contains(err.Error(), "TAG_INVALID") {
			t.Errorf("error = %v, want TAG_INVALID", err)
		}
		srv.SetBehaviour(Behaviour{ImmutableSameDigestAllowed: true})
		if err := remote.Put(tag, img, options...); err != nil {
			t.Error(err)
		}
	})
}

func TestBlobsOverTheLimitAreCheckedButNotKept(t *testing.T) {
	t.Parallel()
	srv := start(t, WithBlobLimit(1<<10))
	uri := createRepository(t, srv, "app")
	small, err := random.Image(100, 1)
	if err != nil {
		t.Fatal(err)
	}
	img, err := mutate.AppendLayers(small, static.NewLayer(make([]byte, 1<<20), ggcr.OCILayer))
	if err != nil {
		t.Fatal(err)
	}
	options := srv.RemoteOptions(t.Context())
	if err := remote.Write(parse(t, uri+":v1"), img, options...); err != nil {
		t.Fatal(err)
	}
	if got := srv.Images(DefaultRegion, "app")[0].Size; got < 1<<20 {
		t.Errorf("size = %d, want over a mebibyte", got)
	}
	pulled, err := remote.Image(parse(t, uri+":v1"), options...)
	if err != nil {
		t.Fatal(err)
	}
	layers, err := pulled.Layers()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := layers[1].Compressed(); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("download of the large layer: %v, want 404", err)
	}
}

func TestExpireImageActsAsALifecyclePolicy(t *testing.T) {
	t.Parallel()
	srv := start(t)
	uri := createRepository(t, srv, "app")
	if _, err := push(t.Context(), t, uri+":v1", srv.RemoteOptions(t.Context())...); err != nil {
		t.Fatal(err)
	}
	if !srv.ExpireImage(DefaultRegion, "app", "v1") || srv.ExpireImage(DefaultRegion, "app", "v1") {
		t.Error("want true for the tag, then false")
	}
	if images := srv.Images(DefaultRegion, "app"); images != nil {
		t.Errorf("images = %v, want none", images)
	}
}
