resource "aws_ecr_repository" "app" {
  name = "app"
}

resource "lambdaseed_placeholder_image" "app" {
  repository_url = aws_ecr_repository.app.repository_url
}

resource "aws_lambda_function" "app" {
  function_name = "app"
  role          = aws_iam_role.app.arn
  package_type  = "Image"
  image_uri     = lambdaseed_placeholder_image.app.image_uri

  lifecycle {
    ignore_changes = [image_uri]
  }
}

removed {
  from = docker_registry_image.first

  lifecycle {
    destroy = false
  }
}

removed {
  from = docker_tag.first

  lifecycle {
    destroy = false
  }
}

removed {
  from = docker_image.first

  lifecycle {
    destroy = false
  }
}
