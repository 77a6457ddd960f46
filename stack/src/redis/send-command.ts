import net from "node:net";

/**
 * Sends one command to a Redis on this machine over a connection of its own: enough to start a server without a client.
 * @param words the command; none may hold white space (inline form of the protocol).
 * @returns simple strings, bulk strings and integers as text.
 * @throws Error with the server's own words if it refuses, or if it is silent for 2 s.
 */
export async function sendCommand(port: number, words: readonly string[]): Promise<string> {
  const socket = net.connect({ host: "127.0.0.1", port });
  socket.setTimeout(2000, () => socket.destroy(new Error(`redis on port ${port} does not answer ${words.join(" ")}`)));
  try {
    socket.write(`${words.join(" ")}\r\n`);
    let received = "";
    for await (const chunk of socket) {
      received += String(chunk);
      const reply = parseReply(received);
      if (reply !== undefined) return reply;
    }
    throw new Error(`redis on port ${port} closed the connection during ${words.join(" ")}`);
  } finally {
    socket.destroy();
  }
}

/** The reply, or undefined while a part of it is missing. Text only: what these commands answer is ASCII. */
function parseReply(received: string): string | undefined {
  const end = received.indexOf("\r\n");
  if (end === -1) return undefined;
  const line = received.slice(1, end);
  switch (received[0]) {
    case "+":
    case ":":
      return line;
    case "$": {
      const bulk = received.slice(end + 2);
      return bulk.length < Number(line) + 2 ? undefined : bulk.slice(0, Number(line));
    }
    default:
      throw new Error(line);
  }
}
