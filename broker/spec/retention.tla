------------------------------ MODULE retention -----------------------------
(***************************************************************************)
(* How long keys live: the times that admit.lua, leave-run.lua and         *)
(* settle.lua give to tasks, runs and the pointer of a digest, with a      *)
(* clock of a few ticks. All tasks have one digest. Batchers and workers   *)
(* are left out: any open run may be settled or expired at any time, also  *)
(* by a worker that took far too long, so that every order of things with  *)
(* the ends of keys comes up.                                              *)
(***************************************************************************)
EXTENDS Naturals, FiniteSets, TLC

CONSTANTS
  Tasks,      \* a run is named after the task that created it
  Ttl,        \* from the admission of a task to its deadline
  ResultTtl,  \* how long a result may be read, at least
  Window,     \* how long later tasks find a run: dedupe window or cache TTL
  Slack,      \* how much longer than its result a task is remembered
  End         \* the clock stops here

VARIABLES
  now,
  task,       \* task:ID     [st, run, deadline, ends]
  run,        \* run:ID      [st, live, tasks, ends]; tasks: the deadlines of its
              \*             tasks as run:ID:tasks has them, 0: it is none of them
  digest,     \* digest:D    [run, ends]
  sent,       \* how often the client of a task has sent it
  until       \* until when it may read how the task ended; 0: it has not
vars == <<now, task, run, digest, sent, until>>

Max(a, b) == IF a > b THEN a ELSE b
Keep      == Max(ResultTtl, Window)
Never     == 2 * End + Ttl + Keep + Slack   \* a key without an end
None      == "none"
NoTask    == [st |-> "none", run |-> None, deadline |-> 0, ends |-> Never]
NoRun     == [st |-> "none", live |-> 0, tasks |-> [t \in Tasks |-> 0], ends |-> Never]
NoPointer == [run |-> None, ends |-> Never]

Known(t)     == task[t].st # "none"
Open(r)      == run[r].st = "OPEN"
Members(r)   == {t \in Tasks : run[r].tasks[t] # 0}
Terminal(t)  == \/ task[t].st \in {"CANCELED", "EXPIRED"}
                \/ task[t].st = "on" /\ run[task[t].run].st \in {"SUCCESS", "FAILED"}
\* The promise is made for ends in time: what nobody asked about until long
\* after its deadline may be forgotten sooner.
ReadableFor(t, ms) == IF now <= task[t].deadline + Slack THEN now + ms ELSE now

Init ==
  /\ now = 0
  /\ task = [t \in Tasks |-> NoTask]
  /\ run = [r \in Tasks |-> NoRun]
  /\ digest = NoPointer
  /\ sent = [t \in Tasks |-> 0]
  /\ until = [t \in Tasks |-> 0]

\* Redis takes away whatever has come to its end.
Tick ==
  /\ now < End
  /\ now' = now + 1
  /\ task' = [t \in Tasks |-> IF task[t].ends <= now' THEN NoTask ELSE task[t]]
  /\ run' = [r \in Tasks |-> IF run[r].ends <= now' THEN NoRun ELSE run[r]]
  /\ digest' = IF digest.ends <= now' THEN NoPointer ELSE digest
  /\ UNCHANGED <<sent, until>>

\* admit.lua: of a task that is known nothing changes. Else it is attached to the
\* run of its very id, if there is one (its own record is forgotten before some
\* runs are), or to the run of its digest; or it makes a run. A task that a run
\* counts already is not counted again.
Attached(t, r) == [task EXCEPT ![t] = [st |-> "on", run |-> r, deadline |-> now + Ttl,
                                       ends |-> now + Ttl + Keep + Slack]]
Created(t) ==
  /\ run' = [run EXCEPT ![t] = [NoRun EXCEPT !.st = "OPEN", !.live = 1, !.tasks[t] = now + Ttl]]
  /\ digest' = [run |-> t, ends |-> now + Window]
  /\ until' = [until EXCEPT ![t] = 0]
Joined(t, r) ==
  /\ run' = [run EXCEPT ![r].tasks[t] = now + Ttl, ![r].live = IF t \in Members(r) THEN @ ELSE @ + 1]
  /\ until' = [until EXCEPT ![t] = 0]
  /\ UNCHANGED digest
Kept(t, r) ==
  /\ run' = [run EXCEPT ![r].ends = Max(@, now + ResultTtl)]
  /\ until' = [until EXCEPT ![t] = now + ResultTtl]
  /\ UNCHANGED digest
