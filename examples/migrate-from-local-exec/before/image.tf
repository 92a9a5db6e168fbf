resource "aws_ecr_repository" "app" {
  name = "app"
}

resource "terraform_data" "first_image" {
  triggers_replace = aws_ecr_repository.app.repository_url

  provisioner "local-exec" {
    command = <<-EOT
      aws ecr get-login-password | docker login --username AWS --password-stdin ${aws_ecr_repository.app.repository_url}
      docker pull public.ecr.aws/lambda/provided:al2023
      docker tag public.ecr.aws/lambda/provided:al2023 ${aws_ecr_repository.app.repository_url}:first
      docker push ${aws_ecr_repository.app.repository_url}:first
    EOT
  }
}

resource "aws_lambda_function" "app" {
  function_name = "app"
  role          = aws_iam_role.app.arn
  package_type  = "Image"
  image_uri     = "${aws_ecr_repository.app.repository_url}:first"

  lifecycle {
    ignore_changes = [image_uri]
  }

  depends_on = [terraform_data.first_image]
}
