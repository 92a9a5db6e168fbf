terraform {
  required_providers {
    lambdaseed = {
      source = "lambdaseed/lambdaseed"
    }
  }
}

provider "lambdaseed" {
  region     = "ap-northeast-1"
  access_key = "test"
  secret_key = "test"

  # Where the emulator has no STS:
  skip_credentials_validation = true
  skip_requesting_account_id  = true

  endpoints {
    ecr    = "http://localhost:4566"
    lambda = "http://localhost:4566"
  }
}
