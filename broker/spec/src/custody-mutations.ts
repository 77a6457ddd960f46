import { type CustodyWorld, custodyWorld, ONE_TASK } from "./custody-world.js";
import type { Edit, Mutation } from "./mutation.js";

const TWINS = { shards: [["t1", "t2"]], twins: ["t1", "t2"] };
/** A run that kills, and an innocent one that may share its batch or its process. */
const MATES = { shards: [["t1", "t2"]], deadly: ["t1"] };

/** Rules that admission, cancelling and reading keep. */
const TASK_MUTATIONS: readonly Mutation[] = [
  broken("admit-again", "admit.lua counts a task that is sent again as another one", "Counting", {
    edits: [scripts(`IF task[t].st # "none" THEN UNCHANGED shardKeys\n  ELSE LET joins`, "LET joins")],
    world: { ...TWINS, faultKinds: ["resend"], maxFaults: 1 },
  }),
  broken("join-gone", "admit.lua joins whatever run the pointer names [R1]", "OnRun", {
    edits: [scripts(`run[digest].st \\in {"OPEN", "SUCCESS"}`, `run[digest].st # "FAILED"`)],
    world: { ...TWINS, events: ["cancel"] },
  }),
  broken("cancel-closed", "cancel.lua takes a task off a run that has its result", "Counting", {
    edits: [
      scripts(
        `/\\ task[t].st = "on" /\\ Open(task[t].run)\n  /\\ LeaveRun(task[t].run, {t}, "CANCELED")`,
        `/\\ task[t].st = "on"\n  /\\ LeaveRun(task[t].run, {t}, "CANCELED")`,
      ),
    ],
    world: { events: ["cancel"] },
  }),
  broken("cancel-all", "a task that leaves closes the run of its twins", "OnRun", {
    edits: [scripts("closes == run[r].live = Cardinality(ts)", "closes == TRUE")],
    world: { ...TWINS, events: ["cancel"] },
  }),
  broken("expired-unstored", "read-task.lua says EXPIRED and does not store it [R2]", "Stable", {
    edits: [
      edit(
        "state.tla",
        `AnswerIn(tk, rn, t) == IF tk[t].st = "on"`,
        `AnswerIn(tk, rn, t) == IF tk[t].st = "on" /\\ due[t] /\\ rn[tk[t].run].st = "OPEN" THEN <<"EXPIRED", None>>\n  ELSE IF tk[t].st = "on"`,
      ),
    ],
    world: { events: ["deadline"] },
  }),
  broken("told-unconfirmed", "an end is told before the replica has it [R10]", "Told", {
    edits: [roles("  /\\ AnswerIn(copy[1], copy[2], t) = Answer(t)\n", "")],
    world: { replica: true, faultKinds: ["shard"], maxFaults: 1 },
  }),
  broken("202-unconfirmed", "202 is told before the replica has the task [R10]", "Ends", {
    edits: [roles(` /\\ copy[1][t].st # "none"\n`, "\n")],
    world: { replica: true, faultKinds: ["shard"], maxFaults: 1, processes: [["w1"]], check: "ends" },
  }),
];

