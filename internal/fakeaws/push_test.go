// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

import (
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

func TestPushAndPullUnderRealAndEmulatorHosts(t *testing.T) {
	t.Parallel()
	for mode, opts := range map[string][]Option{"real": nil, "emulator": {WithEmulatorHosts()}} {
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			srv := start(t, opts...)
			uri := createRepository(t, srv, "team/app")
			want := "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/team/app"
			if mode == "emulator" {
				want = srv.Address() + "/team/app"
			}
			if uri != want {
				t.Fatalf("repositoryUri = %s, want %s", uri, want)
			}
			ref := parse(t, uri+":v1")
			img, err := random.Image(4096, 2)
			if err != nil {
				t.Fatal(err)
			}
			options := srv.RemoteOptions(t.Context())
			if err := remote.Write(ref, img, options...); err != nil {
				t.Fatal(err)
			}
			pulled, err := remote.Image(ref, options...)
			if err != nil {
				t.Fatal(err)
			}
			if err := validate.Image(pulled); err != nil {
				t.Error(err)
			}
			digest, err := img.Digest()
			if err != nil {
				t.Fatal(err)
			}
			images := srv.Images(DefaultRegion, "team/app")
			if len(images) != 1 || images[0].Digest != digest.String() || len(images[0].Tags) != 1 || images[0].Tags[0] != "v1" {
				t.Errorf("images = %+v, want one, %s tagged v1", images, digest)
			}
			if got := srv.RefusedHosts(); got != nil {
				t.Errorf("refused hosts = %v, want none", got)
			}
		})
	}
}
