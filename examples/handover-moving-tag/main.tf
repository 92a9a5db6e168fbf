# The pipeline moves a tag, and Terraform deploys what the tag points at. Lambda
# resolves a tag only when it is deployed, so that "latest" in image_uri would go
# stale without a word; pinned by digest, the next plan shows the move.
#
# The pipeline, for each release:
#   docker push $REPOSITORY_URL:latest
#   terraform apply

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
}

# What "latest" points at now; null until the pipeline has pushed it.
data "lambdaseed_image" "app" {
  repository_name = local.repository_name
  image_tag       = "latest"
}

# What the function runs. It is kept where the pipeline's image is not to be found,
# instead of going back to the placeholder: somebody may delete the tag.
data "lambdaseed_function_image" "app" {
  function_name = local.function_name
}

resource "aws_lambda_function" "app" {
  function_name = local.function_name
  role          = aws_iam_role.app.arn
  package_type  = "Image"
  image_uri = coalesce(
    data.lambdaseed_image.app.image_uri,
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
