export { startTopology } from "./topology/start-topology.js";
export { type Topology, TOPOLOGY_KINDS, type TopologyKind, waitUntilWhole } from "./topology/topology.js";
