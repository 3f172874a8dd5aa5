mock_provider "yandex" {
  mock_resource "yandex_iam_service_account" {
    defaults = { id = "ajeaccount" }
  }
  mock_resource "yandex_lockbox_secret" {
    defaults = { id = "e6qsecret" }
  }
}

variables {
  folder_id  = "b1gfolder"
  project_id = "bt1project"
}

run "may_submit_jobs_and_nothing_else" {
  command = apply

  variables {
    other_developers = ["userAccount:ajeboss"]
  }

  assert {
    condition     = yandex_datasphere_project_iam_binding.developer.role == "datasphere.community-projects.developer"
    error_message = "The role is another one."
  }
  assert {
    condition     = yandex_datasphere_project_iam_binding.developer.project_id == "bt1project"
    error_message = "The role is for another project."
  }
  assert {
    condition     = yandex_datasphere_project_iam_binding.developer.members == toset(["serviceAccount:ajeaccount", "userAccount:ajeboss"])
    error_message = "The members are the account and the others, no more and no fewer."
  }
  assert {
    condition     = yandex_iam_service_account.this.folder_id == "b1gfolder" && yandex_lockbox_secret.key.folder_id == "b1gfolder"
    error_message = "The folder does not arrive."
  }
}

run "key_goes_to_lockbox" {
  command = apply

  assert {
    condition     = yandex_iam_service_account_key.this.output_to_lockbox[0].secret_id == "e6qsecret" && yandex_iam_service_account_key.this.output_to_lockbox[0].entry_for_private_key == "private_key"
    error_message = "The private key would be in the state."
  }
  assert {
    condition     = output.key_secret_id == "e6qsecret" && output.id == "ajeaccount"
    error_message = "The outputs do not name what was made."
  }
  assert {
    condition     = yandex_lockbox_secret.key.deletion_protection
    error_message = "The secret can be deleted by mistake."
  }
}

run "refuses_a_bad_member" {
  command = plan

  variables {
    other_developers = ["somebody@example.com"]
  }

  expect_failures = [var.other_developers]
}
