# Everything that Plastinka needs in Yandex Cloud to train as DataSphere jobs.
# Credentials come from the environment: YC_TOKEN or YC_SERVICE_ACCOUNT_KEY_FILE.

terraform {
  required_version = ">= 1.9"
  required_providers {
    yandex = {
      source  = "yandex-cloud/yandex"
      version = ">= 0.130"
    }
  }
}

provider "yandex" {
  cloud_id        = var.cloud_id
  folder_id       = var.folder_id
  organization_id = var.organization_id
}

module "community" {
  source = "../../modules/datasphere_community"

  existing_id        = var.existing_community_id
  name               = var.community_name
  organization_id    = var.organization_id
  billing_account_id = var.billing_account_id
  labels             = var.labels
}

module "project" {
  source = "../../modules/datasphere_project"

  existing_id  = var.existing_project_id
  community_id = module.community.id
  folder_id    = var.folder_id
  name         = var.project_name
  limits       = var.limits
  labels       = var.labels
}

module "service_account" {
  source = "../../modules/service_account"

  name             = var.service_account_name
  folder_id        = var.folder_id
  project_id       = module.project.id
  other_developers = var.other_developers
}
