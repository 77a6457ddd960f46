import { type ChildProcess, fork } from "node:child_process";

/** What a server tells its parent once it listens. */
export interface ListeningMessage {
  readonly port: number;
}

/** A server in a process of its own. */
export interface ServerChild {
  readonly origin: string;
  readonly pid: number;
  /** Resolves when it is gone. Twice is fine. */
  stop(): Promise<void>;
}

/**
 * Forks `script`, sends it `options` and resolves when it listens.
 * @param script a module of this package that sends a {@link ListeningMessage}.
 * @throws Error if it exits instead.
 */
export async function startServerChild(script: URL, options: object): Promise<ServerChild> {
  const child = fork(script);
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.send(options);
  const { port } = await listening(child);
  return {
    origin: `http://127.0.0.1:${port}`,
    pid: child.pid ?? 0,
    stop: async () => {
      child.kill("SIGKILL");
      await exited;
    },
  };
}

function listening(child: ChildProcess): Promise<ListeningMessage> {
  return new Promise((resolve, reject) => {
    child.once("message", (message: ListeningMessage) => resolve(message));
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`${child.spawnargs[1] ?? "a server"} ended at once (${code})`)));
  });
}
