import {
  to = lambdaseed_placeholder_image.app
  id = "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/app:lambdaseed-placeholder"
}
