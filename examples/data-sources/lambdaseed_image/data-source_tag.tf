data "lambdaseed_image" "latest" {
  repository_name = "app"
  image_tag       = "latest"
}

output "deployable" {
  value = data.lambdaseed_image.latest.lambda_compatible
}
