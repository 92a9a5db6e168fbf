# Placeholder of terraform-provider-lambdaseed, until the application is deployed.
# HTTP callers get a 503; every other event fails, so that queues and streams keep it.


def _placeholder():  # a function, so that no name in it can be that of the handler
    import json
    import os
    import sys
    from datetime import datetime, timezone

    NAME = os.environ.get("AWS_LAMBDA_FUNCTION_NAME", "")
    SUBJECT = ("The Lambda function " + NAME if NAME else "This Lambda function") + " still runs its placeholder package"

    # The first rule whose conditions all hold: kind of event, headers of the answer, conditions.
    RULES = __RULES__

    # Its name is the type of the function error.
    Failure = type("Function.PlaceholderPackage", (Exception,), {})

    def holds(value, path, test):
        for key in path.split("."):
            if not isinstance(value, dict) or key not in value:
                return False
            value = value[key]
        if test == "string":
            return isinstance(value, str)
        if test == "object":
            return isinstance(value, dict)
        return test == "present" or value == test

    def recognise(event):
        for kind, headers, conditions in RULES:
            if all(holds(event, path, test) for path, test in conditions):
                return kind, headers
        return "other", ""

    def log(context, level, kind, outcome, message):
        line = {
            "timestamp": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
            "level": level,
            "requestId": getattr(context, "aws_request_id", ""),
            "event": kind,
            "outcome": outcome,
            "message": message,
        }
        print(json.dumps(line, separators=(",", ":")))
        sys.stdout.flush()

    def respond(event, context):
        kind, headers = recognise(event)
        if not headers:
            log(context, "ERROR", kind, "function-error", "the placeholder package failed an event: deploy the application's package")
            raise Failure(
                SUBJECT + ", so this event was not processed. Deploy the application's package, for example with"
                ' "aws lambda update-function-code --function-name ' + (NAME or "FUNCTION") + ' --zip-file fileb://PACKAGE.zip".'
            )
        log(context, "WARN", kind, "http-503", "the placeholder package answered an HTTP request")
        values = {"Content-Type": "application/json", "Cache-Control": "no-store", "Retry-After": "60"}
        if headers == "multiValueHeaders":
            values = {name: [value] for name, value in values.items()}
        return {
            "statusCode": 503,
            headers: values,
            "body": json.dumps({"message": SUBJECT + ": the application has not been deployed yet. Try again later."}, separators=(",", ":")),
            "isBase64Encoded": False,
        }

    return respond


__FUNCTION__ = _placeholder()
