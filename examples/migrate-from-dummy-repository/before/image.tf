# Made by hand, once for each account and Region, with a dummy image in it.
data "aws_ecr_repository" "dummy" {
  name = "dummy"
}

resource "aws_ecr_repository" "app" {
  name = "app"
}

resource "aws_lambda_function" "app" {
  function_name = "app"
  role          = aws_iam_role.app.arn
  package_type  = "Image"
  image_uri     = "${data.aws_ecr_repository.dummy.repository_url}:latest"

  lifecycle {
    ignore_changes = [image_uri]
  }
}
