# Copyright (c) the lambdaseed authors
# SPDX-License-Identifier: MPL-2.0
#
# Runs a handler the way Lambda's Ruby runtimes do: the working directory is in the load
# path, the handler is a file and a method with perhaps a class between them, and what it
# raises is the function error. NoMethodError, NameError and what is no StandardError end the
# process.
# Source: aws-lambda-ruby-runtime-interface-client, lambda_handler.rb, lambda_errors.rb.
require "json"
require "net/http"

Context = Struct.new(:aws_request_id)

host, port = ENV.fetch("AWS_LAMBDA_RUNTIME_API").split(":")
api = Net::HTTP.new(host, port.to_i, nil)
api.read_timeout = nil
api.start
runtime = "/2018-06-01/runtime/"
json = { "Content-Type" => "application/json" }

$LOAD_PATH.unshift(Dir.pwd)
parts = ENV.fetch("_HANDLER").split(".")
begin
  raise ArgumentError, "invalid handler" unless [2, 3].include?(parts.size)

  file, *owner, method = parts
  require file
rescue Exception => e # as the runtime does
  api.post("#{runtime}init/error", { errorMessage: e.message, errorType: "Init<#{e.class}>" }.to_json, json)
  exit 1
end

loop do
  response = api.get("#{runtime}invocation/next")
  id = response["Lambda-Runtime-Aws-Request-Id"]
  options = { event: JSON.parse(response.body), context: Context.new(id) }
  begin
    answer = owner.empty? ? __send__(method, **options) : Kernel.const_get(owner.first).send(method, **options)
    payload = answer.to_json
  rescue Exception => e
    type = "Function<#{e.class}>"
    trace = e.backtrace_locations.first(100)
    api.post("#{runtime}invocation/#{id}/error", { errorMessage: e.message, errorType: type, stackTrace: trace }.to_json,
             json.merge("Lambda-Runtime-Function-Error-Type" => type))
    exit 1 if !e.is_a?(StandardError) || e.is_a?(NameError)
  else
    api.post("#{runtime}invocation/#{id}/response", payload, json)
  end
end
