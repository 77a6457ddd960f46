// A process that uses shared memory with the Triton whose address it is given, says so, and then waits to be killed.
import { setTimeout as delay } from "node:timers/promises";
import { pino } from "pino";
import { connectTriton } from "../../dist/triton/connect-triton.js";

const [url] = process.argv.slice(2);
const log = pino({ level: "silent" });
const client = connectTriton({ url, maxMessageBytes: 2 ** 26, sharedMemory: "auto" }, log);
const row = new Uint8Array(2 ** 20);
await client.infer(
  {
    modelName: "identity",
    inputs: [{ name: "INPUT", datatype: "FP32", shape: [1, row.length / 4] }],
    outputs: [{ name: "OUTPUT" }],
    rawInputContents: [row],
  },
  { deadlineMs: 10_000 },
);
console.log("holding");
await delay(60_000);
