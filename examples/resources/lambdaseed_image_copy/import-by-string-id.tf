import {
  to = lambdaseed_image_copy.app
  id = "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/app:lambdaseed-copy"
}