Admit(t) ==
  LET r == IF run[t].st # "none" THEN t ELSE digest.run
      state == IF r = None THEN "none" ELSE run[r].st
  IN /\ sent[t] < 2
     /\ sent' = [sent EXCEPT ![t] = @ + 1]
     /\ IF Known(t)
        THEN /\ task' = [task EXCEPT ![t].ends = now + Ttl + Keep + Slack]
             /\ UNCHANGED <<run, digest, until>>
        ELSE CASE state = "OPEN"    -> task' = Attached(t, r) /\ Joined(t, r)
               [] state = "SUCCESS" -> task' = Attached(t, r) /\ Kept(t, r)
               [] state = "FAILED" /\ r = t -> /\ task' = Attached(t, t)
                                              /\ until' = [until EXCEPT ![t] = now]
                                              /\ UNCHANGED <<run, digest>>
               [] OTHER -> task' = Attached(t, t) /\ Created(t)
     /\ UNCHANGED now

\* parts/leave-run.lua, called by read-task, cancel and expire. A task that is
\* forgotten is not made again, and one that is on another run by now is left
\* alone. A task that the run does not count is older than the run, whose id was
\* admitted again: it leaves nothing.
LeaveRun(r, t, st) ==
  LET told == Known(t) /\ task[t].run = r
  IN /\ task' = IF told THEN [task EXCEPT ![t].st = st] ELSE task
     /\ until' = IF told THEN [until EXCEPT ![t] = ReadableFor(t, ResultTtl)] ELSE until
     /\ run' = IF t \notin Members(r) THEN run
               ELSE IF run[r].live = 1 THEN [run EXCEPT ![r] = NoRun]
               ELSE [run EXCEPT ![r].live = @ - 1, ![r].tasks[t] = 0]
     /\ UNCHANGED <<now, digest, sent>>
Cancel(t)    == task[t].st = "on" /\ Open(task[t].run) /\ LeaveRun(task[t].run, t, "CANCELED")
ReadTask(t)  == /\ task[t].st = "on" /\ Open(task[t].run) /\ task[t].deadline < now
                /\ LeaveRun(task[t].run, t, "EXPIRED")
Expire(r, t) == Open(r) /\ t \in Members(r) /\ run[r].tasks[t] < now /\ LeaveRun(r, t, "EXPIRED")

\* settle.lua.
Settle(r, st) ==
  /\ Open(r)
  /\ run' = [run EXCEPT ![r] = [NoRun EXCEPT !.st = st, !.ends = now + Keep]]
  /\ until' = [t \in Tasks |-> IF task[t].st = "on" /\ task[t].run = r THEN ReadableFor(t, ResultTtl) ELSE until[t]]
  /\ UNCHANGED <<now, task, digest, sent>>

Next == \/ Tick
        \/ \E t \in Tasks : Admit(t) \/ Cancel(t) \/ ReadTask(t)
        \/ \E r \in Tasks : \/ \E st \in {"SUCCESS", "FAILED"} : Settle(r, st)
                            \/ \E t \in Tasks : Expire(r, t)
Spec == Init /\ [][Next]_vars

Symmetry == Permutations(Tasks)

----------------------------------------------------------------------------
\* Whoever may read how a task ended can.
Readable == \A t \in Tasks : now < until[t] => Terminal(t)

\* Everything that is not open work comes to an end, and open work does not.
Bounded == /\ \A t \in Tasks : Known(t) => task[t].ends # Never
           /\ \A r \in Tasks : run[r].st \in {"SUCCESS", "FAILED"} => run[r].ends # Never
           /\ \A r \in Tasks : Open(r) => run[r].ends = Never
           /\ digest.run # None => digest.ends # Never

\* An open run counts its tasks, has one, and whoever is on it is one of them.
Counting == /\ \A r \in Tasks : Open(r) => run[r].live = Cardinality(Members(r)) /\ run[r].live > 0
            /\ \A t \in Tasks : task[t].st = "on" /\ Open(task[t].run) /\ until[t] = 0 => t \in Members(task[t].run)

\* A task has its run until it has ended and may be forgotten.
OnRun == \A t \in Tasks : task[t].st = "on" /\ run[task[t].run].st = "none" => 0 < until[t] /\ until[t] <= now

\* A run that has ended is what it is until it is forgotten.
Stable == [][\A r \in Tasks : run[r].st \in {"SUCCESS", "FAILED"} => run'[r].st \in {run[r].st, "none"}]_vars

\* A task that has left its run says so until it is forgotten.
Left == [][\A t \in Tasks : task[t].st \in {"CANCELED", "EXPIRED"} => task'[t].st \in {task[t].st, "none"}]_vars
=============================================================================
