locals {
  # Not aws_lambda_function.app.function_name: that would be a cycle.
  function_name = "app"
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
