# Placeholder of terraform-provider-lambdaseed, until the application is deployed.
# HTTP callers get a 503; every other event fails, so that queues and streams keep it.
require "json"

# Its name is the type of the function error.
class PlaceholderPackage < StandardError
  NAME = ENV.fetch("AWS_LAMBDA_FUNCTION_NAME", "")
  SUBJECT = (NAME.empty? ? "This Lambda function" : "The Lambda function #{NAME}") + " still runs its placeholder package"

  # The first rule whose conditions all hold: kind of event, headers of the answer, conditions.
  RULES = __RULES__

  def self.holds?(value, path, test)
    path.split(".").each do |key|
      return false unless value.is_a?(Hash) && value.key?(key)
      value = value[key]
    end
    case test
    when "present" then true
    when "string" then value.is_a?(String)
    when "object" then value.is_a?(Hash)
    else value == test
    end
  end

  def self.recognise(event)
    RULES.find { |_, _, conditions| conditions.all? { |path, test| holds?(event, path, test) } } || ["other", ""]
  end

  def self.log(context, level, kind, outcome, message)
    timestamp = Time.now.utc.strftime("%Y-%m-%dT%H:%M:%S.%LZ")
    request_id = context.respond_to?(:aws_request_id) ? context.aws_request_id : ""
    line = { timestamp: timestamp, level: level, requestId: request_id, event: kind, outcome: outcome, message: message }
    $stdout.write(JSON.generate(line) + "\n")
    $stdout.flush
  end

  def self.respond(event, context)
    kind, headers = recognise(event)
    if headers.empty?
      log(context, "ERROR", kind, "function-error", "the placeholder package failed an event: deploy the application's package")
      raise self, "#{SUBJECT}, so this event was not processed. Deploy the application's package, for example with" \
        " \"aws lambda update-function-code --function-name #{NAME.empty? ? 'FUNCTION' : NAME} --zip-file fileb://PACKAGE.zip\"."
    end
    log(context, "WARN", kind, "http-503", "the placeholder package answered an HTTP request")
    values = { "Content-Type" => "application/json", "Cache-Control" => "no-store", "Retry-After" => "60" }
    values = values.transform_values { |value| [value] } if headers == "multiValueHeaders"
    body = JSON.generate({ message: "#{SUBJECT}: the application has not been deployed yet. Try again later." })
    { "statusCode" => 503, headers => values, "body" => body, "isBase64Encoded" => false }
  end
end

__ENTRY__
