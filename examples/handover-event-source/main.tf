# A queue that stays unread while the function still runs its placeholder: the
# event source mapping is disabled until the pipeline has deployed, and a check
# says so in every plan.
#
# The pipeline, for each release:
#   docker push $REPOSITORY_URL:$VERSION
#   aws lambda update-function-code --function-name app --image-uri $REPOSITORY_URL:$VERSION
#   terraform apply    (after the first release: it enables the mapping)

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
  function_name = "app"
  # Not is_placeholder: that is null, too, where ECR does not let us look.
  handed_over = data.lambdaseed_function_image.app.image_uri != null
}

resource "aws_ecr_repository" "app" {
  name = "app"
}

resource "lambdaseed_placeholder_image" "app" {
  repository_url = aws_ecr_repository.app.repository_url

  lifecycle {
    create_before_destroy = true
  }
}

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

  depends_on = [aws_iam_role_policy.app]
}

resource "aws_sqs_queue" "app" {
  name                      = "app"
  message_retention_seconds = 1209600 # 14 days, time enough for the first release
}

resource "aws_lambda_event_source_mapping" "app" {
  event_source_arn = aws_sqs_queue.app.arn
  function_name    = aws_lambda_function.app.arn
  enabled          = local.handed_over
}

check "handed_over" {
  assert {
    condition     = local.handed_over
    error_message = "The queue ${aws_sqs_queue.app.name} is not read yet. ${coalesce(data.lambdaseed_function_image.app.reason, "-")}"
  }
}

resource "aws_iam_role_policy" "app" {
  name = "queue"
  role = aws_iam_role.app.name
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
      Resource = aws_sqs_queue.app.arn
    }]
  })
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
