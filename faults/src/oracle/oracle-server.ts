import { type sendUnaryData, Server, ServerCredentials, type ServerUnaryCall, status } from "@grpc/grpc-js";
import { type InferRequest, type InferResponse, type ModelVersionRequest, serviceMethods } from "@sluice/proto";

import { answerOf, isPoison } from "./answer-of.js";
import { decodeTexts, encodeTexts } from "./bytes-elements.js";
import { appendExecution } from "./execution-log.js";
import { ORACLE_MODEL } from "./oracle-model.js";

/** How the oracle runs. */
export interface OracleOptions {
  readonly port: number;
  /** Gets a line for each call. */
  readonly logFile: string;
  /** Service time of a call: `baseMs + rowMs * rows`. */
  readonly baseMs: number;
  readonly rowMs: number;
  /** Calls run at the same time instead of one after the other. */
  readonly parallel: boolean;
}

/** Serves the model `oracle` in Triton's protocol until the process ends. */
export async function serveOracle(options: OracleOptions): Promise<void> {
  const server = new Server({ "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 });
  let turn: Promise<void> = Promise.resolve();
  let calls = 0;
  const run = (request: InferRequest, answer: sendUnaryData<InferResponse>): void => {
    const texts = decodeTexts(request.rawInputContents[0] as Uint8Array);
    if (texts.some(isPoison)) return answer({ code: status.INVALID_ARGUMENT, details: "a text is poison" });
    const serve = async (): Promise<void> => {
      const startedMs = Date.now();
      const serial = `${startedMs}.${++calls}`;
      appendExecution(options.logFile, { startedMs, texts });
      await new Promise((resolve) => setTimeout(resolve, options.baseMs + options.rowMs * texts.length));
      const answers = texts.map((text) => answerOf(text, serial));
      answer(null, responseTo(request, answers));
    };
    turn = options.parallel ? serve() : turn.then(serve);
  };
  const { modelInfer, modelReady } = serviceMethods;
  server.addService(
    { modelInfer, modelReady },
    {
      modelReady: (call: ServerUnaryCall<ModelVersionRequest, unknown>, answer: sendUnaryData<{ ready: boolean }>) =>
        answer(null, { ready: call.request.name === ORACLE_MODEL.name }),
      modelInfer: (call: ServerUnaryCall<InferRequest, InferResponse>, answer: sendUnaryData<InferResponse>) =>
        run(call.request, answer),
    },
  );
  await new Promise<void>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${options.port}`, ServerCredentials.createInsecure(), (error) =>
      error ? reject(error) : resolve(),
    );
  });
}

function responseTo(request: InferRequest, answers: readonly string[]): InferResponse {
  return {
    modelName: request.modelName,
    modelVersion: ORACLE_MODEL.version,
    id: request.id ?? "",
    parameters: new Map(),
    outputs: [{ name: "ANSWER", datatype: "BYTES", shape: [answers.length, 1] }],
    rawOutputContents: [encodeTexts(answers)],
  };
}