/** Rules that batchers keep. */
const BATCHER_MUTATIONS: readonly Mutation[] = [
  broken("ack-at-publish", "the entry is acknowledged and deleted when its batch is published", "Custody", {
    edits: [
      roles(
        "/\\ UNCHANGED <<shardKeys, copy, silent, slot, outside>> /\\ NoFault",
        "/\\ ready' = [r \\in Runs |-> IF r \\in S THEN NoEntry ELSE ready[r]]\n  /\\ UNCHANGED <<task, run, digest, dead, owner, copy, silent, slot, outside>> /\\ NoFault",
      ),
    ],
    world: {},
  }),
  broken("sweep-dead-only", "the owner takes over from dead consumers only [R3]", "Ends", {
    edits: [
      roles(`/\\ Acts(b, r) /\\ ready[r][c] \\notin {"no", "new"}`, `/\\ Acts(b, r) /\\ ready[r][c] \\in {"dead", b}`),
    ],
    world: { batchers: 2, faultKinds: ["batcher pause"], maxFaults: 1, check: "ends" },
  }),
  broken("sweep-not-own", "the walk leaves out the batcher's own entries: the reply of a read is lost [R4]", "Ends", {
    edits: [withoutOwnEntries()],
    world: { faultKinds: ["cut"], maxFaults: 1, check: "ends" },
  }),
  broken("sweep-not-own-failover", "the same: a failover undoes a result", "Ends", {
    edits: [withoutOwnEntries()],
    world: { replica: true, faultKinds: ["shard"], maxFaults: 1, processes: [["w1"]], check: "ends" },
  }),
  broken("sweep-skips-claimed", "the take-over leaves out what a worker holds, and no walk follows [R4, R5]", "Ends", {
    edits: [sweep("IF run[r].lease THEN batcher ELSE Listed(b, r)", "ready[r][c] # b")],
    world: { faultKinds: ["worker crash", "batcher crash"], maxFaults: 2, maxAloneDeaths: 2, check: "ends" },
  }),
  broken(
    "forget-late",
    "a reference that looks late is forgotten whatever expire.lua says, and no walk follows [R4, R6]",
    "Ends",
    {
      edits: [withoutOwnEntries(), forgetLate()],
      world: { ...TWINS, events: ["deadline"], processes: [["w1"]], check: "ends" },
    },
  ),
  broken("no-look-up", "nobody asks about a reference whose notice is lost", "Ends", {
    edits: [roles(`LookUpReply(r) # "leased"`, `LookUpReply(r) = "closed"`)],
    world: { faultKinds: ["pool"], maxFaults: 1, check: "ends" },
  }),
  broken("no-prune", "notices of dead slots keep their credits", "Ends", {
    edits: [roles("Prune ==\n  /\\ silent # {}", "Prune ==\n  /\\ FALSE")],
    world: { faultKinds: ["worker crash"], maxFaults: 1, credits: 1, check: "ends" },
  }),
  broken("unclaim-any", "unclaim.lua does not look at the run's worker [R7]", "Exclusive", {
    edits: [
      scripts(
        "IF Names(w, past, r) THEN [run EXCEPT ![r] = CountDeath(@)]",
        "IF Open(r) THEN [run EXCEPT ![r] = CountDeath(@)]",
      ),
      roles("Names(Ghost, FALSE, r) /\\ ", "run[r].lease /\\ "),
    ],
    world: { faultKinds: ["worker crash"], maxFaults: 1, maxDeaths: 3 },
  }),
  broken("unclaim-by-slot", "unclaim.lua looks at the slot and not at the batch [R7]", "Exclusive", {
    edits: [namesSlotOnly()],
    world: { faultKinds: ["worker pause", "endpoint"], maxFaults: 2, maxDeaths: 3 },
  }),
  broken("alone-not-told", "neither look-up nor claim say that a run must be alone [R9]", "Ends", {
    edits: [
      roles(`![b].mem[r] = "waiting", ![b].alone = @ \\cup {r}]`, `![b].mem[r] = "waiting"]`),
      roles(`!.alone = @ \\cup {r \\in out : rows[r] = "apart"}]`, "!.alone = @]"),
    ],
    world: { ...MATES, processes: [["w1"]], check: "ends" },
  }),
];

