---------------------------- MODULE idempotency ----------------------------
(***************************************************************************)
(* One Idempotency-Key, and requests that come with it: each binds the     *)
(* key, has a task admitted in another hash slot, and says how that ended. *)
(* Between any two of these steps it may stop for ever, or for so long     *)
(* that the next request takes the key over.                               *)
(***************************************************************************)
EXTENDS Naturals, FiniteSets

CONSTANTS Requests   \* their task ids would be their own names

VARIABLES
  key,       \* the hash: [task, attempt, admitted]; no task: there is none
  request,   \* [st, task, attempt]
  admitted   \* the tasks that admit.lua has admitted
vars == <<key, request, admitted>>

None  == "none"
NoKey == [task |-> None, attempt |-> 0, admitted |-> FALSE]

Init == /\ key = NoKey
        /\ request = [q \in Requests |-> [st |-> "new", task |-> None, attempt |-> 0]]
        /\ admitted = {}

Goes(q, st) == [request EXCEPT ![q].st = st]
Holds(q, t, n) == [request EXCEPT ![q] = [st |-> "holds", task |-> t, attempt |-> n]]

\* claim-idempotency.lua. Time is free: the key may be taken over, or be told to
\* be in progress (that request is refused, and changes nothing).
Claim(q) ==
  /\ request[q].st = "new"
  /\ IF key.task = None
     THEN /\ key' = [key EXCEPT !.task = q, !.attempt = 1]
          /\ request' = Holds(q, q, 1)
     ELSE IF key.admitted
     THEN /\ request' = [request EXCEPT ![q] = [st |-> "replays", task |-> key.task, attempt |-> 0]]
          /\ UNCHANGED key
     ELSE /\ key' = [key EXCEPT !.attempt = @ + 1]
          /\ request' = Holds(q, key.task, key.attempt + 1)
  /\ UNCHANGED admitted

\* admit.lua: carried out, or refused (no workers, full, out of memory) before
\* anything was written, or nobody knows.
Admit(q) ==
  /\ request[q].st = "holds"
  /\ \/ admitted' = admitted \cup {request[q].task} /\ request' = Goes(q, "admitted")
     \/ admitted' = admitted \cup {request[q].task} /\ request' = Goes(q, "done")
     \/ UNCHANGED admitted /\ request' = Goes(q, "done")
     \/ UNCHANGED admitted /\ request' = Goes(q, "refused")
  /\ UNCHANGED key

\* confirm-idempotency.lua: only a key that still names the task.
Confirm(q) ==
  /\ request[q].st = "admitted"
  /\ key' = IF key.task = request[q].task THEN [key EXCEPT !.admitted = TRUE] ELSE key
  /\ request' = Goes(q, "done")
  /\ UNCHANGED admitted

\* release-idempotency.lua: only the attempt that holds the key, and only the
\* first forgets it, for a later one cannot know of those before it.
Mine(q) == key.task = request[q].task /\ key.attempt = request[q].attempt /\ ~key.admitted
Release(q) ==
  /\ request[q].st = "refused"
  /\ key' = IF Mine(q) /\ request[q].attempt = 1 THEN NoKey ELSE key
  /\ request' = Goes(q, "done")
  /\ UNCHANGED admitted

Next == \E q \in Requests : Claim(q) \/ Admit(q) \/ Confirm(q) \/ Release(q)
Spec == Init /\ [][Next]_vars

----------------------------------------------------------------------------
\* One key has one task, however many requests there are.
OneTask == Cardinality(admitted) <= 1

\* Who is answered with an earlier task is answered with one that was admitted.
Replayed == \A q \in Requests : request[q].st = "replays" => request[q].task \in admitted

\* A key that is gone is not made again without its end.
KeyEnds == key.admitted => key.task # None
=============================================================================
