terraform {
  required_providers {
    lambdaseed = {
      source = "lambdaseed/lambdaseed"
    }
  }
}

# A chain: the credentials of the machine assume "ci", and those of "ci" assume
# "deploy" in the account of the workload.
provider "lambdaseed" {
  region = "ap-northeast-1"

  assume_role {
    role_arn = "arn:aws:iam::123456789012:role/ci"
  }

  assume_role {
    role_arn     = "arn:aws:iam::210987654321:role/deploy"
    session_name = "terraform"
    external_id  = "lambdaseed"
  }

  allowed_account_ids = ["210987654321"]
}
