------------------------------- MODULE state -------------------------------
(***************************************************************************)
(* What there is: keys in Redis, memory of processes, and the words that   *)
(* all other modules use.                                                  *)
(*                                                                         *)
(*   slot of a shard {q:N}   task run digest ready dead owner              *)
(*   its replica             copy                  (only if Replica)       *)
(*   slot of a pool {b:POOL} notices silent, and slot[w].named             *)
(*   memory                  batcher, and all else of slot                 *)
(*   outside                 due (time), told (clients), faults            *)
(*                                                                         *)
(* A run has the id of the task that created it, as in admit.lua.          *)
(***************************************************************************)
EXTENDS Naturals, FiniteSets, Sequences, TLC

CONSTANTS
  Shards,        \* a shard is the set of tasks whose digests lie there
  Twins,         \* the tasks that have one digest: none, or two and more
  Bulk,          \* tasks of class bulk; all others are now
  Bad,           \* runs whose input the model refuses
  Deadly,        \* runs whose input kills every process that runs it
  Batchers,
  Processes,     \* a gpu-worker is the set of its slots
  Credits,       \* a batch is published while there are fewer notices
  MaxDeaths,     \* with so many deaths in company a run must be alone
  MaxAloneDeaths,\* after so many deaths alone it becomes a dead letter
  FirstOwner,    \* who owns all shards at the beginning; None: nobody
  Events,        \* which of "cancel", "deadline", "window" happen, freely
  FaultKinds,    \* which faults happen
  MaxFaults,     \* how many of them in one behaviour
  Replica        \* whether shards have a replica, which may lag

VARIABLES
  task,    \* task:ID     [st, run]; "on": its run speaks for it
  run,     \* run:ID      [st, live, lease, worker, past, alone, deaths, adeaths, res]
  digest,  \* digest:D    the run of the digest that Twins share, or None
  ready,   \* ready:LANE  where the entry of a run is, for each class:
           \*             "no", "new" (not delivered), pending for a batcher, or
           \*             "dead": pending for the consumer of a dead one
  dead,    \* dead        runs that have a dead letter
  owner,   \* owner       for each shard its batcher, or None
  copy,    \* the replica's idea of these six
  notices, \* batches     not delivered, oldest first: [runs, by, solo]
  silent,  \* batches     pending for slots that died
  slot,    \* gpu-worker  see NoNotice
  batcher, \* batcher     [acts, mem, alone]
  due,     \* due[t]: the deadline of t is over
  told,    \* told[t]: the last thing that the client of t was told
  faults   \* how many there have been

shardKeys == <<task, run, digest, ready, dead, owner>>
poolKeys  == <<notices, silent>>
outside   == <<due, told>>
vars      == <<shardKeys, copy, poolKeys, slot, batcher, outside, faults>>

Tasks   == UNION Shards
Runs    == Tasks
Slots   == UNION Processes
Classes == {"now", "bulk"}
None    == "none"
Ghost   == "ghost"   \* a slot of a process that is gone: each boot has new names

ShardOf(r)   == CHOOSE s \in Shards : r \in s
ProcessOf(w) == CHOOSE p \in Processes : w \in p
ClassOf(t)   == IF t \in Bulk THEN "bulk" ELSE "now"

----------------------------------------------------------------------------
(* Runs and tasks                                                          *)
(* worker and past stand for the field "SLOT BATCH" of a run: past means   *)
(* an earlier batch of that slot. alone: it was alone by order when it was *)
(* claimed. res: who computed the result.                                  *)

NoRun == [st |-> "none", live |-> 0, lease |-> FALSE, worker |-> None, past |-> FALSE,
          alone |-> FALSE, deaths |-> 0, adeaths |-> 0, res |-> None]
NewRun == [NoRun EXCEPT !.st = "OPEN", !.live = 1]
Ended(st, res) == [NoRun EXCEPT !.st = st, !.res = res]
NoEntry == [c \in Classes |-> "no"]

Open(r) == run[r].st = "OPEN"
Live(r) == {t \in Tasks : task[t].st = "on" /\ task[t].run = r}
\* The deadline of a run is the latest of all tasks that ever joined it.
Overdue(r) == \A t \in Tasks : task[t].run = r => due[t]

