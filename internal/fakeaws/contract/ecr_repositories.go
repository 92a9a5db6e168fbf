// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package contract

import (
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	ecrtypes "github.com/aws/aws-sdk-go-v2/service/ecr/types"
)

var tokenFacts = []fact{
	{documented, "GetAuthorizationToken gives AWS:<password> for 12 hours", "ECR API reference", "", func(s *session) string {
		out, err := s.ecr.GetAuthorizationToken(s.ctx, nil)
		s.must(err)
		s.wantEqual("number of tokens", len(out.AuthorizationData), 1)
		data := out.AuthorizationData[0]
		plain, err := base64.StdEncoding.DecodeString(aws.ToString(data.AuthorizationToken))
		s.must(err)
		if !strings.HasPrefix(string(plain), "AWS:") {
			s.Error("the token does not begin with AWS:")
		}
		left := time.Until(aws.ToTime(data.ExpiresAt))
		if left < 11*time.Hour || left > 13*time.Hour {
			s.Errorf("the token expires in %s, want about 12 hours", left)
		}
		return ""
	}},
	{unsure, "the password is between 1,000 and 4,000 characters long", "its size is not fixed", "true", func(s *session) string {
		r := &repository{s: s}
		r.login(s.ecr)
		s.Logf("the password has %d characters", len(r.password))
		return fmt.Sprint(len(r.password) >= 1000 && len(r.password) <= 4000)
	}},
	{documented, "repositoryUri is on the host that proxyEndpoint names", "ECR API reference", "", func(s *session) string {
		r := s.repository()
		out, err := s.ecr.DescribeRepositories(s.ctx, &ecr.DescribeRepositoriesInput{RepositoryNames: []string{r.name}})
		s.must(err)
		s.wantEqual("repositoryUri", aws.ToString(out.Repositories[0].RepositoryUri), r.host+"/"+r.name)
		return ""
	}},
}

