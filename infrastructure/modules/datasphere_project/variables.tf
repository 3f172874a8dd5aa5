variable "existing_id" {
  description = "The id of a project that is there already; null makes one."
  type        = string
  default     = null
}

variable "community_id" {
  description = "The community that owns the project. To change it makes a new project."
  type        = string
}

variable "folder_id" {
  description = "The folder that the project uses by default."
  type        = string
}

variable "name" {
  description = "The project's name, 3 to 63 characters."
  type        = string
  default     = "plastinka"

  validation {
    condition     = can(regex("^[a-zA-Z][a-zA-Z0-9_ -]{1,61}[a-zA-Z0-9]$", var.name))
    error_message = "A name has 3 to 63 letters, digits, hyphens, underscores and spaces, and begins with a letter."
  }
}

variable "description" {
  description = "What the project is for."
  type        = string
  default     = "Trains forecasts of Plastinka"
}

variable "labels" {
  description = "Labels."
  type        = map(string)
  default     = {}
}

variable "limits" {
  description = "What the project may spend, in units: in an hour, and on one execution."
  type = object({
    max_units_per_hour      = number
    max_units_per_execution = number
  })

  validation {
    condition     = alltrue([for n in values(var.limits) : n > 0 && floor(n) == n])
    error_message = "Limits are whole numbers of units above 0: with 0 nothing runs."
  }
}

variable "stale_exec_timeout_mode" {
  description = "When an idle execution is stopped: ONE_HOUR, THREE_HOURS or NO_TIMEOUT."
  type        = string
  default     = "ONE_HOUR"

  validation {
    condition     = contains(["ONE_HOUR", "THREE_HOURS", "NO_TIMEOUT"], var.stale_exec_timeout_mode)
    error_message = "It is ONE_HOUR, THREE_HOURS or NO_TIMEOUT."
  }
}
