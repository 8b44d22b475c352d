// One face for the SDK's classes: a member with every operation as a method that takes its parameters by name.
//
// The SDK stays as it is installed; only base URL and key are its to know. A body goes under `body`. Requests and
// replies are compared with the declared types; a refusal is thrown as `Refused`.

import assert from "node:assert/strict";
import { createRequire } from "node:module";
import path from "node:path";
import { mismatches, readMethods } from "./models.mjs";
import { NOT_YET, count, plain } from "./operations.mjs";

const require = createRequire(path.join(process.env.CONFORMANCE_MODULES, "/"));
const kalshi = require("kalshi-typescript");
const axios = require("axios");

const methods = readMethods();
export const METHODS = new Set([...methods.keys()].map(plain));

/** The exchange refused. */
export class Refused extends Error {
  constructor(status, body) {
    super(`${status}: ${JSON.stringify(body)}`);
    Object.assign(this, { status, body });
  }
}

/** What a test throws to end where the exchange does not serve an operation yet. */
export class NotYet extends Error {}

/** Expects a refusal with a status and a text in its body. */
export async function refused(status, promise, text = "") {
  const caught = await promise.then(
    () => assert.fail("it was accepted"),
    (error) => error,
  );
  if (!(caught instanceof Refused)) throw caught;
  assert.deepEqual([caught.status, JSON.stringify(caught.body).includes(text)], [status, true], caught.message);
}

/** Returns a member that signs with a key, or, without one, someone who signs nothing. */
export function member(basePath, key) {
  const configuration = new kalshi.Configuration({ basePath, apiKey: key?.id, privateKeyPem: key?.privatePem });
  const apis = new Map();
  const api = (name) => {
    // Every class signs through hooks on its axios: with an axios shared by two members, both would sign.
    if (!apis.has(name)) apis.set(name, new kalshi[name](configuration, undefined, axios.create({ timeout: 20_000 })));
    return apis.get(name);
  };
  const call = async (name, fields) => {
    const method = methods.get(name);
    const values = positional(name, method.parameters, fields);
    const started = performance.now();
    let accepted = false;
    try {
      const response = await api(method.api)[name](...values);
      accepted = true;
      const wrong = [...mismatches(response.data, method.reply)];
      assert.deepEqual(wrong, [], `${name}: the reply is not what the SDK declares`);
      return response.data;
    } catch (error) {
      if (!error.response) throw error;
      if (error.response.status === 404 && NOT_YET.has(plain(name))) throw new NotYet(name);
      throw new Refused(error.response.status, error.response.data);
    } finally {
      count(key?.form ?? "none", plain(name), accepted, performance.now() - started);
    }
  };
  return new Proxy({ key }, {
    get: (target, name) => (methods.has(name) ? (fields = {}) => call(name, fields) : target[name]),
  });
}

/** Puts named parameters into the SDK's order. */
function positional(name, parameters, fields) {
  const left = new Set(Object.keys(fields));
  const values = parameters.map((parameter) => {
    const given = !left.has(parameter.name) && parameter.name.endsWith("Request") ? "body" : parameter.name;
    if (!left.delete(given)) return undefined;
    const wrong = [...mismatches(fields[given], parameter.type)];
    assert.deepEqual(wrong, [], `${name}: ${given} is not what the SDK takes`);
    return fields[given];
  });
  assert.equal(left.size, 0, `${name} takes no ${[...left].join(", ")}`);
  return values;
}
