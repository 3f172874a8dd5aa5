variable "cloud_id" {
  description = "The cloud."
  type        = string
}

variable "folder_id" {
  description = "The folder of the service account, its secret, and the project's own resources."
  type        = string
}

variable "organization_id" {
  description = "The organization that owns the community."
  type        = string
}

variable "billing_account_id" {
  description = "The billing account that pays for a community that is made here."
  type        = string
  default     = null

  validation {
    condition     = var.billing_account_id != null || var.existing_community_id != null
    error_message = "Give billing_account_id, or existing_community_id: a community that nobody pays for cannot run jobs."
  }
}

variable "existing_community_id" {
  description = "A community that is there already, to be used instead of a new one."
  type        = string
  default     = null
}

variable "existing_project_id" {
  description = "A project that is there already, to be used instead of a new one. Its community must be given too."
  type        = string
  default     = null

  validation {
    condition     = var.existing_project_id == null || var.existing_community_id != null
    error_message = "Give existing_community_id too: without it a community would be made that nothing uses."
  }
}

variable "community_name" {
  description = "The new community's name."
  type        = string
  default     = "plastinka"
}

variable "project_name" {
  description = "The new project's name."
  type        = string
  default     = "plastinka"
}

variable "service_account_name" {
  description = "The name of the service account that submits jobs."
  type        = string
  default     = "plastinka-datasphere"
}

variable "limits" {
  description = "What the new project may spend, in units: in an hour, and on one execution."
  type = object({
    max_units_per_hour      = number
    max_units_per_execution = number
  })
  default = {
    max_units_per_hour      = 200
    max_units_per_execution = 1200
  }
}

variable "instance_types" {
  description = "Instance types of the jobs, in order of preference."
  type        = list(string)
  default     = ["c1.8", "c1.4"]

  validation {
    condition     = length(var.instance_types) > 0 && alltrue([for t in var.instance_types : can(regex("^[a-z0-9]+[.](mig|[0-9]+)$", t))])
    error_message = "An instance type is like c1.8; at least one is needed."
  }
}

variable "other_developers" {
  description = "Everybody else who may submit jobs in the project. Who is missing here loses the role: see the README."
  type        = set(string)
  default     = []
}

variable "labels" {
  description = "Labels of the community and the project."
  type        = map(string)
  default     = { product = "plastinka" }
}
