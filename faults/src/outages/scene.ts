import { setTimeout as sleep } from "node:timers/promises";

import type { World } from "../campaign/start-world.js";
import { logAnswers, type LoggedAnswer, type LoggingClient } from "../client/answer-log.js";
import { createApiClient } from "../client/api-client.js";
import type { LedgerEntry } from "../client/ledger.js";
import type { PlanTask } from "../client/plan-task.js";
import { type Clients, createClients } from "../client/run-clients.js";
import { takeTurns } from "../client/take-turns.js";
import { shardsOf } from "../nemesis/cluster-faults.js";
import type { InjectedFault } from "../nemesis/nemesis.js";
import { createRandom } from "../random.js";
import type { FleetMember } from "../roles/start-fleet.js";
import { waitUntilWhole } from "../topology/topology.js";
import type { Manners, Stage } from "./stage.js";

/** A stage, and what was noted on it. */
export interface Scene extends Stage {
  /** All clients together. */
  readonly everybody: Clients;
  readonly shown: readonly string[];
  readonly blamed: readonly string[];
  readonly injected: readonly InjectedFault[];
  /** As `setLoad` said last. */
  readonly load: number;
  readonly isExcused: (entry: LedgerEntry) => boolean;
  /** `submit 202`: how often. */
  countAnswers(): Record<string, number>;
  /** Clients wait no longer. May be called twice. */
  end(): void;
}

/** How clients behave on it. */
export interface SceneOptions {
  readonly seed: string;
  readonly perSecond: number;
  readonly plan: PlanTask | undefined;
  /** Told what is shown and blamed. */
  readonly say: (line: string) => void;
}

/** Sets the scene in a world. */
export function createScene(world: World, { seed, perSecond, plan, say }: SceneOptions): Scene {
  let over = false;
  let load = perSecond;
  let excused: (entry: LedgerEntry) => boolean = no;
  const [shown, blamed, injected]: [string[], string[], InjectedFault[]] = [[], [], []];
  const companies: Company[] = [];
  const random = createRandom(`${seed}/balancer`);
  const addCompany = (pickPort: () => number, manners: Manners): Company => {
    const name = companies.length === 0 ? seed : `${seed}/${companies.length}`;
    const company = formCompany(name, pickPort, { isOver: () => over, manners });
    companies.push(company);
    return company;
  };
  let ports = portsOf(world.fleet.ofRole("api"));
  const main = addCompany(() => random.pick(ports), { plan });
  const write = (lines: string[], line: string): void => {
    lines.push(line);
    say(line);
  };
  return {
    world,
    clients: main.clients,
    everybody: together(() => companies.map(({ clients }) => clients)),
    shown,
    blamed,
    injected,
    answers: () => main.api.answers,
    clientsOf(apis, manners = {}) {
      const own = portsOf(apis);
      return addCompany(() => random.pick(own), manners).clients;
    },
    get load() {
      return load;
    },
    setLoad: (next) => (load = next),
    isExcused: (entry) => excused(entry),
    excuse: (isExcused) => (excused = isExcused),
    useApis: (apis) => (ports = portsOf(apis)),
    whole: () => waitUntilWhole(world.topology, 20_000).then(yes, no),
    mayRepeat: (name) => void injected.push(faultOf(name, {})),
    async measure(name, nodes) {
      const atMs = Date.now();
      const shards = await Promise.all(nodes.map((node) => shardsOf(node, world.topology)));
      injected.push(faultOf(name, { atMs, alone: true, shards: shards.flat() }));
    },
    show: (line) => write(shown, line),
    blame: (line) => write(blamed, line),
    countAnswers: () => countAnswers(companies.flatMap(({ api }) => api.answers)),
    end() {
      over = true;
      for (const { api } of companies) api.close();
    },
  };
}

/** Clients who share what they know of the apis. */
interface Company {
  readonly api: LoggingClient;
  readonly clients: Clients;
}

function formCompany(
  name: string,
  pickPort: () => number,
  { isOver, manners }: { readonly isOver: () => boolean; readonly manners: Manners },
): Company {
  const api = logAnswers(createApiClient(pickPort));
  const { plan, followed } = manners;
  const takeTurn = followed === undefined ? {} : { takeTurn: takeTurns(followed) };
  return { api, clients: createClients(name, { api, now: Date.now, sleep, isOver, ...takeTurn }, plan) };
}

function countAnswers(answers: readonly LoggedAnswer[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { request, answer } of answers) {
    counts[`${request} ${answer}`] = (counts[`${request} ${answer}`] ?? 0) + 1;
  }
  return counts;
}

const yes = (): boolean => true;
const no = (): boolean => false;

function portsOf(apis: readonly FleetMember[]): number[] {
  return apis.flatMap(({ link }) => link?.port ?? []);
}

/** As it counts for what may run again, and for recovery, whatever it is called: a master that goes away. */
function faultOf(name: string, more: Partial<InjectedFault>): InjectedFault {
  const fault = { kind: "kill-master", pick: 0, downMs: 0 } as const;
  const atMs = Date.now();
  const rest = { atMs, healedMs: atMs, alone: false, shards: [], skipped: undefined };
  return { name, target: name, fault, ...rest, ...more };
}

/** Several clients as one; they may become more. */
function together(all: () => readonly Clients[]): Clients {
  return {
    get entries() {
      return all().flatMap(({ entries }) => entries);
    },
    openCount: () => all().reduce((sum, clients) => sum + clients.openCount(), 0),
    submit: async (...args) => void (await Promise.all(all().map((clients) => clients.submit(...args)))),
    readAllAgain: async () => void (await Promise.all(all().map((clients) => clients.readAllAgain()))),
  };
}
