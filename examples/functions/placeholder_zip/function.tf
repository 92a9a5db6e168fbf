locals {
  runtime = "python3.13"
  handler = "app.handler"
}

# The package that is there before the pipeline has uploaded its first one. It
# has a key of its own, and stays as it is when the provider has another one.
resource "aws_s3_object" "placeholder" {
  bucket         = aws_s3_bucket.code.bucket
  key            = "app/placeholder.zip"
  content_base64 = provider::lambdaseed::placeholder_zip(local.runtime, local.handler).content_base64

  lifecycle {
    ignore_changes = [content_base64]
  }
}

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
