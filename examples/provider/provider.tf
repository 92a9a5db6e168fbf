terraform {
  required_providers {
    lambdaseed = {
      source = "lambdaseed/lambdaseed"
    }
  }
}

# Region and credentials as in the provider "aws" block: from here, the
# environment, the shared files, the container or the instance.
provider "lambdaseed" {
  region = "ap-northeast-1"
}