\* What read-task.lua answers: a task speaks for itself once it has left.
AnswerIn(tk, rn, t) == IF tk[t].st = "on" THEN <<rn[tk[t].run].st, rn[tk[t].run].res>>
                                          ELSE <<tk[t].st, None>>
Answer(t)   == AnswerIn(task, run, t)
Terminal(t) == Answer(t)[1] \notin {"none", "OPEN"}

----------------------------------------------------------------------------
(* Slots                                                                   *)
(* busy: it has a notice in its hands. named: XPENDING names it for that   *)
(* notice. by, solo: of the notice. rows, for each run of the notice:      *)
(*   "todo"    to be claimed          "held"    claimed and worked on      *)
(*   "closed"  ended, by whomever     "back"    given back                 *)
(*   "apart"   must be alone          "unknown" late, another's, no answer *)
(* believed: whether a batcher believes that the slot died with this batch *)
(* ("yes"), or with its last one ("late": it was mistaken, and goes on).   *)
(* owed: late writes, <<"settle", r>>, <<"return", r>> or, of an earlier   *)
(* batch, <<"return past", r>>. lost is no part of the protocol: the held  *)
(* runs whose lease is over or may be taken away; for Exclusive alone.     *)

NoNotice == [busy |-> FALSE, named |-> FALSE, by |-> None, solo |-> FALSE,
             rows |-> [r \in Runs |-> "no"], believed |-> "no", lost |-> {}, owed |-> {}]

Rows(w, how)  == {r \in Runs : slot[w].rows[r] = how}
Held(w)       == Rows(w, "held")
RunsOf(w)     == {r \in Runs : slot[w].rows[r] # "no"}
NoticeOf(w)   == [runs |-> RunsOf(w), by |-> slot[w].by, solo |-> slot[w].solo]
With(x, note) == [x EXCEPT !.named = TRUE, !.by = note.by, !.solo = note.solo,
                           !.rows = [r \in Runs |-> IF r \in note.runs THEN "todo" ELSE "no"]]
Without(x)    == [NoNotice EXCEPT !.believed = IF x.believed = "no" THEN "no" ELSE "late", !.owed = x.owed]
SetRow(w, r, how) == [slot EXCEPT ![w].rows[r] = how, ![w].lost = @ \ {r}]

Used == Len(notices) + Cardinality(silent) + Cardinality({w \in Slots : slot[w].named})

----------------------------------------------------------------------------
(* Batchers                                                                *)
(* acts: the shards that it believes to own. mem[r]: "no", "waiting" or    *)
(* "out". alone: the runs that it knows must be alone.                     *)

NoMemory == [acts |-> {}, mem |-> [r \in Runs |-> "no"], alone |-> {}]
Forgotten(x, rs) == [x EXCEPT !.mem = [r \in Runs |-> IF r \in rs THEN "no" ELSE @[r]],
                              !.alone = @ \ rs]
Acts(b, r) == ShardOf(r) \in batcher[b].acts

\* Faults are counted, all other steps are free.
Fault(kind) == /\ kind \in FaultKinds
               /\ faults < MaxFaults
               /\ faults' = faults + 1
NoFault     == UNCHANGED faults

Init ==
  /\ task = [t \in Tasks |-> [st |-> "none", run |-> None]]
  /\ run = [r \in Runs |-> NoRun]
  /\ digest = None
  /\ ready = [r \in Runs |-> NoEntry]
  /\ dead = {}
  /\ owner = [s \in Shards |-> FirstOwner]
  /\ copy = IF Replica THEN shardKeys ELSE <<>>
  /\ notices = <<>> /\ silent = {}
  /\ slot = [w \in Slots |-> NoNotice]
  /\ batcher = [b \in Batchers |-> [NoMemory EXCEPT !.acts = IF b = FirstOwner THEN Shards ELSE {}]]
  /\ due = [t \in Tasks |-> FALSE]
  /\ told = [t \in Tasks |-> <<"-", None>>]
  /\ faults = 0
=============================================================================
