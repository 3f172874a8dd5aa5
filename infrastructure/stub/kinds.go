package main

import (
	"context"

	"github.com/hashicorp/terraform-plugin-framework/attr"
	"github.com/hashicorp/terraform-plugin-framework/datasource"
	data "github.com/hashicorp/terraform-plugin-framework/datasource/schema"
	"github.com/hashicorp/terraform-plugin-framework/resource"
	"github.com/hashicorp/terraform-plugin-framework/resource/schema"
	"github.com/hashicorp/terraform-plugin-framework/types"
)

// use is whether an attribute must be given (R), may be (O), is made by the
// cloud (C), or may be and else is made by it (OC).
type use string

// attribute is an attribute's use and kind.
type attribute struct {
	use  use
	kind attr.Type
}

func text(u use) attribute    { return attribute{u, types.StringType} }
func texts(u use) attribute   { return attribute{u, types.MapType{ElemType: types.StringType}} }
func members(u use) attribute { return attribute{u, types.SetType{ElemType: types.StringType}} }

func object(u use, kinds map[string]attr.Type) attribute {
	return attribute{u, types.ObjectType{AttrTypes: kinds}}
}

// resources are the kinds of resources, by their full names. An attribute with
// the name of a block begins with "block ".
func resources() map[string]map[string]attribute {
	limits := object("OC", map[string]attr.Type{"max_units_per_hour": types.NumberType, "max_units_per_execution": types.NumberType, "balance": types.NumberType})
	settings := object("OC", map[string]attr.Type{"service_account_id": types.StringType, "subnet_id": types.StringType, "data_proc_cluster_id": types.StringType,
		"security_group_ids": types.SetType{ElemType: types.StringType}, "default_folder_id": types.StringType, "stale_exec_timeout_mode": types.StringType})
	return map[string]map[string]attribute{
		"yandex_datasphere_community": {"id": text("C"), "name": text("R"), "organization_id": text("OC"), "billing_account_id": text("O"),
			"description": text("OC"), "labels": texts("O"), "created_at": text("C"), "created_by": text("C")},
		"yandex_datasphere_project": {"id": text("C"), "community_id": text("R"), "name": text("R"), "description": text("OC"), "labels": texts("O"),
			"limits": limits, "settings": settings, "created_at": text("C"), "created_by": text("C")},
		"yandex_datasphere_project_iam_binding":   {"project_id": text("R"), "role": text("R"), "members": members("R")},
		"yandex_datasphere_community_iam_binding": {"community_id": text("R"), "role": text("R"), "members": members("R")},
		"yandex_iam_service_account":              {"id": text("C"), "name": text("R"), "description": text("O"), "folder_id": text("OC"), "labels": texts("O"), "created_at": text("C")},
		"yandex_iam_service_account_key": {"id": text("C"), "service_account_id": text("R"), "description": text("O"), "key_algorithm": text("O"), "format": text("O"),
			"public_key": text("C"), "private_key": text("C"), "created_at": text("C"), "output_to_lockbox_version_id": text("C"),
			"block output_to_lockbox": object("O", map[string]attr.Type{"secret_id": types.StringType, "entry_for_private_key": types.StringType})},
		"yandex_lockbox_secret": {"id": text("C"), "name": text("O"), "description": text("O"), "folder_id": text("OC"), "labels": texts("O"), "kms_key_id": text("O"),
			"deletion_protection": {"O", types.BoolType}, "status": text("C"), "created_at": text("C")},
	}
}

func dataSources() map[string]map[string]attribute {
	r := resources()
	return map[string]map[string]attribute{
		"yandex_datasphere_community": found(r["yandex_datasphere_community"]),
		"yandex_datasphere_project":   found(r["yandex_datasphere_project"]),
	}
}

// found is what a data source of a resource has: it is given the id, and shows
// the rest.
func found(of map[string]attribute) map[string]attribute {
	shown := map[string]attribute{"id": text("R")}
	for name, a := range of {
		if name != "id" {
			shown[name] = attribute{"C", a.kind}
		}
	}
	return shown
}

