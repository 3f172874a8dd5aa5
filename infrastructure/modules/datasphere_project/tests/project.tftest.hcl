mock_provider "yandex" {}

variables {
  community_id = "bt1community"
  folder_id    = "b1gfolder"
  limits = {
    max_units_per_hour      = 100
    max_units_per_execution = 600
  }
}

run "makes_one" {
  command = plan

  variables {
    stale_exec_timeout_mode = "THREE_HOURS"
  }

  assert {
    condition     = yandex_datasphere_project.this[0].limits.max_units_per_hour == 100
    error_message = "limits.max_units_per_hour does not arrive."
  }
  assert {
    condition     = yandex_datasphere_project.this[0].limits.max_units_per_execution == 600
    error_message = "limits.max_units_per_execution does not arrive."
  }
  assert {
    condition     = yandex_datasphere_project.this[0].settings.default_folder_id == "b1gfolder"
    error_message = "settings.default_folder_id does not arrive."
  }
  assert {
    condition     = yandex_datasphere_project.this[0].settings.stale_exec_timeout_mode == "THREE_HOURS"
    error_message = "settings.stale_exec_timeout_mode does not arrive."
  }
  assert {
    condition     = yandex_datasphere_project.this[0].community_id == "bt1community" && yandex_datasphere_project.this[0].name == "plastinka"
    error_message = "The community or the name does not arrive."
  }
}

run "adopts_one" {
  command = apply

  variables {
    existing_id = "bt1project"
  }

  assert {
    condition     = length(yandex_datasphere_project.this) == 0 && output.id == "bt1project"
    error_message = "One that is there already is not made again."
  }
}

run "refuses_limits_of_nothing" {
  command = plan

  variables {
    limits = {
      max_units_per_hour      = 0
      max_units_per_execution = 600
    }
  }

  expect_failures = [var.limits]
}

run "refuses_an_unknown_timeout" {
  command = plan

  variables {
    stale_exec_timeout_mode = "SOMETIMES"
  }

  expect_failures = [var.stale_exec_timeout_mode]
}
