mock_provider "yandex" {
  mock_resource "yandex_datasphere_community" {
    defaults = { id = "bt1community" }
  }
  mock_resource "yandex_datasphere_project" {
    defaults = { id = "bt1project" }
  }
  mock_resource "yandex_iam_service_account" {
    defaults = { id = "ajeaccount" }
  }
  mock_resource "yandex_lockbox_secret" {
    defaults = { id = "e6qsecret" }
  }
}

variables {
  cloud_id           = "b1gcloud"
  folder_id          = "b1gfolder"
  organization_id    = "bpforg"
  billing_account_id = "dn2bill"
}

run "outputs_are_what_the_service_needs" {
  command = apply

  assert {
    condition     = output.compute_backend == "datasphere"
    error_message = "compute_backend"
  }
  assert {
    condition     = output.datasphere_project_id == "bt1project"
    error_message = "datasphere_project_id"
  }
  assert {
    condition     = output.folder_id == "b1gfolder"
    error_message = "folder_id"
  }
  assert {
    condition     = output.datasphere_instance_types == tolist(["c1.8", "c1.4"])
    error_message = "datasphere_instance_types"
  }
  assert {
    condition     = output.service_account_id == "ajeaccount" && output.service_account_key_secret_id == "e6qsecret"
    error_message = "service_account_id or service_account_key_secret_id"
  }
}

run "adopts_what_is_there" {
  command = apply

  variables {
    billing_account_id    = null
    existing_community_id = "bt1theirs"
    existing_project_id   = "bt1shop"
  }

  assert {
    condition     = output.datasphere_project_id == "bt1shop"
    error_message = "The project is the one which is there."
  }
}

run "wants_somebody_who_pays" {
  command = plan

  variables {
    billing_account_id = null
  }

  expect_failures = [var.billing_account_id]
}

run "wants_the_community_of_a_project" {
  command = plan

  variables {
    existing_project_id = "bt1shop"
  }

  expect_failures = [var.existing_project_id]
}

run "refuses_an_unknown_instance_type" {
  command = plan

  variables {
    instance_types = ["large"]
  }

  expect_failures = [var.instance_types]
}
