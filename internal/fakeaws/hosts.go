// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package fakeaws

import (
	"net"
	"regexp"
	"strings"
)

// Services as SigV4 names them; registry and layers are the two hosts of ECR's
// data plane that no signature protects.
const (
	serviceECR      = "ecr"
	serviceRegistry = "ecr-registry"
	serviceLayers   = "ecr-layers"
	serviceLambda   = "lambda"
	serviceSQS      = "sqs"
	serviceSSM      = "ssm"
	serviceSTS      = "sts"
	serviceS3       = "s3"
	serviceIAM      = "iam"
)

// awsHost is what an AWS host name says about itself.
type awsHost struct {
	Service string // SigV4 name, or serviceRegistry, serviceLayers
	Region  string
	Account string // registries only
	Bucket  string // virtual-hosted S3 only
}

// awsSuffixes are the parent domains of AWS hosts, longest first where one
// ends in another. Source: SDK endpoint resolver (run), and the host pattern
// of amazon-ecr-credential-helper v0.12.0.
var awsSuffixes = []string{
	"api.amazonwebservices.com.cn", "on.amazonwebservices.com.cn",
	"amazonaws.com.cn", "amazonaws.com", "amazonaws.eu",
	"api.aws", "on.aws",
	"sc2s.sgov.gov", "c2s.ic.gov", "cloud.adc-e.uk", "csp.hci.ic.gov",
}

var (
	registryHost = regexp.MustCompile(`^([0-9]{12})\.dkr[.-]ecr(?:-fips)?\.([a-z0-9-]+)$`)
	layersHost   = regexp.MustCompile(`^prod-([a-z0-9-]+)-starport-layer-bucket\.s3\.`)
	regionName   = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]+)+-[0-9]+$`)
)

// cutAWSHost cuts an AWS parent domain off host; ok is false for hosts that
// are not AWS's.
func cutAWSHost(host string) (rest string, ok bool) {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.ToLower(host)
	for _, s := range awsSuffixes {
		if rest, found := strings.CutSuffix(host, "."+s); found {
			return rest, true
		}
	}
	return "", false
}

// parseAWSHost reads a host name such as api.ecr.eu-west-1.amazonaws.com.
// ok is false for a host that is not AWS's or of no service known here.
func parseAWSHost(host string) (awsHost, bool) {
	rest, ok := cutAWSHost(host)
	if !ok {
		return awsHost{}, false
	}
	if m := registryHost.FindStringSubmatch(rest); m != nil {
		return awsHost{Service: serviceRegistry, Account: m[1], Region: m[2]}, true
	}
	if m := layersHost.FindStringSubmatch(rest + "."); m != nil {
		return awsHost{Service: serviceLayers, Region: m[1]}, true
	}
	labels := strings.Split(rest, ".")
	if labels[0] == "api" && len(labels) > 1 && (labels[1] == "ecr" || labels[1] == "ecr-fips") {
		labels = labels[1:]
	}
	service := strings.TrimSuffix(labels[0], "-fips")
	switch service {
	case serviceECR, serviceLambda, serviceSQS, serviceSSM, serviceSTS, serviceIAM:
		switch {
		case len(labels) == 1 && (service == serviceSTS || service == serviceIAM):
			return awsHost{Service: service, Region: "us-east-1"}, true
		case len(labels) == 2 && regionName.MatchString(labels[1]):
			return awsHost{Service: service, Region: labels[1]}, true
		}
		return awsHost{}, false
	}
	return parseS3Host(labels)
}

// parseS3Host reads the labels before the suffix of [BUCKET.]s3[.dualstack][.REGION].
func parseS3Host(labels []string) (awsHost, bool) {
	for i, label := range labels {
		if label != "s3" && label != "s3-fips" {
			continue
		}
		after := labels[i+1:]
		if len(after) > 0 && after[0] == "dualstack" {
			after = after[1:]
		}
		h := awsHost{Service: serviceS3, Region: "us-east-1", Bucket: strings.Join(labels[:i], ".")}
		switch {
		case len(after) == 1 && regionName.MatchString(after[0]):
			h.Region = after[0]
		case len(after) != 0:
			continue
		}
		return h, true
	}
	return awsHost{}, false
}

// partitionOf tells a region's partition and the domain of its standard hosts.
func partitionOf(region string) (partition, suffix string) {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn", "amazonaws.com.cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov", "amazonaws.com"
	case strings.HasPrefix(region, "eusc-"):
		return "aws-eusc", "amazonaws.eu"
	case strings.HasPrefix(region, "us-iso-"):
		return "aws-iso", "c2s.ic.gov"
	case strings.HasPrefix(region, "us-isob-"):
		return "aws-iso-b", "sc2s.sgov.gov"
	}
	return "aws", "amazonaws.com"
}

// arn builds an ARN in the region's partition; global services pass the
// resource's account and an empty regionPart.
func arn(region, service, regionPart, account, resource string) string {
	partition, _ := partitionOf(region)
	return "arn:" + partition + ":" + service + ":" + regionPart + ":" + account + ":" + resource
}
