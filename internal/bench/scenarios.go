// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/hashicorp/terraform-exec/tfexec"

	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/fakeaws"
	"github.com/lambdaseed/terraform-provider-lambdaseed/internal/seedimage"
)

const (
	account = "123456789012"
	host    = account + ".dkr.ecr." + region + ".amazonaws.com"
	// putQuota is ECR's quota for PutImage, in requests a second (seen in
	// containerd/containerd#10447).
	putQuota = 10
	// todaysImage is the size in bytes of a small base image that people copy
	// into new repositories today.
	todaysImage = 3_600_000
)

type scenario struct {
	title   string
	measure func(context.Context) ([]row, error)
}

func (b *bench) scenarios(full bool) []scenario {
	seeds := func(n, parallelism int, quota bool) scenario {
		title := fmt.Sprintf("%d seeds, parallelism %d", n, parallelism)
		if n == 1 {
			title = "1 seed"
		}
		if quota {
			title += fmt.Sprintf(", %d PutImage/s", putQuota)
		}
		return scenario{title, func(ctx context.Context) ([]row, error) { return b.seeds(ctx, title, n, parallelism, quota) }}
	}
	all := []scenario{seeds(1, 10, false), seeds(50, 10, false)}
	if full {
		all = append(all, seeds(1000, 10, false), seeds(1000, 50, false), seeds(1000, 10, true), seeds(1000, 50, true))
	}
	all = append(all, b.copies(full)...)
	return append(all,
		scenario{"crane", b.crane},
		scenario{"crane, a 3.6 MB image", b.craneToday},
	)
}

// start starts a server with n repositories, and tells the environment in
// which a provider reaches it under AWS's real host names.
func (b *bench) startAWS(ctx context.Context, n int, opts ...fakeaws.Option) (*fakeaws.Server, []string, error) {
	srv, err := fakeaws.Start(opts...)
	if err != nil {
		return nil, nil, err
	}
	client := ecr.NewFromConfig(srv.AWSConfig(region))
	for i := range n {
		repository := repositoryName(i)
		if _, err := client.CreateRepository(ctx, &ecr.CreateRepositoryInput{RepositoryName: &repository}); err != nil {
			srv.Close()
			return nil, nil, err
		}
	}
	ca := filepath.Join(b.dir, "ca.pem")
	if err := os.WriteFile(ca, srv.CABundlePEM(), 0o600); err != nil {
		srv.Close()
		return nil, nil, err
	}
	srv.SetLatency(b.latency)
	return srv, []string{
		"HTTPS_PROXY=" + srv.URL(),
		"AWS_CA_BUNDLE=" + ca,
		"AWS_ACCESS_KEY_ID=AKIABENCH00000000001",
		"AWS_SECRET_ACCESS_KEY=nobody's secret",
	}, nil
}

func repositoryName(i int) string { return fmt.Sprintf("app-%04d", i) }

// seeds applies n seeds, and then plans over them.
func (b *bench) seeds(ctx context.Context, title string, n, parallelism int, quota bool) ([]row, error) {
	srv, env, err := b.startAWS(ctx, n)
	if err != nil {
		return nil, err
	}
	defer srv.Close()
	if quota {
		srv.SetRateLimit("ecr", "PutImage", putQuota, putQuota)
	}

	work := filepath.Join(b.dir, strings.Map(fileRune, title))
	if err := writeConfig(work, fmt.Sprintf(`
resource "lambdaseed_placeholder_image" "app" {
  count          = %d
  repository_url = format("%s/app-%%04d", count.index)
}
`, n, host)); err != nil {
		return nil, err
	}
	tf, err := tfexec.NewTerraform(work, b.terraformPath)
	if err != nil {
		return nil, err
	}

	apply, err := b.observe(ctx, srv, env, func(p *process) error {
		return tf.Apply(ctx, tfexec.Reattach(p.reattach), tfexec.Parallelism(parallelism))
	})
	if err != nil {
		return nil, err
	}
	apply.title, apply.images = title, n
	if quota {
		apply.unit, apply.unitName = time.Duration(n)*time.Second/putQuota, "quota"
		return []row{apply}, nil
	}
	apply.unit, apply.unitName = b.latency, "latency"

	plan, err := b.observe(ctx, srv, env, func(p *process) error {
		changes, err := tf.Plan(ctx, tfexec.Reattach(p.reattach), tfexec.Parallelism(parallelism))
		if err == nil && changes {
			err = errors.New("the plan is not empty")
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	plan.title, plan.images = "  plan over them", n
	plan.unit, plan.unitName = b.latency, "latency"
	return []row{apply, plan}, nil
}

func fileRune(r rune) rune {
	if strings.ContainsRune(" ,/", r) {
		return '-'
	}
	return r
}

// observe runs what Terraform does with a fresh provider process, and counts.
func (b *bench) observe(ctx context.Context, srv *fakeaws.Server, env []string, do func(*process) error) (row, error) {
	p, err := b.start(ctx, env)
	if err != nil {
		return row{}, err
	}
	srv.ResetRequests()
	began := time.Now()
	err = do(p)
	wall := time.Since(began)
	used, stopErr := p.stop()
	if err := errors.Join(err, stopErr); err != nil {
		return row{}, err
	}
	r := count(srv.Requests())
	r.wall, r.peak, r.cpu = wall, used.peak, used.cpu
	return r, nil
}

// count sums up requests.
func count(requests []fakeaws.Request) row {
	var r row
	var toECR []fakeaws.Request
	for _, request := range requests {
		if request.Service == "sts" {
			r.sts++
			continue
		}
		r.requests++
		r.bytes += request.BytesIn + request.BytesOut
		toECR = append(toECR, request)
	}
	if len(toECR) < 100 {
		r.chain = chain(toECR)
	}
	return r
}

// chain is the largest number of requests of which each began after the one
// before was answered. Of one image these are the dependent ones; of many it
// grows with what had to wait for a free slot.
func chain(requests []fakeaws.Request) int {
	slices.SortFunc(requests, func(a, b fakeaws.Request) int { return a.Done.Compare(b.Done) })
	length := 0
	var end time.Time
	for _, request := range requests {
		if !request.Time.Before(end) {
			length++
			end = request.Done
		}
	}
	return length
}

// crane pushes the placeholder with go-containerregistry as it comes, once per
// repository, as a script does.
func (b *bench) crane(ctx context.Context) ([]row, error) {
	img, err := seedimage.Build(seedimage.DefaultArchitecture, seedimage.Response{})
	if err != nil {
		return nil, err
	}
	return b.pushes(ctx, "crane pushes the same image", img)
}

func (b *bench) craneToday(ctx context.Context) ([]row, error) {
	img, err := random.Image(todaysImage, 1)
	if err != nil {
		return nil, err
	}
	return b.pushes(ctx, "crane pushes a 3.6 MB image", img)
}

func (b *bench) pushes(ctx context.Context, title string, img v1.Image) ([]row, error) {
	const n = 50
	srv, _, err := b.startAWS(ctx, n)
	if err != nil {
		return nil, err
	}
	defer srv.Close()
	options := srv.RemoteOptions(ctx)
	srv.ResetRequests()
	began := time.Now()
	for i := range n {
		ref, err := name.NewTag(host + "/" + repositoryName(i) + ":seed")
		if err != nil {
			return nil, err
		}
		if err := remote.Write(ref, img, options...); err != nil {
			return nil, err
		}
	}
	r := count(srv.Requests())
	r.title, r.images, r.wall, r.unit, r.unitName, r.chain = title, n, time.Since(began), b.latency, "latency", 0
	return []row{r}, nil
}
