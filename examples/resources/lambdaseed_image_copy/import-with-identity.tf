import {
  to = lambdaseed_image_copy.app
  identity = {
    repository_url = "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/app"
    image_tag      = "lambdaseed-copy"
  }
}
