resource "aws_ecr_repository" "app" {
  name = "app"
}

resource "lambdaseed_image_copy" "app" {
  repository_url = aws_ecr_repository.app.repository_url
  source_image   = "public.ecr.aws/lambda/python:3.13"
}

resource "aws_lambda_function" "app" {
  function_name = "app"
  role          = aws_iam_role.app.arn
  package_type  = "Image"
  image_uri     = lambdaseed_image_copy.app.image_uri

  # From the first deployment on, the pipeline decides what the function runs.
  lifecycle {
    ignore_changes = [image_uri]
  }
}