var repositoryFacts = []fact{
	{documented, "CreateRepository of a name that exists: RepositoryAlreadyExistsException", "ECR API reference", "", func(s *session) string {
		r := s.repository()
		_, err := s.ecr.CreateRepository(s.ctx, &ecr.CreateRepositoryInput{RepositoryName: &r.name})
		message := s.wantCode(err, "RepositoryAlreadyExistsException")
		s.wantEqual("message", message, "The repository with name '"+r.name+"' already exists in the registry with id '"+r.id+"'")
		return ""
	}},
	{seen, "a missing repository: RepositoryNotFoundException, which names repository and registry", "pulumi/pulumi-cloud#256", "", func(s *session) string {
		r := s.repository()
		missing := s.name()
		want := "The repository with name '" + missing + "' does not exist in the registry with id '" + r.id + "'"
		_, err := s.ecr.DescribeRepositories(s.ctx, &ecr.DescribeRepositoriesInput{RepositoryNames: []string{missing}})
		s.wantEqual("DescribeRepositories", s.wantCode(err, "RepositoryNotFoundException"), want)
		_, err = s.ecr.BatchGetImage(s.ctx, &ecr.BatchGetImageInput{RepositoryName: &missing, ImageIds: []ecrtypes.ImageIdentifier{byTag("x")}})
		s.wantEqual("BatchGetImage", s.wantCode(err, "RepositoryNotFoundException"), want)
		_, err = s.ecr.BatchDeleteImage(s.ctx, &ecr.BatchDeleteImageInput{RepositoryName: &missing, ImageIds: []ecrtypes.ImageIdentifier{byTag("x")}})
		s.wantEqual("BatchDeleteImage", s.wantCode(err, "RepositoryNotFoundException"), want)
		_, err = s.ecr.DescribeImages(s.ctx, &ecr.DescribeImagesInput{RepositoryName: &missing})
		s.wantEqual("DescribeImages", s.wantCode(err, "RepositoryNotFoundException"), want)
		return ""
	}},
	{documented, "a repository is MUTABLE unless said otherwise, and shows its exclusion filters", "ECR API reference", "", func(s *session) string {
		s.wantEqual("default", describe(s, s.repository().name).ImageTagMutability, "MUTABLE")
		r := s.repository(mutability("IMMUTABLE_WITH_EXCLUSION", "dev-*"))
		got := describe(s, r.name)
		s.wantEqual("imageTagMutability", got.ImageTagMutability, "IMMUTABLE_WITH_EXCLUSION")
		if len(got.ImageTagMutabilityExclusionFilters) != 1 {
			s.Fatalf("filters = %v, want one", got.ImageTagMutabilityExclusionFilters)
		}
		s.wantEqual("filter", aws.ToString(got.ImageTagMutabilityExclusionFilters[0].Filter), "dev-*")
		return ""
	}},
	{unsure, "an exclusion mode without filters is refused with", "ECR user guide says that filters are needed", "InvalidParameterException", func(s *session) string {
		r := s.repository()
		_, err := s.ecr.PutImageTagMutability(s.ctx, &ecr.PutImageTagMutabilityInput{
			RepositoryName: &r.name, ImageTagMutability: ecrtypes.ImageTagMutabilityMutableWithExclusion,
		})
		return codeOf(err)
	}},
	{documented, "DescribeRepositories pages by nextToken", "ECR API reference", "", func(s *session) string {
		s.repository()
		s.repository()
		out, err := s.ecr.DescribeRepositories(s.ctx, &ecr.DescribeRepositoriesInput{MaxResults: aws.Int32(1)})
		s.must(err)
		s.wantEqual("repositories on the first page", len(out.Repositories), 1)
		if aws.ToString(out.NextToken) == "" {
			s.Fatal("no nextToken though there is more")
		}
		next, err := s.ecr.DescribeRepositories(s.ctx, &ecr.DescribeRepositoriesInput{MaxResults: aws.Int32(1), NextToken: out.NextToken})
		s.must(err)
		if len(next.Repositories) == 1 && *next.Repositories[0].RepositoryName == *out.Repositories[0].RepositoryName {
			s.Error("the second page repeats the first")
		}
		return ""
	}},
	{documented, "DeleteRepository without force refuses one that holds images: RepositoryNotEmptyException", "ECR API reference", "", func(s *session) string {
		r := s.repository()
		r.put("x", "a")
		_, err := s.ecr.DeleteRepository(s.ctx, &ecr.DeleteRepositoryInput{RepositoryName: &r.name})
		message := s.wantCode(err, "RepositoryNotEmptyException")
		s.wantEqual("message", message, "The repository with name '"+r.name+"' in registry with id '"+r.id+"' cannot be deleted because it still contains images")
		return ""
	}},
	{unsure, "a repository whose images are deleted, but not its blobs, can be deleted without force", "no source; blobs are not images", "true", func(s *session) string {
		r := s.repository()
		r.put("x", "a")
		r.blob([]byte("belongs to no image"))
		r.delete(byTag("a"))
		_, err := s.ecr.DeleteRepository(s.ctx, &ecr.DeleteRepositoryInput{RepositoryName: &r.name})
		return fmt.Sprint(codeOf(err) == "")
	}},
	{documented, "an untagged image keeps a repository from being deleted", "ECR API reference: \"still contains images\"", "", func(s *session) string {
		r := s.repository()
		r.put("x", "@")
		_, err := s.ecr.DeleteRepository(s.ctx, &ecr.DeleteRepositoryInput{RepositoryName: &r.name})
		s.wantCode(err, "RepositoryNotEmptyException")
		return ""
	}},
	{documented, "policies that are not there: RepositoryPolicyNotFoundException, LifecyclePolicyNotFoundException", "ECR API reference", "", func(s *session) string {
		r := s.repository()
		_, err := s.ecr.GetRepositoryPolicy(s.ctx, &ecr.GetRepositoryPolicyInput{RepositoryName: &r.name})
		s.wantCode(err, "RepositoryPolicyNotFoundException")
		_, err = s.ecr.GetLifecyclePolicy(s.ctx, &ecr.GetLifecyclePolicyInput{RepositoryName: &r.name})
		s.wantCode(err, "LifecyclePolicyNotFoundException")
		return ""
	}},
	{documented, "a repository policy can be set, read and deleted", "ECR API reference", "", func(s *session) string {
		r := s.repository()
		const policy = `{"Version":"2012-10-17","Statement":[{"Sid":"LambdaECRImageRetrievalPolicy","Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":["ecr:BatchGetImage","ecr:GetDownloadUrlForLayer"]}]}`
		_, err := s.ecr.SetRepositoryPolicy(s.ctx, &ecr.SetRepositoryPolicyInput{RepositoryName: &r.name, PolicyText: aws.String(policy)})
		s.must(err)
		got, err := s.ecr.GetRepositoryPolicy(s.ctx, &ecr.GetRepositoryPolicyInput{RepositoryName: &r.name})
		s.must(err)
		if !strings.Contains(aws.ToString(got.PolicyText), "LambdaECRImageRetrievalPolicy") {
			s.Errorf("policy = %s", aws.ToString(got.PolicyText))
		}
		_, err = s.ecr.DeleteRepositoryPolicy(s.ctx, &ecr.DeleteRepositoryPolicyInput{RepositoryName: &r.name})
		s.must(err)
		_, err = s.ecr.GetRepositoryPolicy(s.ctx, &ecr.GetRepositoryPolicyInput{RepositoryName: &r.name})
		s.wantCode(err, "RepositoryPolicyNotFoundException")
		return ""
	}},
	{documented, "resource tags can be set, listed and removed", "ECR API reference", "", func(s *session) string {
		r := s.repository()
		_, err := s.ecr.TagResource(s.ctx, &ecr.TagResourceInput{ResourceArn: &r.arn, Tags: []ecrtypes.Tag{{Key: aws.String("k"), Value: aws.String("v")}}})
		s.must(err)
		out, err := s.ecr.ListTagsForResource(s.ctx, &ecr.ListTagsForResourceInput{ResourceArn: &r.arn})
		s.must(err)
		if len(out.Tags) != 1 || *out.Tags[0].Key != "k" || *out.Tags[0].Value != "v" {
			s.Errorf("tags = %v, want k=v", out.Tags)
		}
		_, err = s.ecr.UntagResource(s.ctx, &ecr.UntagResourceInput{ResourceArn: &r.arn, TagKeys: []string{"k"}})
		s.must(err)
		out, err = s.ecr.ListTagsForResource(s.ctx, &ecr.ListTagsForResourceInput{ResourceArn: &r.arn})
		s.must(err)
		s.wantEqual("tags left", len(out.Tags), 0)
		return ""
	}},
}

func describe(s *session, name string) ecrtypes.Repository {
	s.Helper()
	out, err := s.ecr.DescribeRepositories(s.ctx, &ecr.DescribeRepositoriesInput{RepositoryNames: []string{name}})
	s.must(err)
	return out.Repositories[0]
}

// mutability is a change to CreateRepositoryInput.
func mutability(mode string, filters ...string) func(*ecr.CreateRepositoryInput) {
	return func(in *ecr.CreateRepositoryInput) {
		in.ImageTagMutability = ecrtypes.ImageTagMutability(mode)
		for _, filter := range filters {
			in.ImageTagMutabilityExclusionFilters = append(in.ImageTagMutabilityExclusionFilters, ecrtypes.ImageTagMutabilityExclusionFilter{
				Filter: aws.String(filter), FilterType: ecrtypes.ImageTagMutabilityExclusionFilterTypeWildcard,
			})
		}
	}
}
