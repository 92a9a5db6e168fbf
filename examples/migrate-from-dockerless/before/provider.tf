data "aws_ecr_authorization_token" "this" {
}

provider "dockerless" {
  registry_auth = {
    (data.aws_ecr_authorization_token.this.proxy_endpoint) = {
      username = data.aws_ecr_authorization_token.this.user_name
      password = data.aws_ecr_authorization_token.this.password
    }
  }
}
