// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package awsconfig

import awsbase "github.com/hashicorp/aws-sdk-go-base/v2"

const documentationURL = "https://registry.terraform.io/providers/lambdaseed/lambdaseed/latest/docs"

// apnInfo is what stands at the head of the User-Agent of every API request:
// Terraform's name and version, then this provider's. Owners of an account
// find the provider's calls in CloudTrail by it.
func (set Settings) apnInfo() *awsbase.APNInfo {
	return &awsbase.APNInfo{
		PartnerName: "HashiCorp",
		Products: []awsbase.UserAgentProduct{
			{Name: "Terraform", Version: orUnknown(set.TerraformVersion), Comment: "+https://www.terraform.io"},
			{Name: "terraform-provider-lambdaseed", Version: orUnknown(set.Version), Comment: "+https://registry.terraform.io/providers/lambdaseed/lambdaseed"},
		},
	}
}

func orUnknown(version string) string {
	if version == "" {
		return "unknown"
	}
	return version
}
