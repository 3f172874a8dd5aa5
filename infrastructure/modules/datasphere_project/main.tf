# The project that runs the jobs, with what it may spend. One that is there
# already is only looked up: give its id; its limits are then set elsewhere.

terraform {
  required_version = ">= 1.7"
  required_providers {
    yandex = {
      source  = "yandex-cloud/yandex"
      version = ">= 0.130"
    }
  }
}

resource "yandex_datasphere_project" "this" {
  count = var.existing_id == null ? 1 : 0

  community_id = var.community_id
  name         = var.name
  description  = var.description
  labels       = var.labels

  # Misspelt keys in these two objects are dropped without a word: the tests
  # check each value.
  limits = {
    max_units_per_hour      = var.limits.max_units_per_hour
    max_units_per_execution = var.limits.max_units_per_execution
  }

  settings = {
    default_folder_id       = var.folder_id
    stale_exec_timeout_mode = var.stale_exec_timeout_mode
  }
}

data "yandex_datasphere_project" "existing" {
  count = var.existing_id == null ? 0 : 1

  id = var.existing_id
}

output "id" {
  description = "The project's id."
  value       = var.existing_id == null ? one(yandex_datasphere_project.this[*].id) : one(data.yandex_datasphere_project.existing[*].id)
}
