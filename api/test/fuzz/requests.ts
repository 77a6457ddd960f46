import fc from "fast-check";
import type { Operation } from "../../src/openapi/operations.js";
import { arbitraryOf, type Overrides, type Schema } from "./arbitrary-of-schema.js";

/** A request as it is sent. */
export interface FuzzRequest {
  readonly operation: Operation;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer | undefined;
}

/** What requests are made of beside the document. */
export interface Ingredients {
  /** The document, as clients get it. */
  readonly document: { readonly paths: Readonly<Record<string, Readonly<Record<string, DocumentedOperation>>>> };
  /** Well-made and damaged pictures. */
  readonly pictures: fc.Arbitrary<{ readonly bytes: Buffer; readonly type: string }>;
  /** Ids of tasks that there are. */
  readonly taskIds: () => readonly string[];
}

interface DocumentedOperation {
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
  readonly "x-query-options"?: Schema;
}

const tensor = fc
  .array(fc.float({ noNaN: true, noDefaultInfinity: true }), { minLength: 1, maxLength: 8 })
  .map((data) => ({
    datatype: "FP32",
    shape: [data.length],
    data,
  }));

/** Fields of which the document cannot say which values there are. */
function overridesOf({ pictures }: Ingredients): Overrides {
  const base64 = pictures.map(({ bytes }) => bytes.toString("base64"));
  return {
    image_base64: base64,
    image_data: base64,
    image_url: fc.constantFrom("http://127.0.0.1/a.png", "ftp://host/a", "https://[::1]/", "no url"),
    model: fc.constant(undefined),
    model_id: fc.constantFrom("shapes", "scenes"),
    deadline_ms: fc.integer({ min: 2_000, max: 60_000 }),
    mode: fc.constant("multi-class"),
  };
}

/** Requests for one route: as the document says, or with something wrong. */
export function requestOf(operation: Operation, ingredients: Ingredients): fc.Arbitrary<FuzzRequest> {
  const documented = ingredients.document.paths[operation.path]?.[operation.method] ?? {};
  const overrides = overridesOf(ingredients);
  const path = pathOf(operation, ingredients);
  const base = { operation, method: operation.method.toUpperCase(), headers: {}, body: undefined };
  const json = documented.requestBody?.content["application/json"]?.schema;
  if (!json) return path.map((target) => ({ ...base, path: target }));
  const asJson = fc
    .tuple(
      path,
      bodyOf(json, operation, overrides),
      fc.nat(99).map((key) => (key < 4 ? `k${key}` : "")),
    )
    .map(([target, body, key]) => ({
      ...base,
      path: target,
      headers: { "content-type": "application/json", ...(key === "" ? {} : { "idempotency-key": key }) },
      body: JSON.stringify(body),
    }));
  const options = arbitraryOf(documented["x-query-options"] ?? {}, overrides) as fc.Arbitrary<Record<string, unknown>>;
  const asBytes = fc.tuple(options, ingredients.pictures).map(([query, { bytes, type }]) => ({
    ...base,
    path: `${operation.path}${toQuery(query)}`,
    headers: { "content-type": type },
    body: bytes,
  }));
  return fc.oneof({ weight: 3, arbitrary: asJson }, { weight: 1, arbitrary: asBytes });
}

function bodyOf(schema: Schema, { path }: Operation, overrides: Overrides): fc.Arbitrary<unknown> {
  const forms = schema.oneOf ?? [schema];
  if (path !== "/v1/inference") return arbitraryOf(forms[0] ?? {}, overrides);
  const [text = {}, tensors = {}, image = {}] = forms;
  return fc.oneof(
    { weight: 6, arbitrary: arbitraryOf(text, overrides) },
    { weight: 2, arbitrary: arbitraryOf(tensors, { ...overrides, input: tensor }) },
    { weight: 2, arbitrary: arbitraryOf(image, overrides) },
    { weight: 1, arbitrary: arbitraryOf(schema, overrides) },
  );
}

