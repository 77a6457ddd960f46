import type { Ask } from "../api-fixture.js";
import { body, type BadInput, text } from "./bad-input.js";

const tensor = (input: Record<string, unknown>, model = "numbers"): Ask => body({ model, input });

/** Tensors whose parts do not fit each other or the model. */
export const BAD_TENSORS: readonly BadInput[] = [
  [
    "an unknown datatype",
    tensor({ datatype: "FP128", shape: [1], data: [1] }),
    "422 validation-failed /input/datatype",
  ],
  [
    "another datatype than the model's",
    tensor({ datatype: "FP64", shape: [1], data: [1] }),
    "422 tensor-invalid /input/datatype",
  ],
  ["no shape", tensor({ datatype: "FP32", data: [1] }), "422 validation-failed /input/shape"],
  ["a negative dimension", tensor({ datatype: "FP32", shape: [-1], data: [1] }), "422 tensor-invalid /input/shape/0"],
  ["a dimension of 0", tensor({ datatype: "FP32", shape: [0], data: [] }), "422 tensor-invalid /input/shape/0"],
  ["a broken dimension", tensor({ datatype: "FP32", shape: [1.5], data: [1] }), "422 tensor-invalid /input/shape/0"],
  [
    "a dimension of 2^53",
    tensor({ datatype: "FP32", shape: [2 ** 53 - 1], data: [1] }),
    "422 tensor-invalid /input/shape",
  ],
  ["too many dimensions", tensor({ datatype: "FP32", shape: [1, 1], data: [1] }), "422 tensor-invalid /input/shape"],
  [
    "a dimension that the model fixes",
    tensor({ datatype: "INT64", shape: [3, 1], data: [1, 2, 3] }, "grid"),
    "422 tensor-invalid /input/shape/0",
  ],
  ["too few elements", tensor({ datatype: "FP32", shape: [3], data: [1, 2] }), "422 tensor-invalid /input/data"],
  ["too many elements", tensor({ datatype: "FP32", shape: [1], data: [1, 2] }), "422 tensor-invalid /input/data"],
  ["a short row", tensor({ datatype: "INT64", shape: [2, 2], data: [[1, 2], [3]] }, "grid"), "422 tensor-invalid /input/data/1"], // prettier-ignore
  [
    "a row that is none",
    tensor({ datatype: "INT64", shape: [2, 1], data: [[1], 2] }, "grid"),
    "422 tensor-invalid /input/data/1",
  ],
  [
    "a text among numbers",
    tensor({ datatype: "FP32", shape: [2], data: [1, "2"] }),
    "422 tensor-invalid /input/data/1",
  ],
  ["null among numbers", tensor({ datatype: "FP32", shape: [2], data: [1, null] }), "422 tensor-invalid /input/data/1"],
  ["a number beyond FP32", tensor({ datatype: "FP32", shape: [1], data: [1e39] }), "422 tensor-invalid /input/data/0"],
  [
    "a number beyond everything",
    text('{"model":"numbers","input":{"datatype":"FP32","shape":[1],"data":[1e999]}}'),
    "422 tensor-invalid /input/data/0",
  ],
  [
    "a fraction as INT64",
    tensor({ datatype: "INT64", shape: [2, 1], data: [1.5, 1] }, "grid"),
    "422 tensor-invalid /input/data/0",
  ],
  [
    "a number above 2^53 as INT64",
    text('{"model":"grid","input":{"datatype":"INT64","shape":[2,1],"data":[9007199254740993,1]}}'),
    "422 tensor-invalid /input/data/0",
  ],
  [
    "2^63 as text",
    tensor({ datatype: "INT64", shape: [2, 1], data: ["9223372036854775808", 1] }, "grid"),
    "422 tensor-invalid /input/data/0",
  ],
  [
    "a number among texts",
    tensor({ datatype: "BYTES", shape: [1], data: [1] }, "words"),
    "422 tensor-invalid /input/data/0",
  ],
  ["data that are no list", tensor({ datatype: "FP32", shape: [1], data: { 0: 1 } }), "422 tensor-invalid /input/data"],
  ["no data", tensor({ datatype: "FP32", shape: [1] }), "422 validation-failed /input"],
  [
    "data twice",
    tensor({ datatype: "FP32", shape: [1], data: [1], data_base64: "AAAA" }),
    "422 validation-failed /input",
  ],
  [
    "bytes that do not fit",
    tensor({ datatype: "FP32", shape: [1], data_base64: "AAAA" }),
    "422 tensor-invalid /input/data_base64",
  ],
  [
    "a length prefix that lies",
    tensor({ datatype: "BYTES", shape: [1], data_base64: "CQAAAGE=" }, "words"),
    "422 tensor-invalid /input/data_base64",
  ],
  [
    "a field too many",
    tensor({ datatype: "FP32", shape: [1], data: [1], name: "x" }),
    "422 validation-failed /input/name",
  ],
];
