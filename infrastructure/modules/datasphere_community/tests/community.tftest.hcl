mock_provider "yandex" {}

run "makes_one" {
  command = plan

  variables {
    name               = "shop"
    organization_id    = "bpforg"
    billing_account_id = "dn2bill"
    labels             = { made-by = "terraform" }
  }

  assert {
    condition     = length(yandex_datasphere_community.this) == 1 && length(data.yandex_datasphere_community.existing) == 0
    error_message = "Without an id a community is made."
  }
  assert {
    condition     = yandex_datasphere_community.this[0].name == "shop" && yandex_datasphere_community.this[0].organization_id == "bpforg"
    error_message = "The name or the organization does not arrive."
  }
  assert {
    condition     = yandex_datasphere_community.this[0].billing_account_id == "dn2bill"
    error_message = "The billing account does not arrive."
  }
  assert {
    condition     = yandex_datasphere_community.this[0].labels == tomap({ made-by = "terraform" })
    error_message = "The labels do not arrive."
  }
}

run "adopts_one" {
  command = apply

  variables {
    existing_id = "bt1community"
  }

  assert {
    condition     = length(yandex_datasphere_community.this) == 0
    error_message = "One that is there already is not made again."
  }
  assert {
    condition     = output.id == "bt1community"
    error_message = "The id is that of the community which is there."
  }
}

run "refuses_a_bad_name" {
  command = plan

  variables {
    name = "ab"
  }

  expect_failures = [var.name]
}
