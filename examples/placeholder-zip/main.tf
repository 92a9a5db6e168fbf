# A function of package type Zip, whose pipeline uploads a package for each
# release and deploys it.
#
# The pipeline, for each release:
#   aws s3 cp app.zip s3://lambdaseed-example-code/app/$VERSION.zip
#   aws lambda update-function-code --function-name app \
#     --s3-bucket lambdaseed-example-code --s3-key app/$VERSION.zip

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

locals {
  runtime = "python3.13"
  handler = "app.handler"
}

# The bucket that the pipeline uploads to. It is not destroyed with packages in it.
resource "aws_s3_bucket" "code" {
  bucket = "lambdaseed-example-code"
}

# The package that is there before the pipeline has uploaded its first one. The
# pipeline never writes to its key, and Terraform never to the pipeline's. Another
# version of the provider may have another placeholder: this one stays.
resource "aws_s3_object" "placeholder" {
  bucket         = aws_s3_bucket.code.bucket
  key            = "app/placeholder.zip"
  content_base64 = provider::lambdaseed::placeholder_zip(local.runtime, local.handler).content_base64

  lifecycle {
    ignore_changes = [content_base64]
  }
}

# No source_code_hash and no s3_object_version: they would bring the placeholder
# back over what the pipeline has deployed.
resource "aws_lambda_function" "app" {
  function_name = "app"
  role          = aws_iam_role.app.arn
  runtime       = local.runtime
  handler       = local.handler
  s3_bucket     = aws_s3_object.placeholder.bucket
  s3_key        = aws_s3_object.placeholder.key

  # From the first deployment on, the pipeline decides what the function runs.
  lifecycle {
    ignore_changes = [s3_bucket, s3_key]
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
