import { type sendUnaryData, Server, ServerCredentials, type ServerUnaryCall, status } from "@grpc/grpc-js";
import { type InferRequest, type InferResponse, type ModelVersionRequest, serviceMethods } from "@sluice/proto";

/** What the server does with one ModelInfer: answer these texts (or this whole response), fail, or never answer. */
export type Answer = readonly string[] | InferResponse | { readonly status: status; readonly reason: string } | "hang";

/** A Triton that does what a real one cannot be made to do. */
export interface ScriptedTriton {
  readonly url: string;
  /** The texts of every inference call, in order. */
  readonly calls: string[][];
  /** Decides; the default echoes. */
  script: (texts: readonly string[], call: number) => Answer | Promise<Answer>;
  ready: boolean;
  /** Answers nothing at all, as one that was stopped. */
  silent: boolean;
  /** How often it was asked whether it is ready. */
  probes: number;
  stop(): void;
}

/** A server for text models whose output is called ECHO. */
export async function startScriptedTriton(): Promise<ScriptedTriton> {
  const server = new Server({ "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 });
  const triton = {
    calls: [] as string[][],
    script: (texts: readonly string[]): Answer | Promise<Answer> => texts,
    ready: true,
    silent: false,
    probes: 0,
    url: "",
    stop: () => server.forceShutdown(),
  };
  const { modelInfer, modelReady } = serviceMethods;
  server.addService(
    { modelInfer, modelReady },
    {
      modelReady: (_call: ServerUnaryCall<ModelVersionRequest, unknown>, answer: sendUnaryData<{ ready: boolean }>) => {
        triton.probes++;
        if (!triton.silent) answer(null, { ready: triton.ready });
      },
      modelInfer: (call: ServerUnaryCall<InferRequest, InferResponse>, answer: sendUnaryData<InferResponse>) =>
        void respond(call.request, answer, triton),
    },
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  triton.url = `127.0.0.1:${port}`;
  return triton;
}

async function respond(
  request: InferRequest,
  answer: sendUnaryData<InferResponse>,
  triton: Pick<ScriptedTriton, "calls" | "script" | "silent">,
): Promise<void> {
  const texts = textsOf(request.rawInputContents[0] as Uint8Array);
  const result = await triton.script(texts, triton.calls.push(texts));
  if (result === "hang" || triton.silent) return;
  if ("status" in result) answer({ code: result.status, details: result.reason });
  else if ("outputs" in result) answer(null, result);
  else answer(null, echoOf(result));
}

/** A response with one text a row. */
export function echoOf(texts: readonly string[]): InferResponse {
  return {
    modelName: "m",
    modelVersion: "1",
    id: "",
    parameters: new Map(),
    outputs: [{ name: "ECHO", datatype: "BYTES", shape: [texts.length, 1] }],
    rawOutputContents: [Buffer.concat(texts.map(bytesElement))],
  };
}

/** A response with one row of scores for each text. */
export function scoresOf(rows: readonly (readonly number[])[]): InferResponse {
  const width = rows[0]?.length ?? 0;
  return {
    ...echoOf([]),
    outputs: [{ name: "SCORES", datatype: "FP32", shape: [rows.length, width] }],
    rawOutputContents: [new Uint8Array(Float32Array.from(rows.flat()).buffer)],
  };
}

function bytesElement(text: string): Buffer {
  const element = Buffer.alloc(4 + Buffer.byteLength(text));
  element.writeUInt32LE(element.length - 4);
  element.write(text, 4);
  return element;
}

function textsOf(bytes: Uint8Array): string[] {
  const buffer = Buffer.from(bytes);
  const texts: string[] = [];
  for (let at = 0; at < buffer.length;) {
    const end = at + 4 + buffer.readUInt32LE(at);
    texts.push(buffer.toString("utf8", at + 4, end));
    at = end;
  }
  return texts;
}
