// Copyright (c) the lambdaseed authors
// SPDX-License-Identifier: MPL-2.0
//
// Runs a handler the way Lambda's Node.js runtimes do: what follows the last slash is the
// file, up to its first dot, and the path to the function through what the file exports;
// the file is looked for without an extension, as .js, .mjs and .cjs; and what the function
// throws, or rejects with, is the function error.
// Source: aws-lambda-nodejs-runtime-interface-client, UserFunction.js and Errors.js.
"use strict";

const fs = require("fs");
const http = require("http");
const path = require("path");

const [host, port] = process.env.AWS_LAMBDA_RUNTIME_API.split(":");
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

const send = (method, name, headers = {}, body = "") =>
  new Promise((resolve, reject) => {
    const request = http.request({ agent, host, port, method, path: "/2018-06-01/runtime/" + name, headers }, (response) => {
      const chunks = [];
      response.on("data", (chunk) => chunks.push(chunk));
      response.on("end", () => resolve({ headers: response.headers, body: Buffer.concat(chunks).toString() }));
      response.on("error", reject);
    });
    request.on("error", reject);
    request.end(body);
  });

const load = async (handler) => {
  if (handler.includes("..")) throw new Error("bad handler");
  const last = path.basename(handler);
  const folder = handler.substring(0, handler.indexOf(last));
  const [, file, exported] = last.match(/^([^.]*)\.(.*)$/);
  const name = path.resolve(process.cwd(), folder, file);
  let found;
  if (fs.existsSync(name)) found = require(name);
  else if (fs.existsSync(name + ".js")) found = require(name + ".js");
  else if (fs.existsSync(name + ".mjs")) found = await import(name + ".mjs");
  else found = require(name + ".cjs");
  const result = exported.split(".").reduce((value, key) => value && value[key], found);
  if (typeof result !== "function") throw new Error(handler + " is not a function");
  if (result.length > 2) throw new Error(handler + " wants a callback, which Node.js 24 does not give");
  return result;
};

const failure = (error) => ({ errorType: error.name, errorMessage: error.message, trace: error.stack.split("\n") });

const main = async () => {
  let handler;
  try {
    handler = await load(process.env._HANDLER);
  } catch (error) {
    await send("POST", "init/error", {}, JSON.stringify(failure(error)));
    throw error;
  }
  for (;;) {
    const { headers, body } = await send("GET", "invocation/next");
    const id = headers["lambda-runtime-aws-request-id"];
    try {
      const answer = await handler(JSON.parse(body), { awsRequestId: id });
      await send("POST", `invocation/${id}/response`, { "Content-Type": "application/json" }, JSON.stringify(answer));
    } catch (error) {
      const type = { "Content-Type": "application/json", "Lambda-Runtime-Function-Error-Type": error.name };
      await send("POST", `invocation/${id}/error`, type, JSON.stringify(failure(error)));
    }
  }
};

main().catch(() => process.exit(1));
