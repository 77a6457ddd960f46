import { BrokerError } from "@sluice/broker";
import type { BodyShare } from "./body-intake.js";
import type { Exchange } from "./exchange.js";

/**
 * Reads the whole body into memory.
 * @param share counts its bytes: all of them at once where Content-Length tells, else as they come.
 * @throws BrokerError payload-too-large | overloaded: before anything is read where Content-Length tells, else when the
 * limit is passed; unsupported-content-encoding; shutting-down; invalid-request if the client goes away.
 */
export function readBody({ incoming, outgoing }: Exchange, limitBytes: number, share: BodyShare): Promise<Buffer> {
  const { headers } = incoming;
  const encoding = headers["content-encoding"];
  if (encoding !== undefined && encoding.toLowerCase() !== "identity") {
    throw new BrokerError("unsupported-content-encoding", "send the body as it is, without Content-Encoding");
  }
  const announcedBytes = Number(headers["content-length"] ?? 0);
  if (announcedBytes > limitBytes) throw tooLarge(limitBytes);
  share.require(announcedBytes);
  // The client waits for leave to send; whoever is refused above never gets it.
  if (headers.expect !== undefined) outgoing.writeContinue();
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const settle = (act: () => void) => {
      incoming.off("data", onData).off("end", onEnd).off("close", onClose);
      share.onStop(undefined);
      act();
    };
    const refuse = (error: unknown) => settle(() => reject(BrokerError.from(error, "internal", "a bug")));
    const onData = (chunk: Buffer) => {
      bytes += chunk.length;
      try {
        if (bytes > limitBytes) throw tooLarge(limitBytes);
        share.require(bytes);
        chunks.push(chunk);
      } catch (error) {
        refuse(error);
      }
    };
    const onEnd = () => settle(() => resolve(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)));
    const onClose = () => refuse(new BrokerError("invalid-request", "the body was cut off"));
    share.onStop(refuse);
    incoming.on("data", onData).on("end", onEnd).on("close", onClose);
    incoming.on("error", ignore);
  });
}

/**
 * A reset shows as "close" too, but without a listener for its error it would be thrown. Not a closure of the read: it
 * stays on the request, and would keep the body in memory for as long as its task is waited for.
 */
function ignore(): void {
  // Nothing to do.
}

function tooLarge(limitBytes: number): BrokerError {
  return new BrokerError("payload-too-large", `the body may have at most ${limitBytes} bytes`);
}
