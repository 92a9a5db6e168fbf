# The function follows what it runs: the pipeline deploys, and Terraform takes
# the function's own image for the one that is wanted.
#
# The pipeline, for each release:
#   docker push $REPOSITORY_URL:$VERSION
#   aws lambda update-function-code --function-name app --image-uri $REPOSITORY_URL:$VERSION

terraform {
  required_providers {
    aws = {
      source = "hashicorp/aws"
    }
    lambdaseed = {
      source = "lambdaseed/lambdaseed"
    }
  }
}

provider "aws" {
  region = "ap-northeast-1"
}

provider "lambdaseed" {
  region = "ap-northeast-1"
}

locals {
  # Not aws_lambda_function.app.function_name: that would be a cycle.
  function_name = "app"
}

resource "aws_ecr_repository" "app" {
  name = "app"
}

resource "lambdaseed_placeholder_image" "app" {
  repository_url = aws_ecr_repository.app.repository_url

  # When image_tag changes, the function moves before the old image is deleted.
  lifecycle {
    create_before_destroy = true
  }
}

# What the pipeline has deployed; null while that is nothing but the placeholder.
data "lambdaseed_function_image" "app" {
  function_name = local.function_name
}

resource "aws_lambda_function" "app" {
  function_name = local.function_name
  role          = aws_iam_role.app.arn
  package_type  = "Image"
  image_uri = coalesce(
    data.lambdaseed_function_image.app.image_uri,
    lambdaseed_placeholder_image.app.image_uri,
  )
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
