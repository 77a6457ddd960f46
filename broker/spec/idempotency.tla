---------------------------- MODULE idempotency ----------------------------
(***************************************************************************)
(* One Idempotency-Key, and requests that come with it: each binds the     *)
(* key, has a task admitted in another hash slot, makes sure that the key  *)
(* lasts, and says how that ended. Between any two of these steps it may   *)
(* stop for ever, or for so long that the next request takes the key over. *)
(* A failover may lose what of the key was not confirmed, and the task may *)
(* be forgotten when its time is over.                                     *)
(***************************************************************************)
EXTENDS Naturals, FiniteSets, TLC

CONSTANTS
  Requests,  \* their task ids would be their own names
  Losses     \* how often a failover loses something of the key

VARIABLES
  key,       \* the hash: [task, attempt, admitted, lasts, old]; no task: there is
             \* none. lasts: a replica has it, too. old: the task may be forgotten
  request,   \* [st, task, attempt]
  admitted,  \* the tasks that admit.lua has admitted
  told,      \* of these, the tasks that a client was told of
  forgotten, \* the tasks that Redis does not remember any more
  losses
vars == <<key, request, admitted, told, forgotten, losses>>

None  == "none"
NoKey == [task |-> None, attempt |-> 0, admitted |-> FALSE, lasts |-> FALSE, old |-> FALSE]
Bound(t, n) == [NoKey EXCEPT !.task = t, !.attempt = n]

Init == /\ key = NoKey
        /\ request = [q \in Requests |-> [st |-> "new", task |-> None, attempt |-> 0]]
        /\ admitted = {} /\ told = {} /\ forgotten = {}
        /\ losses = 0

Goes(q, st) == [request EXCEPT ![q].st = st]
Holds(q, t, n) == [request EXCEPT ![q] = [st |-> "holds", task |-> t, attempt |-> n]]

\* claim-idempotency.lua. Time is free: the key may be taken over, or be told to
\* be in progress (that request is refused, and changes nothing). A key whose
\* task may be forgotten is as good as none, unless somebody was told of it.
Claim(q) ==
  /\ request[q].st = "new"
  /\ IF key.task = None \/ (key.old /\ ~key.admitted)
     THEN /\ key' = Bound(q, 1)
          /\ request' = Holds(q, q, 1)
     ELSE IF key.admitted
     THEN /\ request' = [request EXCEPT ![q] = [st |-> "replays", task |-> key.task, attempt |-> 0]]
          /\ UNCHANGED key
     ELSE /\ key' = [key EXCEPT !.attempt = @ + 1]
          /\ request' = Holds(q, key.task, key.attempt + 1)
  /\ UNCHANGED <<admitted, told, forgotten, losses>>

\* admit.lua: carried out, or refused (no workers, full, out of memory) before
\* anything was written, or nobody knows.
Admit(q) ==
  /\ request[q].st = "holds"
  /\ \/ admitted' = admitted \cup {request[q].task} /\ request' = Goes(q, "admitted")
     \/ admitted' = admitted \cup {request[q].task} /\ request' = Goes(q, "done")
     \/ UNCHANGED admitted /\ request' = Goes(q, "done")
     \/ UNCHANGED admitted /\ request' = Goes(q, "refused")
  /\ UNCHANGED <<key, told, forgotten, losses>>

\* The client is told that its task is accepted when the key will last.
KeyLasts(q) ==
  /\ request[q].st = "admitted" /\ key.task = request[q].task
  /\ key' = [key EXCEPT !.lasts = TRUE]
  /\ request' = Goes(q, "lasts")
  /\ told' = told \cup {request[q].task}
  /\ UNCHANGED <<admitted, forgotten, losses>>
\* A key that was lost meanwhile is bound again, by the same attempt; one that
\* names another task by now leaves it open whether this one was accepted.
BindAgain(q) ==
  /\ request[q].st = "admitted" /\ key.task # request[q].task
  /\ IF key.task = None
     THEN key' = Bound(request[q].task, request[q].attempt) /\ UNCHANGED request
     ELSE request' = Goes(q, "done") /\ UNCHANGED key
  /\ UNCHANGED <<admitted, told, forgotten, losses>>

\* confirm-idempotency.lua: only a key that still names the task.
Confirm(q) ==
  /\ request[q].st = "lasts"
  /\ key' = IF key.task = request[q].task THEN [key EXCEPT !.admitted = TRUE] ELSE key
  /\ request' = Goes(q, "done")
  /\ UNCHANGED <<admitted, told, forgotten, losses>>

\* release-idempotency.lua: only the attempt that holds the key, and only the
\* first forgets it, for a later one cannot know of those before it.
Mine(q) == key.task = request[q].task /\ key.attempt = request[q].attempt /\ ~key.admitted
Release(q) ==
  /\ request[q].st = "refused"
  /\ key' = IF Mine(q) /\ request[q].attempt = 1 THEN NoKey ELSE key
  /\ request' = Goes(q, "done")
  /\ UNCHANGED <<admitted, told, forgotten, losses>>

\* A failover: of a key that lasts it can lose no more than the note at its end.
LoseKey ==
  /\ losses < Losses /\ key.task # None
  /\ key' = IF key.lasts THEN [key EXCEPT !.admitted = FALSE] ELSE NoKey
  /\ losses' = losses + 1
  /\ UNCHANGED <<request, admitted, told, forgotten>>

\* Long after the last attempt. An admission takes less than the slack of a task's
\* record, so whoever held the key has come to an end.
Forget ==
  /\ key.task # None /\ ~key.old
  /\ \A q \in Requests : request[q].task = key.task => request[q].st \notin {"holds", "admitted", "lasts"}
  /\ key' = [key EXCEPT !.old = TRUE]
  /\ forgotten' = forgotten \cup {key.task}
  /\ UNCHANGED <<request, admitted, told, losses>>

Next == \/ \E q \in Requests : Claim(q) \/ Admit(q) \/ KeyLasts(q) \/ BindAgain(q) \/ Confirm(q) \/ Release(q)
        \/ LoseKey \/ Forget
Spec == Init /\ [][Next]_vars

Symmetry == Permutations(Requests)

----------------------------------------------------------------------------
\* One key has one task at a time, however many requests there are; where a
\* failover loses keys, one that a client was told of.
OneTask == Cardinality((IF Losses = 0 THEN admitted ELSE told) \ forgotten) <= 1

\* Who is answered with an earlier task is answered with one that was admitted.
Replayed == \A q \in Requests : request[q].st = "replays" => request[q].task \in admitted

\* No task is admitted again when it may be forgotten.
Once == \A q \in Requests : request[q].st \in {"holds", "admitted"} => request[q].task \notin forgotten
=============================================================================