/** Rules that workers and the scripts they call keep. */
const WORKER_MUTATIONS: readonly Mutation[] = [
  broken("no-own-notices", "a slot does not ask for what is pending for itself [R8]", "Ends", {
    edits: [
      roles(
        "/\\ ~slot[w].busy\n  /\\ IF slot[w].named",
        "/\\ ~slot[w].busy /\\ ~slot[w].named\n  /\\ IF slot[w].named",
      ),
    ],
    world: { faultKinds: ["cut"], maxFaults: 1, credits: 1, check: "ends" },
  }),
  broken("claim-leased", "claim.lua does not look at the lease", "Exclusive", {
    edits: [scripts(`  ELSE IF run[r].lease /\\ ~(run[r].worker = w /\\ ~run[r].past) THEN "leased"\n`, "")],
    world: { faultKinds: ["early"], maxFaults: 1, maxDeaths: 3 },
  }),
  broken("claim-company", "claim.lua lets a run that must be alone into a batch of several [R9]", "Alone", {
    edits: [scripts(`  ELSE IF ~slot[w].solo /\\ run[r].deaths >= MaxDeaths THEN "apart"\n`, "")],
    world: { ...MATES, faultKinds: ["batcher crash"], maxFaults: 1, maxAloneDeaths: 2 },
  }),
  broken(
    "lapse-counts",
    "a claim that nobody gave back counts as a death, also where its reply was lost",
    "DeadLetter",
    {
      edits: countLapses(),
      world: { faultKinds: ["cut"], maxFaults: 2 },
    },
  ),
  broken("death-twice", "count-death.lua leaves the worker, and whoever finds it silent next counts again", "TypeOK", {
    edits: [
      scripts(
        "!.lease = FALSE, !.worker = None, !.past = FALSE, !.alone = FALSE,\n",
        "!.lease = FALSE, !.alone = FALSE,\n",
      ),
    ],
    world: { faultKinds: ["worker crash"], maxFaults: 1, maxDeaths: 2 },
  }),
  broken("company-counts", "deaths in company count to the dead letter [R12]", "DeadLetter", {
    edits: [scripts("!.adeaths = IF x.alone THEN @ + 1 ELSE @]", "!.adeaths = @ + 1]")],
    world: { ...MATES, faultKinds: ["worker crash"], maxFaults: 1, maxAloneDeaths: 2 },
  }),
  broken("alone-by-chance", "any batch of one counts as alone by order [R12]", "DeadLetter", {
    edits: [
      roles("solo |-> S \\subseteq batcher[b].alone]", "solo |-> Cardinality(S) = 1]"),
      scripts("!.alone = run[r].deaths >= MaxDeaths]", "!.alone = slot[w].solo]"),
    ],
    world: { faultKinds: ["worker crash"], maxFaults: 1 },
  }),
  broken("gate-open", "a process runs anything beside a run that must be alone [R12]", "Alone", {
    edits: [roles("GateOpen(w) == \\A v \\in ProcessOf(w) \\ {w} :", "GateOpen(w) == \\A v \\in {} :")],
    world: { ...MATES, processes: [["w1", "w2"]], faultKinds: ["worker crash"], maxFaults: 1, maxAloneDeaths: 2 },
  }),
  broken("gate-one-sided", "the gate holds back the run that must be alone, and not what comes after it", "Alone", {
    edits: [
      roles(`(Begun(v) \\/ (~slot[w].solo /\\ Rows(v, "todo") # {}))`, `(~slot[w].solo /\\ Rows(v, "todo") # {})`),
    ],
    world: { ...MATES, processes: [["w1", "w2"]], faultKinds: ["worker crash"], maxFaults: 1, maxAloneDeaths: 2 },
  }),
  broken("unanswered-is-held", "runs of a shard that did not answer the claim are worked on", "Exclusive", {
    edits: [cutClaim("held")],
    world: { shards: [["t1"], ["t2"]], faultKinds: ["cut"], maxFaults: 1, maxDeaths: 3 },
  }),
  broken(
    "unanswered-is-closed",
    "runs of a shard that did not answer are taken for done, and no walk follows [R4]",
    "Ends",
    {
      edits: [cutClaim("closed"), withoutOwnEntries()],
      world: { shards: [["t1"], ["t2"]], faultKinds: ["cut"], maxFaults: 1, processes: [["w1"]], check: "ends" },
    },
  ),
  broken("settle-closed", "settle.lua does not look at the state: the second result wins", "Stable", {
    edits: [scripts("Settle(w, r) ==\n  IF Open(r)", `Settle(w, r) ==\n  IF run[r].st # "none"`)],
    world: { faultKinds: ["worker pause"], maxFaults: 1 },
  }),
  broken("settle-gone", "settle.lua makes a run again that everybody has left", "Counting", {
    edits: [scripts("Settle(w, r) ==\n  IF Open(r)", `Settle(w, r) ==\n  IF run[r].st \\in {"none", "OPEN"}`)],
    world: { events: ["cancel"] },
  }),
  broken("settle-one-entry", "settle.lua removes one entry of a run that a now twin gave two [R11]", "Custody", {
    edits: [
      scripts(
        "/\\ ready' = [ready EXCEPT ![r] = NoEntry]",
        `/\\ ready' = [ready EXCEPT ![r][IF ready[r]["now"] # "no" THEN "now" ELSE "bulk"] = "no"]`,
      ),
    ],
    world: { ...TWINS, bulk: ["t1"] },
  }),
  broken(
    "return-by-pool",
    "what is given back is judged by the pool's pending list, not by the run's worker [R7]",
    "Exclusive",
    {
      edits: [
        edit(
          "faults.tla",
          "  /\\ UnclaimReturned(w, FALSE, r)\n",
          "  /\\ run' = IF slot[w].named /\\ Open(r) THEN [run EXCEPT ![r].lease = FALSE, ![r].worker = None] ELSE run\n  /\\ UNCHANGED <<task, digest, ready, dead, owner>>\n",
        ),
      ],
      world: { faultKinds: ["worker pause", "endpoint"], maxFaults: 2, maxDeaths: 3 },
    },
  ),
  broken("return-by-slot", "a late give-back looks at the slot and not at the batch [R7]", "Exclusive", {
    edits: [namesSlotOnly()],
    world: { faultKinds: ["cut"], maxFaults: 1, maxDeaths: 3 },
  }),
];

