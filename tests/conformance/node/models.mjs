// Compares values with the types that the SDK declares. The SDK itself checks nothing when it runs.

import { createRequire } from "node:module";
import path from "node:path";

const require = createRequire(path.join(process.env.CONFORMANCE_MODULES, "/"));
const ts = require("typescript");

const entry = path.join(path.dirname(require.resolve("kalshi-typescript")), "index.d.ts");
const program = ts.createProgram([entry], {
  strict: true,
  skipLibCheck: true,
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.CommonJS,
  moduleResolution: ts.ModuleResolutionKind.Node10,
  types: [],
});
const checker = program.getTypeChecker();

/** Returns each operation's class, parameters with their types, and the type of its reply, by the SDK's method name. */
export function readMethods() {
  const methods = new Map();
  const exported = checker.getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(entry)));
  for (const symbol of exported.filter((s) => s.name.endsWith("Api"))) {
    const original = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
    if (!(original.flags & ts.SymbolFlags.Class)) continue;
    for (const method of checker.getDeclaredTypeOfSymbol(original).symbol.members.values()) {
      if (method.flags & ts.SymbolFlags.Method) methods.set(method.name, describe(original.name, method));
    }
  }
  return methods;
}

function describe(api, method) {
  const [signature] = checker.getTypeOfSymbol(method).getCallSignatures();
  const parameters = signature.parameters
    .map((parameter) => ({ name: parameter.name, type: checker.getTypeOfSymbol(parameter) }))
    .filter(({ name }) => name !== "options");
  const response = checker.getAwaitedType(signature.getReturnType());
  return { api, parameters, reply: checker.getTypeOfSymbol(response.getProperty("data")) };
}

/**
 * Names the places where a value is not of a type. Null passes for an optional field: the generator of the SDK drops
 * the specification's `nullable` wherever it stands beside a reference.
 */
export function* mismatches(value, type, at = "") {
  const { flags } = type;
  if (flags & (ts.TypeFlags.Any | ts.TypeFlags.Unknown | ts.TypeFlags.Void)) return;
  if (type.isUnion()) {
    const all = type.types.map((one) => [...mismatches(value, one, at)]);
    if (!all.some((found) => found.length === 0)) {
      yield all.find((found) => found.some((text) => !text.startsWith(`${at}: `)))?.[0] ?? `${at}: ${told(value, type)}`;
    }
  } else if (flags & ts.TypeFlags.Object) {
    yield* inObject(value, type, at);
  } else if (!isPrimitive(value, type)) {
    yield `${at}: ${told(value, type)}`;
  }
}

const told = (value, type) => `${JSON.stringify(value)} is not ${checker.typeToString(type)}`;

function isPrimitive(value, type) {
  if (type.isLiteral()) return value === type.value;
  const { flags } = type;
  if (flags & ts.TypeFlags.BooleanLiteral) return String(value) === checker.typeToString(type);
  if (flags & ts.TypeFlags.Null) return value === null;
  if (flags & ts.TypeFlags.Undefined) return value === undefined;
  if (flags & ts.TypeFlags.String) return typeof value === "string";
  if (flags & ts.TypeFlags.Number) return typeof value === "number";
  if (flags & ts.TypeFlags.NonPrimitive) return typeof value === "object" && value !== null;
  return false;
}

function* inObject(value, type, at) {
  if (checker.isArrayType(type)) {
    if (!Array.isArray(value)) return yield `${at}: ${told(value, type)}`;
    const [item] = checker.getTypeArguments(type);
    for (const [index, one] of value.entries()) yield* mismatches(one, item, `${at}[${index}]`);
    return;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return yield `${at}: ${told(value, type)}`;
  for (const property of type.getProperties()) {
    if (value[property.name] === null && property.flags & ts.SymbolFlags.Optional) continue;
    yield* mismatches(value[property.name], checker.getTypeOfSymbol(property), `${at}.${property.name}`);
  }
  const others = type.getStringIndexType();
  if (others) for (const name of Object.keys(value)) yield* mismatches(value[name], others, `${at}.${name}`);
}
