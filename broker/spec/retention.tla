------------------------------ MODULE retention -----------------------------
(***************************************************************************)
(* How long keys live: the times that admit.lua, leave-run.lua and         *)
(* settle.lua give to tasks, runs and the pointer of a digest, with a      *)
(* clock of a few ticks. All tasks have one digest. Batchers and workers   *)
(* are left out: any open run may be settled or expired at any time, also  *)
(* by a worker that took far too long, so that every order of things with  *)
(* the ends of keys comes up.                                              *)
(***************************************************************************)
EXTENDS Naturals, FiniteSets

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
  run,        \* run:ID      [st, tasks, ends]; tasks: run:ID:tasks
  digest,     \* digest:D    [run, ends]
  sent,       \* when the client of a task first sent it
  until       \* until when the client may read how its task ended; 0: it has not
vars == <<now, task, run, digest, sent, until>>

Max(a, b) == IF a > b THEN a ELSE b
Keep      == Max(ResultTtl, Window)
Never     == 2 * End + Ttl + Keep + Slack   \* a key without an end
None      == "none"
NoTask    == [st |-> "none", run |-> None, deadline |-> 0, ends |-> Never]
NoRun     == [st |-> "none", tasks |-> {}, ends |-> Never]
NoPointer == [run |-> None, ends |-> Never]

Left(t)     == task[t].st \in {"CANCELED", "EXPIRED"}
Open(r)     == run[r].st = "OPEN"
Terminal(t) == Left(t) \/ (task[t].st = "on" /\ run[task[t].run].st = "SUCCESS")
\* The promise is made for ends in time: what nobody asked about until long
\* after its deadline may be forgotten sooner.
ReadableFor(t, ms) == IF now <= task[t].deadline + Slack THEN now + ms ELSE now

Init ==
  /\ now = 0
  /\ task = [t \in Tasks |-> NoTask]
  /\ run = [r \in Tasks |-> NoRun]
  /\ digest = NoPointer
  /\ sent = [t \in Tasks |-> Never]
  /\ until = [t \in Tasks |-> 0]

\* Redis takes away whatever has come to its end.
Tick ==
  /\ now < End
  /\ now' = now + 1
  /\ task' = [t \in Tasks |-> IF task[t].ends <= now' THEN NoTask ELSE task[t]]
  /\ run' = [r \in Tasks |-> IF run[r].ends <= now' THEN NoRun ELSE run[r]]
  /\ digest' = IF digest.ends <= now' THEN NoPointer ELSE digest
  /\ UNCHANGED <<sent, until>>

\* admit.lua, sent once or, soon after, again.
Attached(t, r) == [task EXCEPT ![t] = [st |-> "on", run |-> r, deadline |-> now + Ttl,
                                       ends |-> now + Ttl + Keep + Slack]]
Created(t) ==
  /\ task' = Attached(t, t)
  /\ run' = [run EXCEPT ![t] = [st |-> "OPEN", tasks |-> {t}, ends |-> Never]]
  /\ digest' = [run |-> t, ends |-> now + Window]
  /\ UNCHANGED until
Joined(t, r) ==
  /\ task' = Attached(t, r)
  /\ run' = [run EXCEPT ![r].tasks = @ \cup {t}]
  /\ UNCHANGED <<digest, until>>
Kept(t, r) ==
  /\ task' = Attached(t, r)
  /\ run' = [run EXCEPT ![r].ends = Max(@, now + ResultTtl)]
  /\ until' = [until EXCEPT ![t] = now + ResultTtl]
  /\ UNCHANGED digest
Admit(t) ==
  /\ now <= Max(sent[t], 0) + 1
  /\ sent' = [sent EXCEPT ![t] = IF @ = Never THEN now ELSE @]
  /\ IF task[t].st # "none"
     THEN /\ task' = [task EXCEPT ![t].ends = now + Ttl + Keep + Slack]
          /\ UNCHANGED <<run, digest, until>>
     ELSE CASE digest.run # None /\ run[digest.run].st = "OPEN"    -> Joined(t, digest.run)
            [] digest.run # None /\ run[digest.run].st = "SUCCESS" -> Kept(t, digest.run)
            [] OTHER -> Created(t)
  /\ UNCHANGED now

\* parts/leave-run.lua, called by read-task, cancel and expire. A task whose
\* record has come to its end is not made again.
LeaveRun(r, t, st) ==
  /\ task' = IF task[t].st # "none" THEN [task EXCEPT ![t].st = st] ELSE task
  /\ run' = IF run[r].tasks = {t} THEN [run EXCEPT ![r] = NoRun] ELSE [run EXCEPT ![r].tasks = @ \ {t}]
  /\ until' = IF task[t].st # "none" THEN [until EXCEPT ![t] = ReadableFor(t, ResultTtl)] ELSE until
  /\ UNCHANGED <<now, digest, sent>>
Cancel(t) == task[t].st = "on" /\ Open(task[t].run) /\ LeaveRun(task[t].run, t, "CANCELED")
ReadTask(t) == task[t].st = "on" /\ Open(task[t].run) /\ task[t].deadline < now /\ LeaveRun(task[t].run, t, "EXPIRED")
\* expire.lua knows deadlines from the run, also of tasks that are gone.
Expire(r, t) == Open(r) /\ t \in run[r].tasks /\ sent[t] + Ttl < now /\ LeaveRun(r, t, "EXPIRED")

\* settle.lua.
Settle(r) ==
  /\ Open(r)
  /\ run' = [run EXCEPT ![r] = [st |-> "SUCCESS", tasks |-> {}, ends |-> now + Keep]]
  /\ until' = [t \in Tasks |-> IF t \in run[r].tasks /\ task[t].st # "none" THEN ReadableFor(t, ResultTtl) ELSE until[t]]
  /\ UNCHANGED <<now, task, digest, sent>>

Next == \/ Tick
        \/ \E t \in Tasks : Admit(t) \/ Cancel(t) \/ ReadTask(t)
        \/ \E r \in Tasks : Settle(r) \/ \E t \in Tasks : Expire(r, t)
Spec == Init /\ [][Next]_vars

----------------------------------------------------------------------------
\* Whoever may read how a task ended can.
Readable == \A t \in Tasks : now < until[t] => Terminal(t)

\* Everything that is not open work comes to an end, and open work does not.
Bounded == /\ \A t \in Tasks : task[t].st # "none" => task[t].ends # Never
           /\ \A r \in Tasks : run[r].st = "SUCCESS" => run[r].ends # Never
           /\ \A r \in Tasks : Open(r) => run[r].ends = Never
           /\ digest.run # None => digest.ends # Never

\* A task that is on a run that is open is one of its tasks; an open run has one.
Counting == /\ \A t \in Tasks : task[t].st = "on" /\ Open(task[t].run) => t \in run[task[t].run].tasks
            /\ \A r \in Tasks : Open(r) => run[r].tasks # {}

\* A task has its run until it has ended and may be forgotten.
OnRun == \A t \in Tasks : task[t].st = "on" /\ run[task[t].run].st = "none" => 0 < until[t] /\ until[t] <= now

\* What is forgotten stays forgotten, unless its client sends it again.
Forgotten == [][\A t \in Tasks : task[t].st = "none" /\ task'[t].st # "none" => task'[t].deadline = now + Ttl]_vars
=============================================================================
