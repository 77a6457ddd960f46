------------------------------- MODULE faults ------------------------------
(***************************************************************************)
(* What goes wrong. Each action but Killed is one of at most MaxFaults,    *)
(* and happens only in worlds that name its kind.                          *)
(***************************************************************************)
EXTENDS roles

----------------------------------------------------------------------------
(* A gpu-worker dies, hangs, or has trouble with its endpoint              *)

\* All slots of a process go; it starts again, and its slots have new names.
Lost(rn, p) == [r \in Runs |-> IF rn[r].worker \in p THEN [rn[r] EXCEPT !.worker = Ghost, !.past = FALSE] ELSE rn[r]]
Reboot(p) ==
  /\ run' = Lost(run, p)
  /\ copy' = IF Replica THEN [copy EXCEPT ![2] = Lost(@, p)] ELSE copy
  /\ silent' = silent \cup {NoticeOf(w) : w \in {v \in p : slot[v].named}}
  /\ slot' = [w \in Slots |-> IF w \in p THEN NoNotice ELSE slot[w]]
  /\ UNCHANGED <<task, digest, ready, dead, owner, notices, batcher, outside>>

\* An input that kills does so every time, whatever else runs in the process.
Killed(p) ==
  /\ \E w \in p : slot[w].busy /\ Rows(w, "todo") = {} /\ Held(w) \cap Deadly # {}
  /\ Reboot(p) /\ NoFault

WorkerCrash(p) == (\E w \in p : slot[w] # NoNotice) /\ Fault("worker crash") /\ Reboot(p)

\* It hangs until its lease is over, and goes on.
LeaseEndsEarly(w, r) ==
  /\ r \in Held(w) /\ run[r].worker = w /\ ~run[r].past /\ run[r].lease
  /\ Fault("worker pause")
  /\ run' = [run EXCEPT ![r].lease = FALSE]
  /\ slot' = [slot EXCEPT ![w].lost = @ \cup {r}]
  /\ UNCHANGED <<task, digest, ready, dead, owner, copy, poolKeys, batcher, outside>>

\* Its heartbeat stops for so long that its batch is taken from it; it goes on.
Believed(w) ==
  /\ slot[w].named /\ slot[w].believed # "yes"
  /\ Fault("worker pause")
  /\ slot' = [slot EXCEPT ![w].believed = "yes", ![w].lost = Held(w)]
  /\ UNCHANGED <<shardKeys, copy, poolKeys, batcher, outside>>

\* The endpoint is in trouble: a run is given back, or nothing is even claimed.
GiveBack(w, r) ==
  /\ Computed(w) /\ r \in Held(w)
  /\ Fault("endpoint")
  /\ UnclaimReturned(w, FALSE, r)
  /\ slot' = SetRow(w, r, IF Names(w, FALSE, r) THEN "back" ELSE "unknown")
  /\ UNCHANGED <<copy, poolKeys, batcher, outside>>
LeaveAll(w) ==
  /\ slot[w].busy /\ Rows(w, "todo") = RunsOf(w)
  /\ Fault("endpoint")
  /\ slot' = [slot EXCEPT ![w].rows = [r \in Runs |-> IF r \in RunsOf(w) THEN "back" ELSE "no"]]
  /\ UNCHANGED <<shardKeys, copy, poolKeys, batcher, outside>>

----------------------------------------------------------------------------
(* A batcher dies, hangs, or hands a shard over                            *)

\* It starts again with another name as a consumer.
BatcherCrash(b) ==
  /\ batcher[b].acts # {} /\ Fault("batcher crash")
  /\ ready' = [r \in Runs |-> [c \in Classes |-> IF ready[r][c] = b THEN "dead" ELSE ready[r][c]]]
  /\ batcher' = [batcher EXCEPT ![b] = NoMemory]
  /\ UNCHANGED <<task, run, digest, dead, owner, copy, poolKeys, slot, outside>>

\* Its lease of a shard ends, and it goes on as if it were the owner.
BatcherPause(s) ==
  /\ owner[s] # None /\ Fault("batcher pause")
  /\ owner' = [owner EXCEPT ![s] = None]
  /\ UNCHANGED <<task, run, digest, ready, dead, notShard>>

\* It forgets a shard that falls to another, and gives up the key next.
HandOver(b, s) ==
  /\ s \in batcher[b].acts /\ Fault("batcher pause")
  /\ batcher' = [batcher EXCEPT ![b] = [Forgotten(@, s) EXCEPT !.acts = @ \ {s}]]
  /\ UNCHANGED notBatcher

----------------------------------------------------------------------------
(* A connection is cut, or a shard does not answer                         *)

\* An admission whose answer was lost is sent again, at any time.
AdmitAgain(t) ==
  /\ task[t].st # "none" /\ Fault("resend")
  /\ Admit(t) /\ UNCHANGED notShard

CutOwnShard(b, s) ==
  /\ owner[s] = None /\ Fault("cut")
  /\ owner' = [owner EXCEPT ![s] = b]
  /\ UNCHANGED <<task, run, digest, ready, dead, notShard>>
CutRead(b, r, c) ==
  /\ Acts(b, r) /\ ready[r][c] = "new" /\ Fault("cut")
  /\ ready' = [ready EXCEPT ![r][c] = b]
  /\ UNCHANGED <<task, run, digest, dead, owner, notShard>>
CutPublish(b, S) ==
  /\ Batch(b, S) /\ Used < Credits /\ Fault("cut")
  /\ notices' = Append(notices, Notice(b, S))
  /\ UNCHANGED <<shardKeys, copy, silent, slot, batcher, outside>>
CutPull(w) ==
  /\ ~slot[w].busy /\ ~slot[w].named /\ notices # <<>> /\ Fault("cut")
  /\ slot' = [slot EXCEPT ![w] = With(@, Head(notices))]
  /\ notices' = Tail(notices)
  /\ UNCHANGED <<shardKeys, copy, silent, batcher, outside>>

\* The claim of one shard's runs, carried out or not: they are left alone, and
\* what may have been claimed is to be given back. Or, as a Cluster's client
\* does by itself, the command is sent again.
CutClaim(w, s) ==
  LET rs == Rows(w, "todo") \cap s
  IN /\ slot[w].busy /\ rs # {} /\ GateOpen(w) /\ Fault("cut")
     /\ \/ Claim(w, rs)
        \/ UNCHANGED shardKeys
     /\ \/ slot' = [slot EXCEPT ![w].rows = [r \in Runs |-> IF r \in rs THEN "unknown" ELSE @[r]],
                                ![w].owed = @ \cup {<<"return", r>> : r \in rs}]
        \/ UNCHANGED slot
     /\ UNCHANGED <<copy, poolKeys, batcher, outside>>

