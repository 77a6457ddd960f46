import { Client, credentials } from "@grpc/grpc-js";
import {
  type InferRequest,
  type InferResponse,
  type ModelStatistics,
  serviceMethods,
  type UnaryMethod,
} from "@sluice/proto";

/** Calls straight to a Triton, with nothing of Sluice between but its codec. */
export interface TritonChannel {
  infer(request: InferRequest): Promise<InferResponse>;
  /** The counters of a model's only version. */
  statistics(model: string): Promise<ModelStatistics>;
  close(): void;
}

const MAX_MESSAGE_BYTES = 128 * 2 ** 20;

/** @param target `host:port` of the gRPC port. */
export function openTritonChannel(target: string): TritonChannel {
  const client = new Client(target, credentials.createInsecure(), {
    "grpc.max_send_message_length": MAX_MESSAGE_BYTES,
    "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
  });
  return {
    infer: (request) => call(client, serviceMethods.modelInfer, request),
    statistics: async (model) => {
      const { modelStats } = await call(client, serviceMethods.modelStatistics, { name: model, version: "" });
      const [statistics] = modelStats;
      if (statistics === undefined) throw new Error(`Triton has no statistics of ${model}`);
      return statistics;
    },
    close: () => client.close(),
  };
}

function call<Request, Response>(
  client: Client,
  method: UnaryMethod<Request, Response>,
  request: Request,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      request,
      (error, response) => {
        if (error !== null) reject(error);
        else if (response === undefined) reject(new Error(`${method.path} answered nothing`));
        else resolve(response);
      },
    );
  });
}
