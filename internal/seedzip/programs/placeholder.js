// Placeholder of terraform-provider-lambdaseed, until the application is deployed.
// HTTP callers get a 503; every other event fails, so that queues and streams keep it.
"use strict";

const name = process.env.AWS_LAMBDA_FUNCTION_NAME || "";
const subject = (name ? "The Lambda function " + name : "This Lambda function") + " still runs its placeholder package";

// The first rule whose conditions all hold: kind of event, headers of the answer, conditions.
const rules = __RULES__;

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

const holds = (value, [path, test]) => {
  for (const key of path.split(".")) {
    if (!isObject(value) || !Object.hasOwn(value, key)) return false;
    value = value[key];
  }
  if (test === "string") return typeof value === "string";
  if (test === "object") return isObject(value);
  return test === "present" || value === test;
};

const recognise = (event) =>
  rules.find(([, , conditions]) => conditions.every((condition) => holds(event, condition))) || ["other", ""];

const log = (context, level, event, outcome, message) => {
  const timestamp = new Date().toISOString();
  const requestId = (context && context.awsRequestId) || "";
  // Not console.log, which adds words of its own.
  process.stdout.write(JSON.stringify({ timestamp, level, requestId, event, outcome, message }) + "\n");
};

const placeholder = async (event, context) => {
  const [kind, headers] = recognise(event);
  if (!headers) {
    log(context, "ERROR", kind, "function-error", "the placeholder package failed an event: deploy the application's package");
    const failure = new Error(
      subject + ", so this event was not processed. Deploy the application's package, for example with" +
        ` "aws lambda update-function-code --function-name ${name || "FUNCTION"} --zip-file fileb://PACKAGE.zip".`,
    );
    failure.name = "Function.PlaceholderPackage"; // the type of the function error
    throw failure;
  }
  log(context, "WARN", kind, "http-503", "the placeholder package answered an HTTP request");
  const values = { "Content-Type": "application/json", "Cache-Control": "no-store", "Retry-After": "60" };
  if (headers === "multiValueHeaders") {
    for (const header of Object.keys(values)) values[header] = [values[header]];
  }
  return {
    statusCode: 503,
    [headers]: values,
    body: JSON.stringify({ message: subject + ": the application has not been deployed yet. Try again later." }),
    isBase64Encoded: false,
  };
};

__EXPORT__;
