------------------------------ MODULE scripts ------------------------------
(***************************************************************************)
(* The Lua scripts that touch the slot of a shard, each one atomic step of *)
(* it: what they read, what they change, what they answer. Who calls them, *)
(* and what becomes of the answer, is in roles and faults.                 *)
(*                                                                         *)
(* [R1] ... [R12] mark the rules that are easy to miss; the scripts carry  *)
(* the same marks.                                                         *)
(***************************************************************************)
EXTENDS state

\* admit.lua. A task that is known stays as it is ("again"). Else it joins the
\* run of its digest if that is open ("joined") or has a result ("kept") [R1],
\* or makes a run with its entry. A now twin of a bulk run adds an entry.
Admit(t) ==
  IF task[t].st # "none" THEN UNCHANGED shardKeys
  ELSE LET joins == t \in Twins /\ digest # None /\ run[digest].st \in {"OPEN", "SUCCESS"}
           r     == IF joins THEN digest ELSE t
       IN /\ task' = [task EXCEPT ![t] = [st |-> "on", run |-> r]]
          /\ run' = IF ~joins THEN [run EXCEPT ![r] = NewRun]
                    ELSE IF Open(r) THEN [run EXCEPT ![r].live = @ + 1] ELSE run
          /\ ready' = IF ~joins \/ (Open(r) /\ ClassOf(t) = "now" /\ ready[r]["now"] = "no")
                      THEN [ready EXCEPT ![r][ClassOf(t)] = "new"] ELSE ready
          /\ digest' = IF t \in Twins THEN r ELSE digest
          /\ UNCHANGED <<dead, owner>>

\* parts/leave-run.lua for the tasks ts of an open run. When nobody is left the
\* run goes, and its entries with it.
LeaveRun(r, ts, st) ==
  LET closes == run[r].live = Cardinality(ts)
  IN /\ task' = [t \in Tasks |-> IF t \in ts THEN [task[t] EXCEPT !.st = st] ELSE task[t]]
     /\ run' = IF closes THEN [run EXCEPT ![r] = NoRun] ELSE [run EXCEPT ![r].live = @ - Cardinality(ts)]
     /\ ready' = IF closes THEN [ready EXCEPT ![r] = NoEntry] ELSE ready
     /\ UNCHANGED <<digest, dead, owner>>

\* cancel.lua: one task, only while its run is open.
Cancel(t) ==
  /\ task[t].st = "on" /\ Open(task[t].run)
  /\ LeaveRun(task[t].run, {t}, "CANCELED")

\* read-task.lua, where it writes: EXPIRED is stored before it is told [R2]. A
\* task that nobody looks at may still end with a late SUCCESS.
ReadTask(t) ==
  /\ due[t] /\ task[t].st = "on" /\ Open(task[t].run)
  /\ LeaveRun(task[t].run, {t}, "EXPIRED")

\* expire.lua: each task of a run by its own deadline. Closed: the run is gone,
\* now or before; else a twin has prolonged it [R6].
LateTasks(r)  == {t \in Live(r) : due[t]}
Expire(r)     == IF Open(r) /\ LateTasks(r) # {} THEN LeaveRun(r, LateTasks(r), "EXPIRED")
                                                 ELSE UNCHANGED shardKeys
SaysClosed(r) == ~Open(r) \/ LateTasks(r) = Live(r)

\* parts/count-death.lua: whoever has claimed the run died with it.
CountDeath(x) == [x EXCEPT !.lease = FALSE, !.worker = None, !.past = FALSE, !.alone = FALSE,
                           !.deaths  = IF x.alone THEN @ ELSE @ + 1,
                           !.adeaths = IF x.alone THEN @ + 1 ELSE @]

\* claim.lua for the runs rs, all of one shard, of the batch in w's hands. A
\* claim that was never given back is no death: who made it may not know of it.
ClaimReply(w, r) ==
  IF ~Open(r) THEN "closed"
  ELSE IF run[r].lease /\ ~(run[r].worker = w /\ ~run[r].past) THEN "leased"
  ELSE IF ~slot[w].solo /\ run[r].deaths >= MaxDeaths THEN "apart"
  ELSE IF Overdue(r) THEN "late"
  ELSE IF slot[w].solo /\ run[r].adeaths >= MaxAloneDeaths THEN "dead"
  ELSE "claimed"
Claimed(w, r) == [run[r] EXCEPT !.lease = TRUE, !.worker = w, !.past = FALSE, !.alone = run[r].deaths >= MaxDeaths]
Claim(w, rs) ==
  LET says == [r \in rs |-> ClaimReply(w, r)]
  IN /\ run' = [r \in Runs |->
          IF r \notin rs THEN run[r]
          ELSE CASE says[r] = "claimed" -> Claimed(w, r)
                 [] says[r] = "dead"    -> Ended("FAILED", None)
                 [] OTHER               -> run[r]]
     /\ ready' = [r \in Runs |-> IF r \in rs /\ says[r] = "dead" THEN NoEntry ELSE ready[r]]
     /\ dead' = dead \cup {r \in rs : says[r] = "dead"}
     /\ UNCHANGED <<task, digest, owner>>

\* settle.lua for one run. It must be open, it need not be leased, or leased by
\* w: the first result wins. Result or dead letter, and the entries of all
\* classes [R11], in one script.
Settle(w, r) ==
  IF Open(r)
  THEN /\ run' = [run EXCEPT ![r] = Ended(IF r \in Bad THEN "FAILED" ELSE "SUCCESS", w)]
       /\ ready' = [ready EXCEPT ![r] = NoEntry]
       /\ dead' = IF r \in Bad THEN dead \cup {r} ELSE dead
       /\ UNCHANGED <<task, digest, owner>>
  ELSE UNCHANGED shardKeys

\* unclaim.lua: only where the run still names that slot and that batch [R7].
Names(w, past, r) == Open(r) /\ run[r].worker = w /\ run[r].past = past
UnclaimDied(w, past, r) ==
  /\ run' = IF Names(w, past, r) THEN [run EXCEPT ![r] = CountDeath(@)] ELSE run
  /\ UNCHANGED <<task, digest, ready, dead, owner>>
UnclaimReturned(w, past, r) ==
  /\ run' = IF Names(w, past, r)
            THEN [run EXCEPT ![r] = [@ EXCEPT !.lease = FALSE, !.worker = None, !.past = FALSE, !.alone = FALSE]]
            ELSE run
  /\ UNCHANGED <<task, digest, ready, dead, owner>>

\* look-up.lua. It writes nothing.
LookUpReply(r) ==
  IF ~Open(r) THEN "closed"
  ELSE IF run[r].lease THEN "leased"
  ELSE IF run[r].deaths >= MaxDeaths THEN "apart" ELSE "ready"
=============================================================================
