data "lambdaseed_image" "newest" {
  repository_name = "app"
  region          = "us-east-1"
  registry_id     = "123456789012"
  most_recent     = true
}

output "newest" {
  value = data.lambdaseed_image.newest.exists ? data.lambdaseed_image.newest.image_tag : data.lambdaseed_image.newest.reason
}
