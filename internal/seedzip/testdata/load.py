# Copyright (c) the lambdaseed authors
# SPDX-License-Identifier: MPL-2.0
#
# Runs a handler the way Lambda's Python runtimes do: the working directory comes first
# among the places that modules are found in, the part of the handler before its last dot
# is the module, with dots for slashes, and what the handler raises is the function error.
# Source: aws-lambda-python-runtime-interface-client, bootstrap.py.
import http.client
import importlib
import json
import os
import sys
import traceback

RUNTIME = "/2018-06-01/runtime/"


class Context:
    def __init__(self, request_id):
        self.aws_request_id = request_id


def load(handler):
    module, function = handler.rsplit(".", 1)
    if module.split(".")[0] in sys.builtin_module_names:
        raise ImportError("built-in module " + module)
    return getattr(importlib.import_module(module.replace("/", ".")), function)


def main():
    sys.path[0] = os.getcwd()
    api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])

    def send(path, payload, **headers):
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        api.request("POST", RUNTIME + path, json.dumps(payload).encode(), {"Content-Type": "application/json", **headers})
        api.getresponse().read()

    try:
        handler = load(os.environ["_HANDLER"])
    except BaseException as error:
        send("init/error", {"errorMessage": str(error), "errorType": type(error).__name__})
        raise
    while True:
        api.request("GET", RUNTIME + "invocation/next")
        response = api.getresponse()
        event = response.read()
        request_id = response.getheader("Lambda-Runtime-Aws-Request-Id")
        path = "invocation/" + request_id
        try:
            answer = handler(json.loads(event.decode()), Context(request_id))
        except Exception as error:
            trace = traceback.format_list(traceback.extract_tb(error.__traceback__))
            payload = {"errorMessage": str(error), "errorType": type(error).__name__, "stackTrace": trace}
            send(path + "/error", payload, Lambda_Runtime_Function_Error_Type=type(error).__name__)
        else:
            send(path + "/response", answer)


main()
