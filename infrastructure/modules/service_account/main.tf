# The service account that submits jobs. It may do that, in one project, and
# nothing else. Its key goes into Lockbox and stays out of the state.

terraform {
  required_version = ">= 1.7"
  required_providers {
    yandex = {
      source  = "yandex-cloud/yandex"
      version = ">= 0.130"
    }
  }
}

resource "yandex_iam_service_account" "this" {
  name        = var.name
  description = "Submits Plastinka's trainings as DataSphere jobs"
  folder_id   = var.folder_id
}

# The binding is the whole truth about who has the role in the project: whoever
# is not a member here loses it.
resource "yandex_datasphere_project_iam_binding" "developer" {
  project_id = var.project_id
  role       = "datasphere.community-projects.developer"
  members    = setunion(["serviceAccount:${yandex_iam_service_account.this.id}"], var.other_developers)
}

resource "yandex_lockbox_secret" "key" {
  name                = "${var.name}-key"
  description         = "The key of the service account ${var.name}"
  folder_id           = var.folder_id
  deletion_protection = var.deletion_protection
}

resource "yandex_iam_service_account_key" "this" {
  service_account_id = yandex_iam_service_account.this.id
  description        = "Plastinka"
  key_algorithm      = "RSA_2048"

  output_to_lockbox {
    secret_id             = yandex_lockbox_secret.key.id
    entry_for_private_key = "private_key"
  }
}

output "id" {
  description = "The service account's id."
  value       = yandex_iam_service_account.this.id
}

output "key_id" {
  description = "The key's id."
  value       = yandex_iam_service_account_key.this.id
}

output "key_secret_id" {
  description = "The Lockbox secret that holds the private key."
  value       = yandex_lockbox_secret.key.id
}
