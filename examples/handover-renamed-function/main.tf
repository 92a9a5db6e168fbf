# A function that may be renamed or replaced: a new one has no image of its own
# to follow, so that it takes the most recent one of the repository before it
# takes the placeholder.
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
  function_name   = "app"
  repository_name = "app"
}

resource "aws_ecr_repository" "app" {
  name = local.repository_name
}

resource "lambdaseed_placeholder_image" "app" {
  repository_url = aws_ecr_repository.app.repository_url

  lifecycle {
    create_before_destroy = true
  }
}

# What the function runs, while it is there.
data "lambdaseed_function_image" "app" {
  function_name = local.function_name
}

# What was pushed last, for a function that is not there yet.
data "lambdaseed_image" "app" {
  repository_name = local.repository_name
  most_recent     = true
}

resource "aws_lambda_function" "app" {
  function_name = local.function_name
  role          = aws_iam_role.app.arn
  package_type  = "Image"
  image_uri = coalesce(
    data.lambdaseed_function_image.app.image_uri,
    data.lambdaseed_image.app.image_uri,
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
