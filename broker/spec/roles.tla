------------------------------- MODULE roles -------------------------------
(***************************************************************************)
(* What api, batchers and gpu-workers do when nothing goes wrong. One      *)
(* action is one atomic step: one script, one stream command, or one       *)
(* change of a process's own memory. None touches two hash slots.          *)
(***************************************************************************)
EXTENDS scripts

notShard   == <<copy, poolKeys, slot, batcher, outside>>
notBatcher == <<shardKeys, copy, poolKeys, slot, outside>>

----------------------------------------------------------------------------
(* api, and time                                                           *)

ApiAdmit(t)  == task[t].st = "none" /\ Admit(t) /\ UNCHANGED notShard /\ NoFault
ApiCancel(t) == "cancel" \in Events /\ Cancel(t) /\ UNCHANGED notShard /\ NoFault
ApiRead(t)   == ReadTask(t) /\ UNCHANGED notShard /\ NoFault

DeadlinePasses(t) ==
  /\ "deadline" \in Events
  /\ ~due[t] /\ task[t].st # "none" /\ Open(task[t].run)
  /\ due' = [due EXCEPT ![t] = TRUE]
  /\ UNCHANGED <<shardKeys, copy, poolKeys, slot, batcher, told>> /\ NoFault

\* The dedupe window is over: the pointer goes, whether its run is open or not.
PointerEnds ==
  /\ "window" \in Events
  /\ digest # None /\ \E t \in Twins : task[t].st = "none"
  /\ digest' = None
  /\ UNCHANGED <<task, run, ready, dead, owner, notShard>> /\ NoFault

\* With a replica, 202 and every end are told only when the replica has them
\* (WAIT on the connection that wrote) [R10].
Replicated(s) == LET pick(new, old) == [x \in DOMAIN new |-> IF x \in s THEN new[x] ELSE old[x]]
                 IN <<pick(task, copy[1]), pick(run, copy[2]), IF Twins \subseteq s THEN digest ELSE copy[3],
                      pick(ready, copy[4]), (dead \cap s) \cup (copy[5] \ s),
                      [x \in Shards |-> IF x = s THEN owner[x] ELSE copy[6][x]]>>
Replicate(s) ==
  /\ Replica /\ copy # Replicated(s)
  /\ copy' = Replicated(s)
  /\ UNCHANGED <<shardKeys, poolKeys, slot, batcher, outside>> /\ NoFault
TellAccepted(t) ==
  /\ Replica /\ told[t][1] = "-" /\ task[t].st # "none" /\ copy[1][t].st # "none"
  /\ told' = [told EXCEPT ![t] = <<"202", None>>]
  /\ UNCHANGED <<shardKeys, copy, poolKeys, slot, batcher, due>> /\ NoFault
TellEnd(t) ==
  /\ Replica /\ Terminal(t) /\ told[t] # Answer(t)
  /\ AnswerIn(copy[1], copy[2], t) = Answer(t)
  /\ told' = [told EXCEPT ![t] = Answer(t)]
  /\ UNCHANGED <<shardKeys, copy, poolKeys, slot, batcher, due>> /\ NoFault

----------------------------------------------------------------------------
(* Batcher                                                                 *)

\* own-shard.lua, and what the batcher makes of the answer: "acquired" forgets
\* what it knew, for somebody else may have owned the shard in between; "owned"
\* takes over a shard of which the answer was lost; "other" gives it up.
OwnShard(b, s) ==
  LET mine == owner[s] \in {None, b}
  IN /\ owner[s] # b \/ s \notin batcher[b].acts
     /\ mine \/ s \in batcher[b].acts
     /\ owner' = [owner EXCEPT ![s] = IF mine THEN b ELSE @]
     /\ batcher' = [batcher EXCEPT ![b] = [Forgotten(@, s) EXCEPT !.acts = IF mine THEN @ \cup {s} ELSE @ \ {s}]]
     /\ UNCHANGED <<task, run, digest, ready, dead, copy, poolKeys, slot, outside>> /\ NoFault

\* The owner key ends, or is given up, when its batcher does not act any more.
OwnerEnds(s) ==
  /\ owner[s] # None /\ s \notin batcher[owner[s]].acts
  /\ owner' = [owner EXCEPT ![s] = None]
  /\ UNCHANGED <<task, run, digest, ready, dead, notShard>> /\ NoFault

Listed(b, r) == [batcher EXCEPT ![b].mem[r] = IF @ = "no" THEN "waiting" ELSE @]

\* XREADGROUP >: a new entry becomes pending for b.
Read(b, r, c) ==
  /\ Acts(b, r) /\ ready[r][c] = "new"
  /\ ready' = [ready EXCEPT ![r][c] = b]
  /\ batcher' = Listed(b, r)
  /\ UNCHANGED <<task, run, digest, dead, owner, copy, poolKeys, slot, outside>> /\ NoFault

\* XPENDING of the whole group and XCLAIM, at the take-over and every few
\* seconds: what is pending for anybody else [R3], and what b does not have in
\* memory, its own too [R4], claimed by a worker or not [R5].
Sweep(b, r, c) ==
  /\ Acts(b, r) /\ ready[r][c] \notin {"no", "new"}
  /\ ready[r][c] # b \/ batcher[b].mem[r] = "no"
  /\ ready' = [ready EXCEPT ![r][c] = b]
  /\ batcher' = Listed(b, r)
  /\ UNCHANGED <<task, run, digest, dead, owner, copy, poolKeys, slot, outside>> /\ NoFault

\* publish-batch.lua, if there is a credit. What looks late stays back.
Batch(b, S) ==
  /\ S # {} /\ \A r \in S : batcher[b].mem[r] = "waiting" /\ ~Overdue(r)
  /\ S \cap batcher[b].alone = {} \/ Cardinality(S) = 1
Notice(b, S) == [runs |-> S, by |-> b, solo |-> S \subseteq batcher[b].alone]
PublishBatch(b, S) ==
  /\ Batch(b, S) /\ Used < Credits
  /\ notices' = Append(notices, Notice(b, S))
  /\ batcher' = [batcher EXCEPT ![b].mem = [r \in Runs |-> IF r \in S THEN "out" ELSE @[r]]]
  /\ UNCHANGED <<shardKeys, copy, silent, slot, outside>> /\ NoFault

\* look-up.lua for a reference that is out, by a timer of the batcher: closed is
\* forgotten; open and not leased waits again, alone if it must be [R9]. Asking
\* while the notice still waits costs a second notice: the fault "early".
Underway(r) == \/ \E i \in 1..Len(notices) : r \in notices[i].runs
               \/ \E w \in Slots : slot[w].rows[r] = "todo"
LookUp(b, r) ==
  /\ batcher[b].mem[r] = "out" /\ LookUpReply(r) # "leased"
  /\ batcher' = CASE LookUpReply(r) = "closed" -> [batcher EXCEPT ![b] = Forgotten(@, {r})]
                  [] LookUpReply(r) = "ready"  -> [batcher EXCEPT ![b].mem[r] = "waiting"]
                  [] LookUpReply(r) = "apart"  -> [batcher EXCEPT ![b].mem[r] = "waiting", ![b].alone = @ \cup {r}]
  /\ IF Open(r) /\ Underway(r) THEN Fault("early") ELSE NoFault
  /\ UNCHANGED notBatcher

\* expire.lua for a reference that looks late. It is forgotten only if the
\* script says that the run is closed [R6].
BatcherExpire(b, r) ==
  /\ batcher[b].mem[r] = "waiting" /\ IF Open(r) THEN LateTasks(r) # {} ELSE Overdue(r)
  /\ Expire(r)
  /\ batcher' = IF SaysClosed(r) THEN [batcher EXCEPT ![b] = Forgotten(@, {r})] ELSE batcher
  /\ UNCHANGED <<copy, poolKeys, slot, outside>> /\ NoFault

\* unclaim.lua for the batch of a slot that is believed dead, be it a ghost, or
\* a slot that lives and may have gone on to another batch meanwhile.
Unnoticed(r) == Names(Ghost, FALSE, r) /\ \E n \in silent : r \in n.runs
UnclaimGhost(r) ==
  /\ Unnoticed(r)
  /\ UnclaimDied(Ghost, FALSE, r)
  /\ UNCHANGED notShard /\ NoFault
UnclaimBelieved(w, past, r) ==
  /\ slot[w].believed = IF past THEN "late" ELSE "yes"
  /\ past \/ r \in RunsOf(w)
  /\ Names(w, past, r)
  /\ UnclaimDied(w, past, r)
  /\ UNCHANGED notShard /\ NoFault

\* finish-batch.lua, by a batcher for dead slots whose runs it has unclaimed:
\* frees the credit.
Prune ==
  /\ silent # {} /\ \A r \in Runs : ~Unnoticed(r)
  /\ silent' = {}
  /\ UNCHANGED <<shardKeys, copy, notices, slot, batcher, outside>> /\ NoFault
PruneBelieved(w) ==
  /\ slot[w].believed = "yes" /\ slot[w].named
  /\ slot' = [slot EXCEPT ![w] = IF @.busy THEN [@ EXCEPT !.named = FALSE] ELSE Without(@)]
  /\ UNCHANGED <<shardKeys, copy, poolKeys, batcher, outside>> /\ NoFault

----------------------------------------------------------------------------
(* gpu-worker                                                              *)

\* First what is pending for the slot already, for a reply may have been lost
\* [R8]; else XREADGROUP >.
Pull(w) ==
  /\ ~slot[w].busy
  /\ IF slot[w].named
     THEN /\ slot' = [slot EXCEPT ![w].busy = TRUE]
          /\ UNCHANGED notices
     ELSE /\ notices # <<>>
          /\ slot' = [slot EXCEPT ![w] = [With(@, Head(notices)) EXCEPT !.busy = TRUE]]
          /\ notices' = Tail(notices)
  /\ UNCHANGED <<shardKeys, copy, silent, batcher, outside>> /\ NoFault

\* A death hits all slots of a process: what must be alone is alone in it, and
\* while it waits for that, no other batch begins.
Begun(w)  == Held(w) # {} \/ (Rows(w, "todo") # {} /\ Rows(w, "todo") # RunsOf(w))
GateOpen(w) == \A v \in ProcessOf(w) \ {w} :
                 /\ ~(slot[w].solo /\ Begun(v))
                 /\ ~(slot[v].solo /\ slot[v].busy /\ (Begun(v) \/ (~slot[w].solo /\ Rows(v, "todo") # {})))

Row(reply) == CASE reply = "claimed" -> "held"
                [] reply \in {"closed", "dead"} -> "closed"
                [] reply = "apart" -> "apart"
                [] reply \in {"leased", "late"} -> "unknown"
\* claim.lua for the runs of one shard.
ClaimShard(w, s) ==
  LET rs == Rows(w, "todo") \cap s
  IN /\ slot[w].busy /\ rs # {} /\ GateOpen(w)
     /\ Claim(w, rs)
     /\ slot' = [slot EXCEPT
          ![w].rows = [r \in Runs |-> IF r \in rs THEN Row(ClaimReply(w, r)) ELSE @[r]],
          ![w].lost = IF slot[w].believed = "yes" THEN @ \cup {r \in rs : ClaimReply(w, r) = "claimed"} ELSE @]
     /\ UNCHANGED <<copy, poolKeys, batcher, outside>> /\ NoFault

\* The whole batch is claimed, and the model has answered.
Computed(w) == slot[w].busy /\ Rows(w, "todo") = {} /\ Held(w) \cap Deadly = {}
SettleRun(w, r) ==
  /\ Computed(w) /\ r \in Held(w)
  /\ Settle(w, r)
  /\ slot' = SetRow(w, r, "closed")
  /\ UNCHANGED <<copy, poolKeys, batcher, outside>> /\ NoFault

\* A batch id is never used again: what a run says of the batch that ends now
\* is said of a past one from here on.
Pass(rn, w) == [r \in Runs |-> IF rn[r].worker = w THEN [rn[r] EXCEPT !.past = TRUE] ELSE rn[r]]
\* The message of a finished batch: what it does not name is closed. Only the
\* batcher that published the batch knows it.
Heard(x, w) ==
  LET rows == slot[w].rows
      out  == {r \in Runs : x.mem[r] = "out"}
  IN Forgotten([x EXCEPT !.mem = [r \in Runs |-> IF r \in out /\ rows[r] \in {"back", "apart"} THEN "waiting" ELSE @[r]],
                         !.alone = @ \cup {r \in out : rows[r] = "apart"}],
               Rows(w, "closed"))
\* finish-batch.lua: nothing if XPENDING does not name the slot any more. The
\* message may be lost.
FinishBatch(w) ==
  /\ slot[w].busy /\ Rows(w, "todo") = {} /\ Held(w) = {}
  /\ \/ UNCHANGED batcher
     \/ slot[w].named /\ batcher' = [batcher EXCEPT ![slot[w].by] = Heard(@, w)]
  /\ slot' = [slot EXCEPT ![w] = [Without(@) EXCEPT
       !.owed = {<<IF o[1] = "return" THEN "return past" ELSE o[1], o[2]>> : o \in @}]]
  /\ run' = Pass(run, w)
  /\ copy' = IF Replica THEN [copy EXCEPT ![2] = Pass(@, w)] ELSE copy
  /\ UNCHANGED <<task, digest, ready, dead, owner, poolKeys, outside>> /\ NoFault

\* A write that got no answer is repeated in the background, while the slot goes
\* on; at the end of the lease it is given up.
LateWrite(w, o) ==
  /\ o \in slot[w].owed
  /\ \/ CASE o[1] = "settle"      -> Settle(w, o[2])
          [] o[1] = "return"      -> UnclaimReturned(w, FALSE, o[2])
          [] o[1] = "return past" -> UnclaimReturned(w, TRUE, o[2])
     \/ UNCHANGED shardKeys
  /\ slot' = [slot EXCEPT ![w].owed = @ \ {o}]
  /\ UNCHANGED <<copy, poolKeys, batcher, outside>> /\ NoFault

\* Time: the lease of a claim on which nobody works any more ends. That of a dead
\* slot outlasts the time until batchers find it silent (LEASE_SLACK_MS).
LeaseEnds(r) ==
  /\ run[r].lease /\ ~Unnoticed(r)
  /\ ~\E w \in Slots : run[r].worker = w /\ ~run[r].past /\ slot[w].rows[r] \in {"held", "todo"}
  /\ run' = [run EXCEPT ![r].lease = FALSE]
  /\ UNCHANGED <<task, digest, ready, dead, owner, notShard>> /\ NoFault
=============================================================================
