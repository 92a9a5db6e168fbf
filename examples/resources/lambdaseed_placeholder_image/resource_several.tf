locals {
  services = toset(["orders", "invoices", "shipping"])
}

resource "aws_ecr_repository" "service" {
  for_each = local.services

  name = each.key
}

resource "lambdaseed_placeholder_image" "service" {
  for_each = local.services

  repository_url = aws_ecr_repository.service[each.key].repository_url
}

resource "aws_lambda_function" "service" {
  for_each = local.services

  function_name = each.key
  role          = aws_iam_role.app.arn
  package_type  = "Image"
  image_uri     = lambdaseed_placeholder_image.service[each.key].image_uri

  lifecycle {
    ignore_changes = [image_uri]
  }
}
