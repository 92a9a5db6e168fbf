terraform import lambdaseed_image_copy.app 123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/app:lambdaseed-copy
