// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0

package standinaws

import (
	"context"
	"encoding/json"
	"hash/crc32"
	"slices"
	"strconv"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/diag"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// iamPolicyDocumentDataSource is aws_iam_policy_document: statements in, JSON
// out, no request.
type iamPolicyDocumentDataSource struct{}

var _ datasource.DataSource = (*iamPolicyDocumentDataSource)(nil)

func newIAMPolicyDocumentDataSource() datasource.DataSource { return &iamPolicyDocumentDataSource{} }

type iamPolicyDocumentModel struct {
	ID           types.String        `tfsdk:"id"`
	PolicyID     types.String        `tfsdk:"policy_id"`
	Version      types.String        `tfsdk:"version"`
	JSON         types.String        `tfsdk:"json"`
	MinifiedJSON types.String        `tfsdk:"minified_json"`
	Statements   []iamStatementModel `tfsdk:"statement"`
}

type iamStatementModel struct {
	SID           types.String        `tfsdk:"sid"`
	Effect        types.String        `tfsdk:"effect"`
	Actions       types.Set           `tfsdk:"actions"`
	NotActions    types.Set           `tfsdk:"not_actions"`
	Resources     types.Set           `tfsdk:"resources"`
	NotResources  types.Set           `tfsdk:"not_resources"`
	Principals    []iamPrincipalModel `tfsdk:"principals"`
	NotPrincipals []iamPrincipalModel `tfsdk:"not_principals"`
	Conditions    []iamConditionModel `tfsdk:"condition"`
}

type iamPrincipalModel struct {
	Type        types.String `tfsdk:"type"`
	Identifiers types.Set    `tfsdk:"identifiers"`
}

type iamConditionModel struct {
	Test     types.String `tfsdk:"test"`
	Variable types.String `tfsdk:"variable"`
	Values   types.List   `tfsdk:"values"`
}

func (*iamPolicyDocumentDataSource) Metadata(_ context.Context, _ datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = "aws_iam_policy_document"
}

func (*iamPolicyDocumentDataSource) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	optional, set := schema.StringAttribute{Optional: true}, schema.SetAttribute{Optional: true, ElementType: types.StringType}
	required := schema.StringAttribute{Required: true}
	principals := schema.SetNestedBlock{NestedObject: schema.NestedBlockObject{Attributes: map[string]schema.Attribute{
		"type": required, "identifiers": schema.SetAttribute{Required: true, ElementType: types.StringType},
	}}}
	resp.Schema = schema.Schema{
		Attributes: map[string]schema.Attribute{
			"id": schema.StringAttribute{Computed: true}, "json": schema.StringAttribute{Computed: true},
			"minified_json": schema.StringAttribute{Computed: true}, "policy_id": optional, "version": schema.StringAttribute{Optional: true, Computed: true},
		},
		Blocks: map[string]schema.Block{"statement": schema.ListNestedBlock{NestedObject: schema.NestedBlockObject{
			Attributes: map[string]schema.Attribute{
				"sid": optional, "effect": optional, "actions": set, "not_actions": set, "resources": set, "not_resources": set,
			},
			Blocks: map[string]schema.Block{
				"principals": principals, "not_principals": principals,
				"condition": schema.SetNestedBlock{NestedObject: schema.NestedBlockObject{Attributes: map[string]schema.Attribute{
					"test": required, "variable": required, "values": schema.ListAttribute{Required: true, ElementType: types.StringType},
				}}},
			},
		}}},
	}
}

type policyDocument struct {
	Version   string            `json:"Version"`
	ID        string            `json:"Id,omitempty"`
	Statement []policyStatement `json:"Statement"`
}

type policyStatement struct {
	Sid          string                    `json:"Sid,omitempty"`
	Effect       string                    `json:"Effect"`
	Action       any                       `json:"Action,omitempty"`
	NotAction    any                       `json:"NotAction,omitempty"`
	Resource     any                       `json:"Resource,omitempty"`
	NotResource  any                       `json:"NotResource,omitempty"`
	Principal    any                       `json:"Principal,omitempty"`
	NotPrincipal any                       `json:"NotPrincipal,omitempty"`
	Condition    map[string]map[string]any `json:"Condition,omitempty"`
}

func (*iamPolicyDocumentDataSource) Read(ctx context.Context, req datasource.ReadRequest, resp *datasource.ReadResponse) {
	var m iamPolicyDocumentModel
	if resp.Diagnostics.Append(req.Config.Get(ctx, &m)...); resp.Diagnostics.HasError() {
		return
	}
	if m.Version.IsNull() {
		m.Version = types.StringValue("2012-10-17")
	}
	document := policyDocument{Version: m.Version.ValueString(), ID: m.PolicyID.ValueString()}
	for _, s := range m.Statements {
		document.Statement = append(document.Statement, s.statement(ctx, &resp.Diagnostics))
	}
	indented, err := json.MarshalIndent(document, "", "  ")
	if err != nil {
		resp.Diagnostics.AddError("writing the policy document: "+err.Error(), "")
		return
	}
	minified, err := json.Marshal(document)
	if err != nil {
		resp.Diagnostics.AddError("writing the policy document: "+err.Error(), "")
		return
	}
	m.JSON, m.MinifiedJSON = types.StringValue(string(indented)), types.StringValue(string(minified))
	m.ID = types.StringValue(strconv.FormatUint(uint64(crc32.ChecksumIEEE(indented)), 10))
	resp.Diagnostics.Append(resp.State.Set(ctx, &m)...)
}

func (s *iamStatementModel) statement(ctx context.Context, diags *diag.Diagnostics) policyStatement {
	out := policyStatement{
		Sid: s.SID.ValueString(), Effect: s.Effect.ValueString(),
		Action:       oneOrMany(setOf(ctx, s.Actions, diags)),
		NotAction:    oneOrMany(setOf(ctx, s.NotActions, diags)),
		Resource:     oneOrMany(setOf(ctx, s.Resources, diags)),
		NotResource:  oneOrMany(setOf(ctx, s.NotResources, diags)),
		Principal:    principalsOf(ctx, s.Principals, diags),
		NotPrincipal: principalsOf(ctx, s.NotPrincipals, diags),
	}
	if out.Effect == "" {
		out.Effect = "Allow"
	}
	for _, condition := range s.Conditions {
		if out.Condition == nil {
			out.Condition = map[string]map[string]any{}
		}
		test := condition.Test.ValueString()
		if out.Condition[test] == nil {
			out.Condition[test] = map[string]any{}
		}
		out.Condition[test][condition.Variable.ValueString()] = oneOrMany(stringList(ctx, condition.Values, diags))
	}
	return out
}

func setOf(ctx context.Context, set types.Set, diags *diag.Diagnostics) []string {
	var out []string
	if !set.IsNull() {
		diags.Append(set.ElementsAs(ctx, &out, false)...)
	}
	slices.Sort(out)
	return out
}

// oneOrMany writes a single value as a string, as IAM's own documents do.
func oneOrMany(values []string) any {
	switch len(values) {
	case 0:
		return nil
	case 1:
		return values[0]
	}
	return values
}

func principalsOf(ctx context.Context, principals []iamPrincipalModel, diags *diag.Diagnostics) any {
	out := map[string]any{}
	for _, p := range principals {
		identifiers := setOf(ctx, p.Identifiers, diags)
		if p.Type.ValueString() == "*" && slices.Equal(identifiers, []string{"*"}) {
			return "*"
		}
		out[p.Type.ValueString()] = oneOrMany(identifiers)
	}
	if len(out) == 0 {
		return nil
	}
	return out
}
