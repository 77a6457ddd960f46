import type { Caller } from "../proxy/proxied-connection.js";
import type { RedisNode } from "../topology/redis-node.js";
import type { Topology } from "../topology/topology.js";

/** Some servers and processes. */
export interface Side {
  readonly nodes: readonly RedisNode[];
  readonly processNames: readonly string[];
}

/**
 * Parts these from everybody else: nothing passes between the sides in either direction, not from clients to servers,
 * not from replicas to masters, not on the bus of a Cluster. Who is on the same side goes on. The harness itself, where
 * it uses links, is with everybody else.
 * @param topology a separable one.
 * @returns joins the sides again; what was sent meanwhile arrives then.
 */
export async function separate(topology: Topology, side: Side): Promise<() => Promise<void>> {
  const here = new Set(side.processNames.map((name) => requireAddress(name, topology.sourceAddressOf(name))));
  for (const { name, sourceAddress } of side.nodes) here.add(requireAddress(name, sourceAddress));
  for (const node of topology.nodes) {
    const isHere = side.nodes.includes(node);
    const isApart = ({ address }: Caller): boolean => here.has(address) !== isHere;
    for (const link of linksOf(node)) await link.setFault({ kind: "black-hole" }, isApart);
  }
  return async () => {
    await Promise.all(topology.nodes.flatMap(linksOf).map((link) => link.setFault(undefined)));
  };
}

/**
 * Cuts the replication between a master and a replica, and nothing else: what was sent already may still arrive.
 * @returns lets it pass again.
 */
export async function cutReplication(master: RedisNode, replica: RedisNode): Promise<() => Promise<void>> {
  const address = requireAddress(replica.name, replica.sourceAddress);
  await master.link.setFault({ kind: "black-hole" }, (caller) => caller.address === address);
  return () => master.link.setFault(undefined);
}

function linksOf({ link, busLink }: RedisNode) {
  return busLink === undefined ? [link] : [link, busLink];
}

function requireAddress(name: string, address: string | undefined): string {
  if (address === undefined) throw new Error(`${name} cannot be told from others: the topology is not separable`);
  return address;
}
