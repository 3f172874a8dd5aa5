# The community that owns the project. One that is there already is only looked
# up: give its id.

terraform {
  required_version = ">= 1.7"
  required_providers {
    yandex = {
      source  = "yandex-cloud/yandex"
      version = ">= 0.130"
    }
  }
}

resource "yandex_datasphere_community" "this" {
  count = var.existing_id == null ? 1 : 0

  name               = var.name
  description        = var.description
  organization_id    = var.organization_id
  billing_account_id = var.billing_account_id
  labels             = var.labels
}

data "yandex_datasphere_community" "existing" {
  count = var.existing_id == null ? 0 : 1

  id = var.existing_id
}

output "id" {
  description = "The community's id."
  value       = var.existing_id == null ? one(yandex_datasphere_community.this[*].id) : one(data.yandex_datasphere_community.existing[*].id)
}
