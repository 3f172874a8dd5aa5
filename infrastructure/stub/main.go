// Command terraform-provider-yandex is a stand-in for Yandex Cloud's Terraform
// provider, for tests without a network: it knows the names and kinds of the
// attributes that this repository's modules use, and makes no call. Plans and
// mocked tests work with it; an apply does not.
//
// terraform-plugin-framework speaks Terraform's protocol of plugins.
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/hashicorp/terraform-plugin-framework/datasource"
	"github.com/hashicorp/terraform-plugin-framework/provider"
	"github.com/hashicorp/terraform-plugin-framework/provider/schema"
	"github.com/hashicorp/terraform-plugin-framework/providerserver"
	"github.com/hashicorp/terraform-plugin-framework/resource"
)

func main() {
	err := providerserver.Serve(context.Background(), func() provider.Provider { return stub{} },
		providerserver.ServeOpts{Address: "registry.terraform.io/yandex-cloud/yandex"})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// stub is the provider.
type stub struct{}

func (stub) Metadata(_ context.Context, _ provider.MetadataRequest, resp *provider.MetadataResponse) {
	resp.TypeName = "yandex"
}

func (stub) Schema(_ context.Context, _ provider.SchemaRequest, resp *provider.SchemaResponse) {
	attributes := map[string]schema.Attribute{}
	for _, name := range []string{"cloud_id", "folder_id", "organization_id", "zone", "endpoint", "service_account_key_file", "token"} {
		attributes[name] = schema.StringAttribute{Optional: true}
	}
	resp.Schema.Attributes = attributes
}

func (stub) Configure(context.Context, provider.ConfigureRequest, *provider.ConfigureResponse) {}

func (stub) Resources(context.Context) (list []func() resource.Resource) {
	for name, attributes := range resources() {
		list = append(list, func() resource.Resource { return kind{name, attributes} })
	}
	return list
}

func (stub) DataSources(context.Context) (list []func() datasource.DataSource) {
	for name, attributes := range dataSources() {
		list = append(list, func() datasource.DataSource { return source{name, attributes} })
	}
	return list
}
