# The classic: Terraform creates the function, the pipeline deploys it, and
# Terraform never looks at its image again.
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

resource "aws_ecr_repository" "app" {
  name = "app"
}

resource "lambdaseed_placeholder_image" "app" {
  repository_url = aws_ecr_repository.app.repository_url
}

resource "aws_lambda_function" "app" {
  function_name = "app"
  role          = aws_iam_role.app.arn
  package_type  = "Image"
  image_uri     = lambdaseed_placeholder_image.app.image_uri

  # While this stands, change the image_tag of the placeholder only after the
  # pipeline has deployed: the function would keep the old one, which is deleted.
  lifecycle {
    ignore_changes = [image_uri]
  }
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
