resource "lambdaseed_placeholder_image" "app" {
  repository_url = aws_ecr_repository.app.repository_url

  http_response = {
    status_code  = 503
    content_type = "text/html; charset=utf-8"
    body         = <<-EOT
      <!doctype html>
      <title>Coming soon</title>
      <h1>This service has not been deployed yet</h1>
    EOT
  }
}
