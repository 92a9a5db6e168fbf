locals {
  image = provider::lambdaseed::parse_image_uri(aws_lambda_function.app.image_uri)
}

# The repository of whatever the function runs, and its account.
output "repository" {
  value = local.image.repository_name
}

output "account" {
  value = local.image.registry_id
}
