resource "aws_ecr_repository" "app" {
  name = "app"
}

resource "docker_image" "first" {
  name = "public.ecr.aws/lambda/provided:al2023"
}

resource "docker_tag" "first" {
  source_image = docker_image.first.name
  target_image = "${aws_ecr_repository.app.repository_url}:first"
}

resource "docker_registry_image" "first" {
  name = docker_tag.first.target_image
}

resource "aws_lambda_function" "app" {
  function_name = "app"
  role          = aws_iam_role.app.arn
  package_type  = "Image"
  image_uri     = docker_registry_image.first.name

  lifecycle {
    ignore_changes = [image_uri]
  }
}
