terraform import lambdaseed_placeholder_image.app 123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/app:lambdaseed-placeholder
