// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package standinaws

import (
	"context"
	"fmt"
	"maps"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	awsbase "github.com/hashicorp/aws-sdk-go-base/v2"
	basediag "github.com/hashicorp/aws-sdk-go-base/v2/diag"
	"github.com/hashicorp/aws-sdk-go-base/v2/endpoints"
	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// clients makes the SDK's clients of one configured provider, for any region.
type clients struct {
	cfg         aws.Config
	endpoints   map[string]string
	pathStyle   bool
	accountID   string
	partition   endpoints.Partition
	defaultTags map[string]string

	// lambdaMutex keeps one .zip in memory at a time, as the original does.
	lambdaMutex sync.Mutex
}

func newClients(ctx context.Context, version string, m providerModel, diags *diag.Diagnostics) *clients {
	base := &awsbase.Config{
		AccessKey:               m.AccessKey.ValueString(),
		CustomCABundle:          m.CustomCABundle.ValueString(),
		HTTPProxy:               m.HTTPProxy.ValueStringPointer(),
		HTTPSProxy:              m.HTTPSProxy.ValueStringPointer(),
		Insecure:                m.Insecure.ValueBool(),
		MaxRetries:              25,
		NoProxy:                 m.NoProxy.ValueString(),
		Profile:                 m.Profile.ValueString(),
		Region:                  m.Region.ValueString(),
		RetryMode:               aws.RetryMode(m.RetryMode.ValueString()),
		SecretKey:               m.SecretKey.ValueString(),
		SkipCredsValidation:     m.SkipCredentialsValidation.ValueBool(),
		SkipRequestingAccountId: m.SkipRequestingAccountID.ValueBool(),
		StsRegion:               m.STSRegion.ValueString(),
		Token:                   m.Token.ValueString(),
		UseDualStackEndpoint:    m.UseDualstackEndpoint.ValueBool(),
		UseFIPSEndpoint:         m.UseFIPSEndpoint.ValueBool(),
		UserAgent:               awsbase.UserAgentProducts{{Name: "terraform-provider-aws-standin", Version: version}},
	}
	if !m.MaxRetries.IsNull() {
		base.MaxRetries = int(m.MaxRetries.ValueInt64())
	}
	diags.Append(m.SharedConfigFiles.ElementsAs(ctx, &base.SharedConfigFiles, false)...)
	diags.Append(m.SharedCredentialsFiles.ElementsAs(ctx, &base.SharedCredentialsFiles, false)...)
	diags.Append(m.AllowedAccountIDs.ElementsAs(ctx, &base.AllowedAccountIds, false)...)
	diags.Append(m.ForbiddenAccountIDs.ElementsAs(ctx, &base.ForbiddenAccountIds, false)...)
	for _, role := range m.AssumeRole {
		base.AssumeRole = append(base.AssumeRole, awsbase.AssumeRole{
			RoleARN:     role.RoleARN.ValueString(),
			SessionName: role.SessionName.ValueString(),
			ExternalID:  role.ExternalID.ValueString(),
		})
	}

	c := &clients{endpoints: map[string]string{}, pathStyle: m.S3UsePathStyle.ValueBool()}
	for _, element := range m.Endpoints.Elements() {
		block, ok := element.(types.Object)
		if !ok {
			continue
		}
		maps.Copy(c.endpoints, stringsOf(block.Attributes()))
	}
	base.StsEndpoint = c.endpoints["sts"]
	base.IamEndpoint = c.endpoints["iam"]
	for _, block := range m.DefaultTags {
		diags.Append(block.Tags.ElementsAs(ctx, &c.defaultTags, false)...)
	}
	if diags.HasError() {
		return nil
	}

	ctx, cfg, baseDiags := awsbase.GetAwsConfig(ctx, base)
	if appendBaseDiags(diags, baseDiags); diags.HasError() {
		return nil
	}
	c.cfg = cfg
	accountID, _, baseDiags := awsbase.GetAwsAccountIDAndPartition(ctx, cfg, base)
	if appendBaseDiags(diags, baseDiags); diags.HasError() {
		return nil
	}
	if err := base.VerifyAccountIDAllowed(accountID); err != nil {
		diags.AddError(err.Error(), "")
		return nil
	}
	c.accountID = accountID
	c.partition, _ = endpoints.PartitionForRegion(endpoints.DefaultPartitions(), cfg.Region)
	return c
}

// stringsOf keeps the known, non-empty strings of an object's attributes.
func stringsOf(attributes map[string]attr.Value) map[string]string {
	out := map[string]string{}
	for name, value := range attributes {
		if text, ok := value.(types.String); ok && text.ValueString() != "" {
			out[name] = text.ValueString()
		}
	}
	return out
}

func appendBaseDiags(diags *diag.Diagnostics, from basediag.Diagnostics) {
	for _, d := range from {
		if d.Severity() == basediag.SeverityError {
			diags.AddError(d.Summary(), d.Detail())
		} else {
			diags.AddWarning(d.Summary(), d.Detail())
		}
	}
}

// endpoint returns the explicitly configured endpoint of a service, or nil.
func (c *clients) endpoint(service string) *string {
	if url := c.endpoints[service]; url != "" {
		return &url
	}
	return nil
}

// region returns the region that a resource works in: its own or the provider's.
func (c *clients) region(own types.String) string {
	if own.ValueString() != "" {
		return own.ValueString()
	}
	return c.cfg.Region
}

func (c *clients) ecr(region string) *ecr.Client {
	return ecr.NewFromConfig(c.cfg, func(o *ecr.Options) {
		o.Region = region
		if url := c.endpoint("ecr"); url != nil {
			o.BaseEndpoint = url
		}
	})
}

func (c *clients) iam() *iam.Client {
	return iam.NewFromConfig(c.cfg, func(o *iam.Options) {
		if url := c.endpoint("iam"); url != nil {
			o.BaseEndpoint = url
		}
	})
}

func (c *clients) lambda(region string) *lambda.Client {
	return lambda.NewFromConfig(c.cfg, func(o *lambda.Options) {
		o.Region = region
		if url := c.endpoint("lambda"); url != nil {
			o.BaseEndpoint = url
		}
	})
}

func (c *clients) s3(region string) *s3.Client {
	return s3.NewFromConfig(c.cfg, func(o *s3.Options) {
		o.Region = region
		o.UsePathStyle = c.pathStyle
		if url := c.endpoint("s3"); url != nil {
			o.BaseEndpoint = url
		}
	})
}

func (c *clients) sqs(region string) *sqs.Client {
	return sqs.NewFromConfig(c.cfg, func(o *sqs.Options) {
		o.Region = region
		if url := c.endpoint("sqs"); url != nil {
			o.BaseEndpoint = url
		}
	})
}

func (c *clients) ssm(region string) *ssm.Client {
	return ssm.NewFromConfig(c.cfg, func(o *ssm.Options) {
		o.Region = region
		if url := c.endpoint("ssm"); url != nil {
			o.BaseEndpoint = url
		}
	})
}

func (c *clients) sts() *sts.Client {
	return sts.NewFromConfig(c.cfg, func(o *sts.Options) {
		if url := c.endpoint("sts"); url != nil {
			o.BaseEndpoint = url
		}
	})
}

// invokeARN is the ARN by which API Gateway calls a function.
// Source: API Gateway developer guide, "Set up Lambda custom integrations".
func (c *clients) invokeARN(region, functionARN string) string {
	return fmt.Sprintf("arn:%s:apigateway:%s:lambda:path/2015-03-31/functions/%s/invocations", c.partition.ID(), region, functionARN)
}

// streamingInvokeARN is the same for responses that are streamed.
func (c *clients) streamingInvokeARN(region, functionARN string) string {
	return fmt.Sprintf("arn:%s:apigateway:%s:lambda:path/2021-11-15/functions/%s/response-streaming-invocations", c.partition.ID(), region, functionARN)
}