function pathOf({ path, parameters = [] }: Operation, { taskIds }: Ingredients): fc.Arbitrary<string> {
  const id = fc.tuple(fc.nat(), fc.string({ maxLength: 30 }), fc.nat(9)).map(([pick, text, kind]) => {
    const known = taskIds();
    return kind > 0 && known.length > 0 ? (known[pick % known.length] ?? "") : encodeURIComponent(text);
  });
  const query = parameters.filter((parameter) => parameter.in === "query").map(({ name }) => name);
  const values = fc.record(
    {
      wait: fc.constantFrom("0", "1"),
      top_k: fc.integer({ min: 1, max: 10_000 }),
      threshold: fc.double({ min: 0, max: 1, noNaN: true }),
      confidence_threshold: fc.double({ min: 0, max: 1, noNaN: true }),
    },
    { requiredKeys: [] },
  );
  return fc.tuple(id, values).map(([value, all]) => {
    const kept = Object.fromEntries(Object.entries(all).filter(([name]) => query.includes(name)));
    return path.replace(/\{\w+\}/, path.startsWith("/problems") ? "queue-full" : value) + toQuery(kept);
  });
}

function toQuery(values: Readonly<Record<string, unknown>>): string {
  const given = Object.entries(values).filter(([, value]) => value !== undefined);
  return given.length === 0
    ? ""
    : `?${new URLSearchParams(Object.fromEntries(given.map(([name, value]) => [name, String(value)]))).toString()}`;
}

/** Ways to spoil a request. */
const SPOILS: readonly ((request: FuzzRequest, pick: number, junk: unknown) => FuzzRequest)[] = [
  (request, pick) => ({ ...request, body: request.body?.slice(0, pick % (request.body.length + 1)) }),
  (request, pick, junk) => ({ ...request, body: spoilField(request.body, pick, junk) }),
  (request, pick, junk) => ({ ...request, body: spoilField(request.body, pick, junk) }),
  (request) => ({ ...request, body: addField(request.body, "__proto__") }),
  (request) => ({ ...request, body: addField(request.body, "owner") }),
  (request, _pick, junk) => ({ ...request, body: JSON.stringify(junk) }),
  (request, pick) => ({
    ...request,
    headers: { ...request.headers, "content-type": TYPES[pick % TYPES.length] ?? "" },
  }),
  (request, pick) => ({ ...request, headers: { ...request.headers, ...HEADERS[pick % HEADERS.length] } }),
  (request, pick) => ({ ...request, method: METHODS[pick % METHODS.length] ?? "GET" }),
  (request, _pick, junk) => ({
    ...request,
    path: `${request.path}/${encodeURIComponent(JSON.stringify(junk)).slice(0, 200)}`,
  }),
  (request, pick) => ({
    ...request,
    path: `${request.path}${request.path.includes("?") ? "&" : "?"}${QUERIES[pick % QUERIES.length]}`,
  }),
];
const TYPES = [
  "text/plain",
  "application/xml",
  "multipart/form-data",
  "multipart/form-data; boundary=x",
  "image/svg+xml",
  "a/b;",
];
const METHODS = ["PUT", "DELETE", "PATCH", "GET", "POST", "OPTIONS"];
const QUERIES = ["wait=-1", "wait=1e9", "wait=NaN", "a[b]=c", "top_k=x", "%00=1", "wait=1&wait=2", "__proto__=1"];
const HEADERS: readonly Readonly<Record<string, string>>[] = [
  { accept: "text/html" },
  { prefer: "wait=abc, respond-async" },
  { prefer: "wait=1" },
  { "idempotency-key": "x".repeat(300) },
  { "content-encoding": "gzip" },
  { "last-event-id": "SUCCESS" },
  { authorization: "Bearer x" },
  { "if-none-match": "*" },
];

/** A request that has something wrong. */
export function spoiled(request: fc.Arbitrary<FuzzRequest>): fc.Arbitrary<FuzzRequest> {
  return fc
    .tuple(request, fc.constantFrom(...SPOILS), fc.nat(10_000), fc.jsonValue({ maxDepth: 2 }))
    .map(([good, spoil, pick, junk]) => spoil(good, pick, junk));
}

function spoilField(body: FuzzRequest["body"], pick: number, junk: unknown): FuzzRequest["body"] {
  const value = parsed(body);
  const names = Object.keys(value ?? {});
  return value ? JSON.stringify({ ...value, [names[pick % names.length] ?? "input"]: junk }) : body;
}

function addField(body: FuzzRequest["body"], name: string): FuzzRequest["body"] {
  return typeof body === "string" && body.startsWith("{") ? `{"${name}":{"a":1},${body.slice(1)}` : body;
}

function parsed(body: FuzzRequest["body"]): Record<string, unknown> | undefined {
  if (typeof body !== "string" || !body.startsWith("{")) return undefined;
  return JSON.parse(body) as Record<string, unknown>;
}
