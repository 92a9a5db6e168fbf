resource "aws_ecr_repository" "app" {
  name = "app"
}

resource "dockerless_remote_image" "bootstrap" {
  source = "nullstone/lambda-bootstrap:latest"
  target = "${aws_ecr_repository.app.repository_url}:bootstrap"
}

resource "aws_lambda_function" "app" {
  function_name = "app"
  role          = aws_iam_role.app.arn
  package_type  = "Image"
  image_uri     = dockerless_remote_image.bootstrap.target

  lifecycle {
    ignore_changes = [image_uri]
  }
}