\* A shard does not answer the batcher that has found a slot silent and takes its
\* notice away all the same: that death is not counted.
CutUnclaim(r) ==
  /\ Unnoticed(r) /\ Fault("cut")
  /\ run' = [run EXCEPT ![r].lease = FALSE, ![r].worker = None]
  /\ UNCHANGED <<task, digest, ready, dead, owner, notShard>>

\* The settlement of a run, carried out or not: it is repeated as a late write.
CutSettle(w, r) ==
  /\ Computed(w) /\ r \in Held(w) /\ Fault("cut")
  /\ \/ Settle(w, r)
     \/ UNCHANGED shardKeys
  /\ slot' = [SetRow(w, r, "unknown") EXCEPT ![w].owed = @ \cup {<<"settle", r>>}]
  /\ UNCHANGED <<copy, poolKeys, batcher, outside>>

----------------------------------------------------------------------------
(* A failover undoes what was not replicated                               *)

\* Of the pool: an XADD ...
PoolLosesNotice(i) ==
  /\ i \in 1..Len(notices) /\ Fault("pool")
  /\ notices' = SubSeq(notices, 1, i - 1) \o SubSeq(notices, i + 1, Len(notices))
  /\ UNCHANGED <<shardKeys, copy, silent, slot, batcher, outside>>
\* ... or, of a notice that is with a slot, only the XREADGROUP ...
PoolLosesPull(w, again) ==
  /\ slot[w].named /\ Fault("pool")
  /\ notices' = IF again THEN Append(notices, NoticeOf(w)) ELSE notices
  /\ slot' = [slot EXCEPT ![w] = IF @.busy THEN [@ EXCEPT !.named = FALSE] ELSE Without(@)]
  /\ UNCHANGED <<shardKeys, copy, silent, batcher, outside>>
\* ... or an XACK + XDEL: a notice of the past comes back.
PoolReturns(b, S) ==
  /\ S # {} /\ \A r \in S : task[r].run = r
  /\ Len(notices) < Credits /\ Fault("pool")
  /\ notices' = Append(notices, [runs |-> S, by |-> b, solo |-> FALSE])
  /\ UNCHANGED <<shardKeys, copy, silent, slot, batcher, outside>>

\* Of a shard. Leases may go with it, so every held run counts as lost.
Undone(s) == LET pick(now, old) == [x \in DOMAIN now |-> IF x \in s THEN old[x] ELSE now[x]]
             IN /\ task' = pick(task, copy[1]) /\ run' = pick(run, copy[2])
                /\ digest' = IF Twins \subseteq s THEN copy[3] ELSE digest
                /\ ready' = pick(ready, copy[4])
                /\ dead' = (dead \ s) \cup (copy[5] \cap s)
                /\ owner' = [owner EXCEPT ![s] = copy[6][s]]
ShardFailover(s) ==
  /\ Replica /\ copy # Replicated(s) /\ Fault("shard")
  /\ Undone(s)
  /\ slot' = [w \in Slots |-> [slot[w] EXCEPT !.lost = @ \cup (Held(w) \cap s)]]
  /\ UNCHANGED <<copy, poolKeys, batcher, outside>>
=============================================================================
