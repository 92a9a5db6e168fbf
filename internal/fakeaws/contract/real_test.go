// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package contract

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
)

// realTarget is the account of the environment's credentials. What an earlier
// run left behind there is deleted first.
func realTarget(t *testing.T, region string) Target {
	t.Helper()
	cfg, err := config.LoadDefaultConfig(t.Context(), config.WithRegion(region))
	if err != nil {
		t.Fatal(err)
	}
	other := "us-east-1"
	if region == other {
		other = "us-west-2"
	}
	sweep(t, ecr.NewFromConfig(cfg))
	return Target{Name: region, Config: cfg, Transport: http.DefaultTransport, Real: true, OtherRegion: other}
}

// sweep deletes repositories of killed runs: those with our prefix that are
// older than any run takes.
func sweep(t *testing.T, client *ecr.Client) {
	t.Helper()
	pages := ecr.NewDescribeRepositoriesPaginator(client, &ecr.DescribeRepositoriesInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.Repositories {
			if !strings.HasPrefix(aws.ToString(r.RepositoryName), Prefix) || time.Since(aws.ToTime(r.CreatedAt)) < time.Hour {
				continue
			}
			t.Logf("deleting %s, left behind by an earlier run", aws.ToString(r.RepositoryName))
			if _, err := client.DeleteRepository(t.Context(), &ecr.DeleteRepositoryInput{RepositoryName: r.RepositoryName, Force: true}); err != nil {
				t.Error(err)
			}
		}
	}
}
