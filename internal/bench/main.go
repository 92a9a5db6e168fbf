// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

// Command bench measures what a seed costs: the built provider, driven by real
// Terraform, against fakeaws with a latency per request. It prints one table.
// Figures are requests, bytes and multiples of the latency or of the quota, so
// that they mean the same on every machine; seconds are printed beside them
// for orientation only.
//
// Nothing in it fails because something is slow. What must not grow, requests,
// bytes and the chain of dependent requests, is guarded by a test in
// internal/provider.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	latency := flag.Duration("latency", 50*time.Millisecond, "latency that is added to each request")
	full := flag.Bool("full", true, "measure 1,000 seeds, too, with and without ECR's quota (minutes)")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *latency, *full); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1) //nolint:gocritic // stop has been called.
	}
}

func run(ctx context.Context, latency time.Duration, full bool) error {
	dir, err := os.MkdirTemp("", "lambdaseed-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()

	b := &bench{dir: dir, latency: latency}
	if err := b.build(ctx); err != nil {
		return err
	}
	fmt.Printf("Latency %s per request; Terraform %s; fakeaws stands in for AWS.\n\n", latency, b.terraformVersion)

	t := newTable()
	for _, scenario := range b.scenarios(full) {
		fmt.Fprintln(os.Stderr, "measuring:", scenario.title)
		rows, err := scenario.measure(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", scenario.title, err)
		}
		t.add(rows...)
	}
	t.print(os.Stdout)

	fmt.Println()
	return b.printProvider(ctx, os.Stdout)
}
