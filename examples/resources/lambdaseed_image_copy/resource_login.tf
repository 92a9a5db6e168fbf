variable "docker_hub_token" {
  type      = string
  ephemeral = true
}

resource "lambdaseed_image_copy" "app" {
  repository_url = aws_ecr_repository.app.repository_url
  source_image   = "example/private:1.4"

  source_auth = {
    username            = "example"
    password_wo         = var.docker_hub_token
    password_wo_version = 1
  }
}
