import type { Invariant } from "../check/violation.js";
import type { Patch } from "../roles/copy-programs.js";
import { type Scenario, SCENARIOS } from "./scenarios.js";

/** A rule that is broken on purpose, in a copy of the programs, to show that the campaign would notice. */
export interface Break {
  readonly name: string;
  readonly patches: readonly Patch[];
  /** Also made in the sound run that it is compared with: what brings the scenario about sooner. */
  readonly preparation?: readonly Patch[];
  readonly scenario: Scenario;
  /** One of them must be violated. */
  readonly expected: readonly Invariant[];
}

const lua = (name: string, find: string, replace: string): Patch => ({ file: `broker/lua/${name}.lua`, find, replace });
const js = (file: string, find: string, replace: string): Patch => ({ file, find, replace });

/** Every break. A patch that does not fit any more fails loudly: the code that it broke has changed. */
export const BREAKS: readonly Break[] = [
  {
    name: "the first result does not win: settle does not look whether the run is open",
    patches: [lua("settle", "if fields[1] ~= 'OPEN' then", "if not fields[1] then")],
    scenario: SCENARIOS.zombies,
    expected: ["changed"],
  },
  {
    name: "custody ends before the result is stored: claim takes the entries away",
    patches: [
      lua(
        "claim",
        "local attempts = tonumber(fields[8] or '0')",
        `local places = redis.call('HMGET', run, 'lane', 'entry', 'now_lane', 'now_entry')
  remove_entries(string.match(run, '^.-}:'), places[1], places[2], places[3], places[4])
  local attempts = tonumber(fields[8] or '0')`,
      ),
    ],
    scenario: SCENARIOS.allHandsDie,
    expected: ["stuck"],
  },
  {
    name: "custody never ends: settle leaves the entries where they are",
    patches: [lua("settle", "remove_entries(shard, fields[2], fields[3], fields[4], fields[5])", "")],
    scenario: SCENARIOS.calm,
    expected: ["residue"],
  },
  {
    name: "claim does not look at the lease",
    patches: [lua("claim", "if tonumber(lease or '0') > now and worker ~= me then", "if false then")],
    scenario: SCENARIOS.lostReplies,
    expected: ["duplicates"],
  },
  {
    name: "an heir does not claim what is pending for a dead batcher",
    patches: [
      js(
        "broker/dist/batches/ready-reader.js",
        "asText(owner) !== consumer || !isKnown(asText(id))",
        "asText(owner) === consumer && !isKnown(asText(id))",
      ),
    ],
    scenario: SCENARIOS.allHandsDie,
    expected: ["stuck"],
  },
  {
    name: "a lost group is made again at the end of its stream, not at 0",
    patches: [lua("parts/ensure-group", "stream, group, '0', 'MKSTREAM'", "stream, group, '$', 'MKSTREAM'")],
    scenario: SCENARIOS.lostGroups,
    expected: ["stuck"],
  },
  {
    name: "a consumer is deleted with what is pending for it",
    patches: [lua("drop-idle-consumers", "consumer[4] == 0 and ", "")],
    preparation: [
      js("batcher/dist/sweep-loops.js", "DROP_CONSUMERS_EVERY = 120", "DROP_CONSUMERS_EVERY = 1"),
      js("batcher/dist/sweep-loops.js", "CONSUMER_IDLE_MS = 600_000", "CONSUMER_IDLE_MS = 1"),
      js("batcher/dist/sweep-loops.js", "SWEEP_EVERY_MS = 5_000", "SWEEP_EVERY_MS = 200"),
    ],
    scenario: SCENARIOS.allHandsDie,
    expected: ["stuck"],
  },
  {
    name: "nobody takes the batches of dead workers away from them",
    patches: [js("batcher/dist/dead-slots-loop.js", "await reclaimDeadNotice(redis, pool, dead);", "")],
    scenario: SCENARIOS.deadWorkers,
    expected: ["residue"],
  },
  {
    name: "whoever answers EXPIRED does not store it",
    patches: [lua("read-task", "local _, blob = leave_run(shard, run_id, task_id, 'EXPIRED')", "local blob = ''")],
    preparation: [js("batcher/dist/look-up-loop.js", "deps.ledger.takeLate(deps.serverClock.nowMs());", "")],
    scenario: SCENARIOS.lateAnswers,
    expected: ["changed"],
  },
  {
    name: "a twin joins whatever run its digest had",
    patches: [
      lua("admit", "if fields[1] == 'SUCCESS' then", "if fields[1] ~= 'OPEN' then"),
      lua("admit", "if redis.call('PTTL', run_key) < tonumber(result_keep_ms) then", "if false then"),
    ],
    scenario: SCENARIOS.calm,
    expected: ["lost", "stuck", "unexpected"],
  },
  {
    name: "replication is not waited for",
    patches: [js("broker/dist/redis/durability.js", 'if (durability.level === "replicated") {', "if (false) {")],
    scenario: SCENARIOS.staleReplicas,
    expected: ["lost"],
  },
  {
    name: "rows are given to the wrong runs",
    patches: [
      js(
        "gpu-worker/dist/triton/batch-tensors.js",
        "(_, row) => rowOutcome(model, columns, row)",
        "(_, row) => rowOutcome(model, columns, rowCount - 1 - row)",
      ),
    ],
    scenario: SCENARIOS.calm,
    expected: ["crossed"],
  },
  {
    name: "202 is answered where nobody knows whether the task was admitted",
    patches: [
      js(
        "api/dist/tasks/admit-order.js",
        'throw new BrokerError("durability-unconfirmed", "the outcome of an admission is unknown", { cause: last });',
        'return { kind: "created", runId: request.taskId, depth: 1 };',
      ),
    ],
    scenario: SCENARIOS.lostRequests,
    expected: ["lost"],
  },
  {
    name: "an Idempotency-Key is forgotten",
    patches: [lua("claim-idempotency", "if not known[1] then", "if true then")],
    scenario: SCENARIOS.calm,
    expected: ["unexpected"],
  },
];
