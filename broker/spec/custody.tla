------------------------------ MODULE custody ------------------------------
(***************************************************************************)
(* How an accepted task comes to exactly one terminal state although       *)
(* workers, batchers, connections and Redis masters fail.                  *)
(*                                                                         *)
(* Everything rests on custody: the entry of a run in its ready stream is  *)
(* the record of open work. The script that admits the run writes it, the  *)
(* script that ends the run removes it. Notices and all memory may be      *)
(* lost, repeated or stale.                                                *)
(*                                                                         *)
(* Read state, scripts, roles and faults in this order; here is what may   *)
(* happen next, what is promised to happen at last, and what must hold.    *)
(***************************************************************************)
EXTENDS faults

ApiStep(t) == \/ ApiAdmit(t) \/ ApiCancel(t) \/ ApiRead(t) \/ DeadlinePasses(t)
              \/ TellAccepted(t) \/ TellEnd(t)
BatcherStep(b) == \/ \E r \in Runs, c \in Classes : Read(b, r, c) \/ Sweep(b, r, c)
                  \/ \E S \in SUBSET Runs : PublishBatch(b, S)
                  \/ \E r \in Runs : LookUp(b, r) \/ BatcherExpire(b, r)
SlotStep(w) == \/ Pull(w) \/ FinishBatch(w)
               \/ \E s \in Shards : ClaimShard(w, s)
               \/ \E r \in Runs : SettleRun(w, r)
LateStep(w) == \E o \in slot[w].owed : LateWrite(w, o)
FaultStep ==
  \/ \E p \in Processes : WorkerCrash(p)
  \/ \E w \in Slots : \/ Believed(w) \/ LeaveAll(w) \/ CutPull(w)
                      \/ \E r \in Runs : LeaseEndsEarly(w, r) \/ GiveBack(w, r) \/ CutSettle(w, r)
                      \/ \E s \in Shards : CutClaim(w, s)
                      \/ \E again \in BOOLEAN : PoolLosesPull(w, again)
  \/ \E b \in Batchers : \/ BatcherCrash(b)
                         \/ \E s \in Shards : HandOver(b, s) \/ CutOwnShard(b, s)
                         \/ \E r \in Runs, c \in Classes : CutRead(b, r, c)
                         \/ \E S \in SUBSET Runs : CutPublish(b, S) \/ PoolReturns(b, S)
  \/ \E s \in Shards : BatcherPause(s) \/ ShardFailover(s)
  \/ \E r \in Runs : CutUnclaim(r)
  \/ \E t \in Tasks : AdmitAgain(t)
  \/ \E i \in 1..Credits : PoolLosesNotice(i)

Next ==
  \/ \E t \in Tasks : ApiStep(t)
  \/ \E b \in Batchers : BatcherStep(b) \/ \E s \in Shards : OwnShard(b, s)
  \/ \E w \in Slots : SlotStep(w) \/ LateStep(w) \/ PruneBelieved(w)
  \/ \E w \in Slots, r \in Runs, past \in BOOLEAN : UnclaimBelieved(w, past, r)
  \/ \E p \in Processes : Killed(p)
  \/ \E r \in Runs : UnclaimGhost(r) \/ LeaseEnds(r)
  \/ \E s \in Shards : OwnerEnds(s) \/ Replicate(s)
  \/ PointerEnds \/ Prune \/ FaultStep

\* What is promised to happen: every process that is alive goes on, time passes,
\* and a batcher asks about what is late and finds dead slots silent. Nothing is
\* promised of clients, of deadlines, of slots that only seem dead or of the replica.
Fairness ==
  /\ \A b \in Batchers : /\ WF_vars(BatcherStep(b))
                         /\ WF_vars(\E r \in Runs : Overdue(r) /\ BatcherExpire(b, r))
                         /\ \A s \in Shards : WF_vars(OwnShard(b, s))
  /\ \A w \in Slots : WF_vars(SlotStep(w)) /\ WF_vars(LateStep(w))
  /\ \A p \in Processes : WF_vars(Killed(p))
  /\ \A s \in Shards : WF_vars(OwnerEnds(s))
  /\ WF_vars(\E r \in Runs : LeaseEnds(r))
  /\ WF_vars(\E r \in Runs : UnclaimGhost(r))
  /\ WF_vars(Prune)

Safety == Init /\ [][Next]_vars
Spec   == Safety /\ Fairness

\* What may be swapped without a difference, where nobody owns a shard at first.
Alike    == Permutations(Slots) \cup Permutations(Batchers)
AllAlike == Alike \cup Permutations(Tasks)

----------------------------------------------------------------------------
(* What must hold in every state                                           *)

