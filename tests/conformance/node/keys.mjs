// API keys: generated, registered, used, deleted.

import assert from "node:assert/strict";
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { member, refused } from "./sdk.mjs";

export async function aGeneratedKeySignsUntilItIsDeleted({ a, basePath }) {
  const made = await a.generateApiKey({ body: { name: "made", key_type: "rsa", scopes: ["read"] } });
  const listed = (await a.getApiKeys()).api_keys;
  assert.equal(listed.find((key) => key.api_key_id === made.api_key_id).name, "made");
  const fresh = member(basePath, { id: made.api_key_id, form: a.key.form, privatePem: made.private_key });
  assert.ok((await fresh.getBalance()).balance > 0);
  await refused(403, fresh.cancelAllOrders());
  await a.deleteApiKey({ apiKey: made.api_key_id });
  await refused(401, fresh.getBalance(), "NOT_FOUND");
}

export async function aRegisteredKey({ a, basePath }) {
  const pair = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const body = { name: "brought", public_key: pair.publicKey.export({ type: "spki", format: "pem" }) };
  const { api_key_id: id } = await a.createApiKey({ body });
  const privatePem = pair.privateKey.export({ type: "pkcs8", format: "pem" });
  assert.ok((await member(basePath, { id, form: a.key.form, privatePem }).getBalance()).balance > 0);
  await a.deleteApiKey({ apiKey: id });
  await refused(404, a.deleteApiKey({ apiKey: randomUUID() }));
}

export async function strangersAreRefused({ a, b, basePath }) {
  const wrong = member(basePath, { ...a.key, id: b.key.id });
  await refused(401, wrong.getBalance(), "INCORRECT_API_KEY_SIGNATURE");
  const stranger = member(basePath, { ...a.key, id: randomUUID() });
  await refused(401, stranger.getBalance(), "NOT_FOUND");
}
