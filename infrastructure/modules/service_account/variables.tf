variable "name" {
  description = "The service account's name."
  type        = string
  default     = "plastinka-datasphere"

  validation {
    condition     = can(regex("^[a-z][-a-z0-9]{1,57}[a-z0-9]$", var.name))
    error_message = "A name has 3 to 59 lower-case letters, digits and hyphens, and begins with a letter."
  }
}

variable "folder_id" {
  description = "The folder of the account and of the secret."
  type        = string
}

variable "project_id" {
  description = "The project in which it may submit jobs."
  type        = string
}

variable "other_developers" {
  description = "Everybody else who has the role datasphere.community-projects.developer in the project, such as userAccount:<id>. Who is missing here loses it."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for m in var.other_developers : can(regex("^(userAccount|federatedUser|serviceAccount|group):[a-z0-9]+$", m))])
    error_message = "A member is userAccount:<id>, federatedUser:<id>, serviceAccount:<id> or group:<id>."
  }
}

variable "deletion_protection" {
  description = "Keeps the secret from being deleted by mistake."
  type        = bool
  default     = true
}
