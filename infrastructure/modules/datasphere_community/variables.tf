variable "existing_id" {
  description = "The id of a community that is there already; null makes one."
  type        = string
  default     = null
}

variable "name" {
  description = "The community's name, 3 to 63 characters."
  type        = string
  default     = "plastinka"

  validation {
    condition     = can(regex("^[a-zA-Z][a-zA-Z0-9_ -]{1,61}[a-zA-Z0-9]$", var.name))
    error_message = "A name has 3 to 63 letters, digits, hyphens, underscores and spaces, and begins with a letter."
  }
}

variable "description" {
  description = "What the community is for."
  type        = string
  default     = "Forecasts of Plastinka"
}

variable "organization_id" {
  description = "The organization that owns it; null takes the provider's."
  type        = string
  default     = null
}

variable "billing_account_id" {
  description = "The billing account that pays. Without one a community cannot run jobs."
  type        = string
  default     = null
}

variable "labels" {
  description = "Labels."
  type        = map(string)
  default     = {}
}
