# The pipeline publishes what is to run in an SSM parameter, and Terraform
# deploys it.
#
# The pipeline, for each release:
#   docker push $REPOSITORY_URL:$VERSION
#   aws ssm put-parameter --name /app/image --type String --overwrite --value $VERSION
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

# What the pipeline has published: a tag, a digest or an image URI. Null while
# the parameter does not exist, or the image that it names.
data "lambdaseed_image" "app" {
  repository_name    = local.repository_name
  ssm_parameter_name = "/app/image"
}

# What the function runs. It is kept where the pipeline's image is not to be found,
# instead of going back to the placeholder: somebody may delete the parameter.
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

  lifecycle {
    precondition {
      condition     = data.lambdaseed_image.app.lambda_compatible != false
      error_message = "The image at ${coalesce(data.lambdaseed_image.app.image_uri, "-")} is in a format that Lambda does not take."
    }
  }
}

# What the function waits for, until it runs a real image.
output "waiting_for" {
  value = data.lambdaseed_image.app.reason
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
