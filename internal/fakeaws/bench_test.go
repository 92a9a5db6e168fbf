// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

import (
	"fmt"
	"net/http"
	"sync/atomic"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// BenchmarkPush is what the server itself costs per push of a 900 kB layer
// under real host names, so that a measurement of the provider can tell its
// own time from fakeaws's.
func BenchmarkPush(b *testing.B) {
	srv, err := Start()
	if err != nil {
		b.Fatal(err)
	}
	defer srv.Close()
	img, err := random.Image(900_000, 1)
	if err != nil {
		b.Fatal(err)
	}
	cfg := srv.AWSConfig(DefaultRegion)
	client := ecr.NewFromConfig(cfg)
	transport := srv.Transport()
	defer transport.CloseIdleConnections()
	defer cfg.HTTPClient.(*http.Client).CloseIdleConnections() //nolint:forcetypeassert // AWSConfig says so
	options := append(srv.RemoteOptions(b.Context()), remote.WithTransport(transport))
	var count atomic.Int64
	b.SetParallelism(25)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			out, err := client.CreateRepository(b.Context(), &ecr.CreateRepositoryInput{RepositoryName: aws.String(fmt.Sprint("app-", count.Add(1)))})
			if err != nil {
				b.Error(err)
				return
			}
			ref, err := name.ParseReference(aws.ToString(out.Repository.RepositoryUri) + ":seed")
			if err != nil {
				b.Error(err)
				return
			}
			if err := remote.Write(ref, img, options...); err != nil {
				b.Error(err)
				return
			}
		}
	})
}
