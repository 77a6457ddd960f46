import type { PoolEndpoint, Service } from "@sluice/broker";
import type { Logger } from "pino";
import type { EndpointRunner } from "./endpoint-runner.js";

/** The endpoints of a process, which come and go. */
export interface EndpointSet extends Service {
  /** Those that it has, in the order in which they came; without those that are about to go. */
  readonly runners: () => readonly EndpointRunner[];
  /**
   * Makes them be so: begins those that are new, drains, ends those that are gone or have another weight.
   * @throws AggregateError if some cannot be served; the others are as they are to be
   */
  readonly change: (plan: readonly PoolEndpoint[]) => void;
}

/** What it needs. */
export interface EndpointSetDeps {
  /** @throws if the endpoint cannot be served */
  readonly createRunner: (endpoint: PoolEndpoint) => EndpointRunner;
  /** What it had in hand has ended, and it is not there again. */
  readonly onGone: (url: string) => Promise<void>;
  readonly log: Logger;
}

/**
 * `start` resolves when each endpoint of the plan has been asked once. An endpoint that is gone is closed when what it
 * has in hand has ended; `stop` waits for all of them.
 */
export function createEndpointSet(deps: EndpointSetDeps, plan: readonly PoolEndpoint[]): EndpointSet {
  const { createRunner, onGone, log } = deps;
  const present = new Map<string, { readonly runner: EndpointRunner; readonly weight: number }>();
  const busy = new Set<Promise<void>>();
  let isStarted = false;
  let isStopped = false;
  const follow = (work: Promise<void>): void => {
    const done = work
      .catch((err: unknown) => log.error({ err }, "endpoint neither begun nor ended"))
      .finally(() => busy.delete(done));
    busy.add(done);
  };
  const drop = (url: string, runner: EndpointRunner): void => {
    present.delete(url);
    const end = async (): Promise<void> => {
      await runner.stop();
      if (!present.has(url)) await onGone(url);
    };
    follow(end());
  };
  const put = (endpoint: PoolEndpoint): void => {
    const known = present.get(endpoint.url);
    if (known?.weight !== endpoint.weight) {
      const runner = createRunner(endpoint);
      if (known) drop(endpoint.url, known.runner);
      present.set(endpoint.url, { runner, weight: endpoint.weight });
      if (isStarted) follow(runner.start());
    }
    present.get(endpoint.url)?.runner.endpoint.drain(endpoint.state === "draining");
  };
  for (const endpoint of plan) put(endpoint);
  return {
    runners: () => [...present.values()].map(({ runner }) => runner),
    change(next) {
      if (isStopped) return;
      for (const [url, { runner }] of [...present]) {
        if (!next.some((endpoint) => endpoint.url === url)) drop(url, runner);
      }
      const errors = next.flatMap((endpoint) => {
        try {
          put(endpoint);
          return [];
        } catch (error) {
          return [error];
        }
      });
      if (errors.length > 0) throw new AggregateError(errors, "endpoints that cannot be served");
    },
    async start() {
      isStarted = true;
      await Promise.all([...present.values()].map(({ runner }) => runner.start()));
    },
    async stop() {
      isStopped = true;
      for (const { runner } of present.values()) follow(runner.stop());
      await Promise.all(busy);
    },
  };
}