// kind is a kind of resource. It can be planned, not made.
type kind struct {
	name       string
	attributes map[string]attribute
}

func (k kind) Metadata(_ context.Context, _ resource.MetadataRequest, resp *resource.MetadataResponse) {
	resp.TypeName = k.name
}

func (k kind) Schema(_ context.Context, _ resource.SchemaRequest, resp *resource.SchemaResponse) {
	resp.Schema = schema.Schema{Attributes: map[string]schema.Attribute{}, Blocks: map[string]schema.Block{}}
	for name, a := range k.attributes {
		if name == "block output_to_lockbox" {
			inner := map[string]schema.Attribute{}
			for field := range a.kind.(types.ObjectType).AttrTypes {
				inner[field] = schema.StringAttribute{Required: true}
			}
			resp.Schema.Blocks["output_to_lockbox"] = schema.ListNestedBlock{NestedObject: schema.NestedBlockObject{Attributes: inner}}
			continue
		}
		resp.Schema.Attributes[name] = a.ofResource()
	}
}

func (a attribute) ofResource() schema.Attribute {
	required, optional, computed := a.use == "R", a.use == "O" || a.use == "OC", a.use == "C" || a.use == "OC"
	switch t := a.kind.(type) {
	case types.MapType:
		return schema.MapAttribute{ElementType: t.ElemType, Required: required, Optional: optional, Computed: computed}
	case types.SetType:
		return schema.SetAttribute{ElementType: t.ElemType, Required: required, Optional: optional, Computed: computed}
	case types.ObjectType:
		inner := map[string]schema.Attribute{}
		for name, kind := range t.AttrTypes {
			inner[name] = attribute{a.use, kind}.ofResource()
		}
		return schema.SingleNestedAttribute{Attributes: inner, Required: required, Optional: optional, Computed: computed}
	}
	switch a.kind {
	case types.NumberType:
		return schema.NumberAttribute{Required: required, Optional: optional, Computed: computed}
	case types.BoolType:
		return schema.BoolAttribute{Required: required, Optional: optional, Computed: computed}
	}
	return schema.StringAttribute{Required: required, Optional: optional, Computed: computed}
}

func (kind) Create(_ context.Context, _ resource.CreateRequest, resp *resource.CreateResponse) {
	resp.Diagnostics.AddError("This is a stand-in for tests", "It makes nothing. Use the real provider.")
}

func (kind) Read(context.Context, resource.ReadRequest, *resource.ReadResponse) {}

func (kind) Update(_ context.Context, _ resource.UpdateRequest, resp *resource.UpdateResponse) {
	resp.Diagnostics.AddError("This is a stand-in for tests", "It changes nothing. Use the real provider.")
}

func (kind) Delete(context.Context, resource.DeleteRequest, *resource.DeleteResponse) {}

// source is a kind of data source.
type source struct {
	name       string
	attributes map[string]attribute
}

func (s source) Metadata(_ context.Context, _ datasource.MetadataRequest, resp *datasource.MetadataResponse) {
	resp.TypeName = s.name
}

func (s source) Schema(_ context.Context, _ datasource.SchemaRequest, resp *datasource.SchemaResponse) {
	resp.Schema.Attributes = map[string]data.Attribute{}
	for name, a := range s.attributes {
		resp.Schema.Attributes[name] = a.ofSource()
	}
}

func (a attribute) ofSource() data.Attribute {
	required, computed := a.use == "R", a.use == "C"
	switch t := a.kind.(type) {
	case types.MapType:
		return data.MapAttribute{ElementType: t.ElemType, Required: required, Computed: computed}
	case types.SetType:
		return data.SetAttribute{ElementType: t.ElemType, Required: required, Computed: computed}
	case types.ObjectType:
		return data.ObjectAttribute{AttributeTypes: t.AttrTypes, Required: required, Computed: computed}
	}
	return data.StringAttribute{Required: required, Computed: computed}
}

func (source) Read(_ context.Context, _ datasource.ReadRequest, resp *datasource.ReadResponse) {
	resp.Diagnostics.AddError("This is a stand-in for tests", "It finds nothing. Use the real provider.")
}
