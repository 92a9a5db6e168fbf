locals {
  architectures = ["arm64"]
}

resource "lambdaseed_placeholder_image" "app" {
  repository_url = aws_ecr_repository.app.repository_url
  architectures  = local.architectures
}

resource "aws_lambda_function" "app" {
  function_name = "app"
  role          = aws_iam_role.app.arn
  package_type  = "Image"
  image_uri     = lambdaseed_placeholder_image.app.image_uri
  architectures = local.architectures

  lifecycle {
    ignore_changes = [image_uri]
  }
}
