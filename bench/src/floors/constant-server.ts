import net from "node:net";
import { exitWithParent } from "../process/exit-with-parent.js";
import type { ListeningMessage } from "../process/server-child.js";

/** About as long as the answer to a task. */
const BODY = JSON.stringify({ task_id: "0".repeat(32), status: "SUCCESS", output: { digest: "0".repeat(64) } });
const ANSWER = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${BODY.length}\r\n\r\n${BODY}`;
const HEAD_END = "\r\n\r\n";

/**
 * Answers every request with the same bytes: against it the load generator shows what it can do by itself.
 * It finds the end of a request by its Content-Length and trusts its only client in everything else.
 */
process.once("message", () => {
  exitWithParent();
  const server = net.createServer({ noDelay: true }, answerAll);
  server.listen(0, "127.0.0.1", () => {
    const { port } = server.address() as net.AddressInfo;
    process.send?.({ port } satisfies ListeningMessage);
  });
});

function answerAll(socket: net.Socket): void {
  let missingBytes = 0;
  let head = "";
  socket.on("data", (chunk) => {
    if (missingBytes > 0) missingBytes -= chunk.length;
    else {
      head += chunk.toString("latin1");
      const headEnd = head.indexOf(HEAD_END);
      if (headEnd === -1) return;
      const contentLength = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0);
      missingBytes = headEnd + HEAD_END.length + contentLength - head.length;
      head = "";
    }
    if (missingBytes <= 0) socket.write(ANSWER);
  });
  socket.on("error", () => socket.destroy());
}
