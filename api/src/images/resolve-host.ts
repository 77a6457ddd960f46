import { lookup, Resolver } from "node:dns/promises";

/**
 * All addresses of a name.
 * @param trusted the name is the operator's own: what the machine knows of it (its hosts file, its domains) counts too.
 * @throws what Node's resolver throws, with its `code`
 */
export type ResolveHost = (name: string, trusted: boolean, signal: AbortSignal) => Promise<readonly string[]>;

/** An answer that takes longer is asked for once more. */
const ANSWER_MS = 1_500;

/**
 * Asks DNS servers for A and AAAA, each name anew. Not through getaddrinfo: that waits in Node's thread pool, and four
 * names whose servers are silent would stop all files of this process.
 * @param servers `ADDRESS:PORT` of each; those of this machine if absent.
 */
export function createHostResolver(servers?: readonly string[]): ResolveHost {
  return async (name, trusted, signal) => {
    if (trusted) return (await lookup(name, { all: true })).map(({ address }) => address);
    const resolver = new Resolver({ timeout: ANSWER_MS, tries: 2 });
    if (servers) resolver.setServers(servers);
    const cancel = () => resolver.cancel();
    signal.addEventListener("abort", cancel, { once: true });
    try {
      const answers = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
      const addresses = answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
      const failed = answers.find((answer) => answer.status === "rejected");
      if (addresses.length === 0 && failed) throw failed.reason;
      return addresses;
    } finally {
      signal.removeEventListener("abort", cancel);
    }
  };
}
