# What the fragments in the documentation refer to and do not show, see
# complete_test.go.

resource "aws_ecr_repository" "app" {
  name = "app"
}

resource "lambdaseed_placeholder_image" "app" {
  repository_url = aws_ecr_repository.app.repository_url
}

resource "lambdaseed_image_copy" "app" {
  repository_url = aws_ecr_repository.app.repository_url
  source_image   = "public.ecr.aws/lambda/python:3.13"
}

resource "aws_lambda_function" "app" {
  function_name = "app"
  role          = aws_iam_role.app.arn
  package_type  = "Image"
  image_uri     = lambdaseed_placeholder_image.app.image_uri

  lifecycle {
    ignore_changes = [image_uri]
  }
}

data "lambdaseed_function_image" "app" {
  function_name = "app"
}

data "lambdaseed_image" "app" {
  repository_name    = "app"
  ssm_parameter_name = "/app/image"
}

resource "aws_sqs_queue" "app" {
  name = "app"
}

resource "aws_iam_role" "app" {
  name = "app"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "lambda.amazonaws.com" }
    }]
  })
}

resource "aws_s3_bucket" "code" {
  bucket = "lambdaseed-example-code"
}
