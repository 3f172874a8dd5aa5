# What the service needs: terraform output -json | plastinka config import-terraform

output "compute_backend" {
  description = "COMPUTE_BACKEND"
  value       = "datasphere"
}

output "datasphere_project_id" {
  description = "DATASPHERE_PROJECT_ID"
  value       = module.project.id
}

output "folder_id" {
  description = "DATASPHERE_FOLDER_ID"
  value       = var.folder_id
}

output "datasphere_instance_types" {
  description = "DATASPHERE_INSTANCE_TYPES"
  value       = var.instance_types
}

output "service_account_id" {
  description = "The service account that submits jobs."
  value       = module.service_account.id
}

output "service_account_key_id" {
  description = "Its key."
  value       = module.service_account.key_id
}

output "service_account_key_secret_id" {
  description = "The Lockbox secret that holds the private key."
  value       = module.service_account.key_secret_id
}
