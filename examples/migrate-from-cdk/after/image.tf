import {
  to = aws_ecr_repository.app
  id = "app"
}

import {
  to = aws_iam_role.app
  id = "app"
}

import {
  to = aws_lambda_function.app
  id = "app"
}

resource "aws_ecr_repository" "app" {
  name = "app"
}

resource "lambdaseed_placeholder_image" "app" {
  repository_url = aws_ecr_repository.app.repository_url
}

# The parameter stays the pipeline's.
data "lambdaseed_image" "app" {
  repository_name    = "app"
  ssm_parameter_name = "/app/image-tag"
}

resource "aws_lambda_function" "app" {
  function_name = "app"
  role          = aws_iam_role.app.arn
  package_type  = "Image"
  image_uri = coalesce(
    data.lambdaseed_image.app.image_uri,
    lambdaseed_placeholder_image.app.image_uri,
  )
}