TypeOK ==
  /\ \A t \in Tasks : /\ task[t].st \in {"none", "on", "CANCELED", "EXPIRED"}
                      /\ task[t].run \in Runs \cup {None}
  /\ \A r \in Runs : /\ run[r].st \in {"none", "OPEN", "SUCCESS", "FAILED"}
                     /\ run[r].worker \in Slots \cup {None, Ghost}
                     /\ run[r].deaths <= MaxDeaths /\ run[r].adeaths <= MaxAloneDeaths
                     /\ \A c \in Classes : ready[r][c] \in {"no", "new", "dead"} \cup Batchers
  /\ \A s \in Shards : owner[s] \in Batchers \cup {None}
  /\ digest \in Runs \cup {None}
  /\ Len(notices) <= Credits + MaxFaults
  /\ \A w \in Slots, r \in Runs :
       slot[w].rows[r] \in {"no", "todo", "held", "closed", "back", "apart", "unknown"}
  /\ \A b \in Batchers, r \in Runs : batcher[b].mem[r] \in {"no", "waiting", "out"}

\* An open run has its entry, and there is no entry without an open run.
Custody == \A r \in Runs : Open(r) <=> \E c \in Classes : ready[r][c] # "no"

\* A run is open exactly as long as somebody waits for it and nothing ended it;
\* what has ended had somebody waiting.
Counting == \A r \in Runs : /\ Open(r) => run[r].live = Cardinality(Live(r)) /\ run[r].live > 0
                            /\ run[r].st \in {"SUCCESS", "FAILED"} => Live(r) # {}

\* A task on a run reads an open run, a result or a failure: never nothing.
OnRun == \A t \in Tasks : task[t].st = "on" => run[task[t].run].st \in {"OPEN", "SUCCESS", "FAILED"}

\* SUCCESS and a result are one thing, and only sound input has it; FAILED and a
\* dead letter are one thing.
Result == \A r \in Runs : /\ run[r].st = "SUCCESS" => run[r].res # None /\ r \notin Bad \cup Deadly
                          /\ run[r].st \in {"OPEN", "none"} => run[r].res = None
                          /\ run[r].st = "FAILED" <=> r \in dead

\* A dead letter only by the run's own fault, as long as there were fewer faults
\* than a run survives (deadly mates may use up the deaths in company), and only
\* if slots died or seemed to.
DeadLetter ==
  \/ dead \subseteq Bad \cup Deadly
  \/ /\ FaultKinds \cap {"worker crash", "worker pause"} # {}
     /\ faults >= MaxAloneDeaths + IF Deadly = {} THEN MaxDeaths ELSE 0

\* Nobody works on a run beside a slot whose lease has neither run out nor been
\* taken away because the slot was believed dead.
Exclusive == \A r \in Runs : \A v, w \in Slots :
               r \in Held(v) \ slot[v].lost /\ r \in Held(w) \ slot[w].lost => v = w

\* A run that must be alone is alone in its batch, and in its process.
Alone == \A p \in Processes : \A v, w \in p : \A r \in Held(v) :
           /\ run[r].alone /\ run[r].worker = v /\ ~run[r].past => Held(v) = {r}
           /\ v # w /\ slot[v].solo => Held(w) = {}

\* What a client was told at the end stays true through a failover.
Told == \A t \in Tasks : told[t][1] \notin {"-", "202"} => Answer(t) = told[t]

----------------------------------------------------------------------------
(* What must hold of steps, and at last                                    *)

\* The first result never changes (on one Redis that keeps its data).
Stable == [][\A t \in Tasks : Terminal(t) => Answer(t)' = Answer(t)]_vars

\* A task that leaves its run changes no other task.
Leaves(t)  == task[t].st = "on" /\ task'[t].st \in {"CANCELED", "EXPIRED"}
TwinsApart == [][(\E t \in Tasks : Leaves(t)) =>
                 \A u \in Tasks : Leaves(u) \/ Answer(u)' = Answer(u)]_vars

\* Every accepted task comes to a terminal state, and at last nothing is left:
\* no notice, no credit in use, no reference, no write that is owed.
Accepted(t) == IF Replica THEN told[t][1] = "202" ELSE task[t].st # "none"
AllEnd  == \A t \in Tasks : Accepted(t) => Terminal(t)
Drained == /\ notices = <<>> /\ silent = {}
           /\ \A w \in Slots : ~slot[w].busy /\ ~slot[w].named /\ slot[w].owed = {}
           /\ \A b \in Batchers, r \in Runs : batcher[b].mem[r] = "no"
Ends == <>[](AllEnd /\ Drained)
=============================================================================
