import type { ErrorCode } from "@sluice/broker";
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { CacheWord } from "./views/task-view.js";

/** Seconds, 1 ms to a little above the longest wait. */
const REQUEST_BUCKETS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 61];

/** What the api counts. Labels come from closed sets: registered models, our codes, our routes. */
export interface ApiMetrics {
  readonly registry: Registry;
  /** A task was admitted: a `miss` computes, `joined` shares an open run, a `hit` has its result at once. */
  admitted(model: string, cache: CacheWord): void;
  refused(code: ErrorCode): void;
  /** A task that could be run was not admitted. */
  turnedAway(model: string, code: ErrorCode): void;
  resultRead(state: string): void;
  blobWritten(bytes: number): void;
  /** Made once for each route. */
  requestTimer(route: string): (status: number, seconds: number) => void;
}

/** What is measured when somebody asks. */
export interface ApiGauges {
  /** How many callers wait now. */
  readonly waits: () => number;
  /** How many bytes the bodies of requests have now. */
  readonly bodyBytes: () => number;
  /** How many sets of live settings were refused. */
  readonly refusedSettings: () => number;
  /** Milliseconds since each thing that is polled last answered, by what it is. */
  readonly pollAgesMs: () => Readonly<Record<string, number>>;
}

/** Makes every metric of the api, in a registry of their own. */
export function createApiMetrics(gauges: ApiGauges): ApiMetrics {
  const registry = new Registry();
  const registers = [registry];
  const counter = <Label extends string>(name: string, help: string, labelNames: readonly Label[] = []) =>
    new Counter<Label>({ name, help, labelNames, registers });
  const admitted = counter("sluice_admitted_total", "Tasks accepted, by model.", ["model"]);
  const decisions = counter(
    "sluice_admissions_total",
    "What was decided about tasks, and why: accepted as miss, joined or hit, or refused with a code.",
    ["model", "outcome", "reason"],
  );
  const collapsed = counter("sluice_collapsed_total", "Tasks that joined the open run of an equal task.");
  const cacheHits = counter("sluice_cache_hits_total", "Tasks answered from a result that was kept.");
  const refused = counter("sluice_refused_total", "Requests answered with a problem, by its code.", ["code"]);
  const results = counter("sluice_results_total", "Tasks that were read in a terminal state, by state.", ["state"]);
  const blobBytes = counter("sluice_blob_written_bytes_total", "Bytes of inputs written to the blob store.");
  const seconds = new Histogram({
    name: "sluice_http_request_seconds",
    help: "From the headers of a request to its answer, waiting included.",
    labelNames: ["route", "status"] as const,
    buckets: REQUEST_BUCKETS,
    registers,
  });
  registerGauges(registry, gauges);
  return {
    registry,
    turnedAway: (model, reason) => decisions.inc({ model, outcome: "refused", reason }),
    admitted(model, cache) {
      decisions.inc({ model, outcome: "accepted", reason: cache });
      admitted.inc({ model });
      if (cache === "joined") collapsed.inc();
      else if (cache === "hit") cacheHits.inc();
    },
    refused: (code) => refused.inc({ code }),
    resultRead: (state) => results.inc({ state }),
    blobWritten: (bytes) => blobBytes.inc(bytes),
    requestTimer(route) {
      const byStatus = new Map<number, (value: number) => void>();
      return (status, value) => {
        let observe = byStatus.get(status);
        if (!observe) {
          const child = seconds.labels({ route, status });
          byStatus.set(status, (observe = (it) => child.observe(it)));
        }
        observe(value);
      };
    },
  };
}

function registerGauges(registry: Registry, { waits, bodyBytes, refusedSettings, pollAgesMs }: ApiGauges): void {
  const registers = [registry];
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  gauge("sluice_waiters", "Requests that wait for a result now.", waits);
  gauge("sluice_body_bytes", "Bytes of the bodies of requests that are read or worked on now.", bodyBytes);
  gauge("sluice_settings_refused", "Sets of settings refused since the start.", refusedSettings);
  new Gauge({
    name: "sluice_poll_age_seconds",
    help: "Seconds since something that is polled last answered.",
    labelNames: ["poll"] as const,
    registers,
    collect() {
      for (const [poll, ageMs] of Object.entries(pollAgesMs())) this.set({ poll }, ageMs / 1_000);
    },
  });
}
