resource "lambdaseed_image_copy" "app" {
  repository_url = aws_ecr_repository.app.repository_url
  source_image   = "public.ecr.aws/docker/library/alpine:3.22"
  architectures  = ["arm64"]
  image_tag      = "alpine-3.22"
}
