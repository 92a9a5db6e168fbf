terraform {
  required_providers {
    lambdaseed = {
      source = "lambdaseed/lambdaseed"
    }
  }
}

# HCP Terraform gives this variable its value when the workspace has tagged
# variables, such as TFC_AWS_PROVIDER_AUTH_PROD and TFC_AWS_RUN_ROLE_ARN_PROD.
variable "tfc_aws_dynamic_credentials" {
  type = object({
    default = object({
      shared_config_file = string
    })
    aliases = map(object({
      shared_config_file = string
    }))
  })
}

provider "lambdaseed" {
  region              = "ap-northeast-1"
  shared_config_files = [var.tfc_aws_dynamic_credentials.default.shared_config_file]
}

provider "lambdaseed" {
  alias               = "prod"
  region              = "ap-northeast-1"
  shared_config_files = [var.tfc_aws_dynamic_credentials.aliases["PROD"].shared_config_file]
}
