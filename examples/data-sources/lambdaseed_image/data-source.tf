# What the pipeline has published: a tag, a digest or an image URI.
data "lambdaseed_image" "app" {
  repository_name    = "app"
  ssm_parameter_name = "/app/image"
}

resource "aws_lambda_function" "app" {
  function_name = "app"
  role          = aws_iam_role.app.arn
  package_type  = "Image"
  image_uri = coalesce(
    data.lambdaseed_image.app.image_uri,
    lambdaseed_placeholder_image.app.image_uri,
  )
}
