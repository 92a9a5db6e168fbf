resource "aws_ecr_repository" "base" {
  name = "base"
}

resource "lambdaseed_image_copy" "base" {
  repository_url = aws_ecr_repository.base.repository_url
  source_image   = "210987654321.dkr.ecr.eu-west-1.amazonaws.com/platform/base:v7"
}