/** R5 and R6 alone cost no more than time: the walk of R4 makes good what they lose. */
const HARMLESS: readonly Mutation[] = [
  broken(
    "sweep-skips-claimed-walks",
    "the take-over leaves out what a worker holds, and the walk goes on [R5]",
    undefined,
    {
      edits: [sweep("IF run[r].lease THEN batcher ELSE Listed(b, r)", `ready[r][c] # b \\/ batcher[b].mem[r] = "no"`)],
      world: { faultKinds: ["worker crash", "batcher crash"], maxFaults: 2, maxAloneDeaths: 2, check: "ends" },
    },
  ),
  broken("forget-late-walks", "a reference that looks late is forgotten, and the walk goes on [R6]", undefined, {
    edits: [forgetLate()],
    world: { ...TWINS, events: ["deadline"], processes: [["w1"]], check: "ends" },
  }),
];

/** Rules of the custody protocol, each broken in the smallest world that shows what it is for. */
export const custodyMutations: readonly Mutation[] = [
  ...TASK_MUTATIONS,
  ...BATCHER_MUTATIONS,
  ...WORKER_MUTATIONS,
  ...HARMLESS,
];

function broken(
  name: string,
  breaks: string,
  caughtBy: string | undefined,
  how: { readonly edits: readonly Edit[]; readonly world: Partial<CustodyWorld> },
): Mutation {
  return {
    name,
    breaks,
    caughtBy,
    edits: how.edits,
    world: custodyWorld({ ...ONE_TASK, ...how.world, name, shows: breaks }),
  };
}

function edit(file: string, from: string, to: string): Edit {
  return { file, from, to };
}

function scripts(from: string, to: string): Edit {
  return edit("scripts.tla", from, to);
}

function roles(from: string, to: string): Edit {
  return edit("roles.tla", from, to);
}

function namesSlotOnly(): Edit {
  return scripts("run[r].worker = w /\\ run[r].past = past\n", "run[r].worker = w\n");
}

function withoutOwnEntries(): Edit {
  return roles(`  /\\ ready[r][c] # b \\/ batcher[b].mem[r] = "no"\n`, "  /\\ ready[r][c] # b\n");
}

function forgetLate(): Edit {
  return roles(
    "IF SaysClosed(r) THEN [batcher EXCEPT ![b] = Forgotten(@, {r})] ELSE batcher",
    "[batcher EXCEPT ![b] = Forgotten(@, {r})]",
  );
}

/** What claim.lua did before it left the counting to those who find slots silent. */
function countLapses(): Edit[] {
  return [
    scripts(
      "ClaimReply(w, r) ==\n",
      "Counted(w, r) == IF run[r].worker \\in {None, w} THEN run[r] ELSE CountDeath(run[r])\nClaimReply(w, r) ==\n",
    ),
    scripts("~slot[w].solo /\\ run[r].deaths", "~slot[w].solo /\\ Counted(w, r).deaths"),
    scripts("ELSE IF slot[w].solo /\\ run[r].adeaths", "ELSE IF slot[w].solo /\\ Counted(w, r).adeaths"),
    scripts(
      "[run[r] EXCEPT !.lease = TRUE, !.worker = w, !.past = FALSE, !.alone = run[r].deaths >= MaxDeaths]",
      "[Counted(w, r) EXCEPT !.lease = TRUE, !.worker = w, !.past = FALSE, !.alone = Counted(w, r).deaths >= MaxDeaths]",
    ),
    scripts(
      `                 [] says[r] = "dead"    -> Ended("FAILED", None)\n`,
      `                 [] says[r] = "apart"   -> Counted(w, r)\n                 [] says[r] = "dead"    -> Ended("FAILED", None)\n`,
    ),
  ];
}

function cutClaim(row: "held" | "closed"): Edit {
  return edit("faults.tla", `IF r \\in rs THEN "unknown" ELSE`, `IF r \\in rs THEN "${row}" ELSE`);
}

/** The walk of the owner: what it lists, and which entries it looks at. */
function sweep(listed: string, entries: string): Edit {
  const rest = "  /\\ ready' = [ready EXCEPT ![r][c] = b]\n  /\\ batcher' = ";
  return roles(
    `  /\\ ready[r][c] # b \\/ batcher[b].mem[r] = "no"\n${rest}Listed(b, r)`,
    `  /\\ ${entries}\n${rest}${listed}`,
  );
}
