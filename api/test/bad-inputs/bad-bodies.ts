import { body, type BadInput, JSON_TYPE, text } from "./bad-input.js";

/** Bodies that are no JSON, headers and queries that do not fit. */
export const BAD_BODIES: readonly BadInput[] = [
  ["no JSON", text("{input"), "400 invalid-json"],
  ["nothing", text(""), "400 invalid-json"],
  ["bytes behind the value", text('{"input":"a"} {}'), "400 invalid-json"],
  ["a byte order mark", text('\ufeff{"input":"a"}'), "400 invalid-json"],
  ["bytes that are no UTF-8", text(Buffer.from([...Buffer.from('{"input":"'), 0xff, 0x22, 0x7d])), "400 invalid-json"],
  ["half a UTF-8 character", text(Buffer.from([...Buffer.from('{"input":"'), 0xc3, 0x22, 0x7d])), "400 invalid-json"],
  ["a literal NaN", text('{"input":"a","top_k":NaN}'), "400 invalid-json"],
  ["single quotes", text("{'input':'a'}"), "400 invalid-json"],
  ["no Content-Type", { method: "POST", raw: '{"input":"a"}' }, "415 unsupported-media-type"],
  ["text/plain", text("a", { "content-type": "text/plain" }), "415 unsupported-media-type"],
  [
    "JSON in UTF-16",
    text('{"input":"a"}', { "content-type": "application/json; charset=utf-16" }),
    "415 unsupported-media-type",
  ],
  [
    "a form in the URL's encoding",
    text("input=a", { "content-type": "application/x-www-form-urlencoded" }),
    "415 unsupported-media-type",
  ],
  ["gzip", text('{"input":"a"}', { ...JSON_TYPE, "content-encoding": "gzip" }), "415 unsupported-content-encoding"],
  [
    "gzip twice",
    text('{"input":"a"}', { ...JSON_TYPE, "content-encoding": "gzip, gzip" }),
    "415 unsupported-content-encoding",
  ],
  [
    "only HTML accepted",
    text('{"input":"a"}', { ...JSON_TYPE, accept: "text/html, application/json;q=0" }),
    "406 not-acceptable",
  ],
  ["10,000 levels", text(`{"input":${"[".repeat(10_000)}${"]".repeat(10_000)}}`), "422 validation-failed /input"],
  ["100,000 levels", text(`{"input":${"[".repeat(100_000)}${"]".repeat(100_000)}}`), "400 json-too-complex"],
  [
    "a million keys",
    text(`{${Array.from({ length: 1_000_000 }, (_, i) => `"${i}":1`).join()}}`),
    "400 json-too-complex",
  ],
  ["ten million elements", text(`{"input":[${"1,".repeat(10_000_000)}1]}`), "400 json-too-complex"],
  ["a million escaped quotes", text(`{"input":"${'\\"'.repeat(1_100_000)}"}`), "400 json-too-complex"],
  ["a wait of -1", { ...body({ input: "a" }), path: "/v1/inference?wait=-1" }, "422 validation-failed /wait"],
  [
    "an unknown query parameter",
    { ...body({ input: "a" }), path: "/v1/inference?model=echo" },
    "422 validation-failed /model",
  ],
];
