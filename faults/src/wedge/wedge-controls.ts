import type { Patch } from "../roles/copy-programs.js";

/** A deliberate break of what keeps connections from wedging: the campaign must notice it. */
export interface WedgeControl {
  readonly name: string;
  /** The fault under which it shows. */
  readonly fault: string;
  readonly patches: readonly Patch[];
}

const LOST = "black hole, connections lost";

/** Each takes one guard away. */
export const WEDGE_CONTROLS: readonly WedgeControl[] = [
  {
    name: "a blocking read waits for its reply for ever",
    fault: LOST,
    patches: [
      {
        file: "broker/dist/redis/blocking-connection.js",
        find: "await within(reply, blockMs + GRACE_MS)",
        replace: "await reply",
      },
    ],
  },
  {
    name: "a command connection on which nothing comes back is kept",
    fault: LOST,
    patches: [{ file: "broker/dist/redis/connect.js", find: "socketTimeout: COMMAND_TIMEOUT_MS", replace: "" }],
  },
  {
    name: "a subscription that nobody confirms is kept",
    fault: LOST,
    patches: [
      {
        file: "broker/dist/redis/shard-subscriber.js",
        find: "            renew();\n",
        replace: "",
      },
    ],
  },
  {
    name: "a read loop ends at its first error",
    fault: "resets",
    patches: [
      {
        file: "gpu-worker/dist/slot.js",
        find: "heartbeat.doubt(name);",
        replace: "heartbeat.doubt(name); stop.abort();",
      },
    ],
  },
];
