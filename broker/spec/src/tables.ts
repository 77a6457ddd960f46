import type { Mutation } from "./mutation.js";
import type { CountedWorld } from "./worlds.js";

/** The worlds as a table of Markdown. */
export function worldsTable(worlds: readonly CountedWorld[]): string {
  return table(
    ["world", "module", "states", "shows"],
    worlds.map(({ world, distinctStates }) => [
      `\`${world.name}\``,
      world.module,
      distinctStates.toLocaleString("en-GB"),
      world.shows,
    ]),
  );
}

/** The mutations as a table of Markdown. */
export function mutationsTable(mutations: readonly Mutation[]): string {
  return table(
    ["mutation", "what is broken", "in a world with", "caught by"],
    mutations.map(({ name, breaks, world, caughtBy }) => [
      `\`${name}\``,
      breaks,
      describeWorld(world.constants),
      caughtBy === undefined ? "nothing, it costs time" : `\`${caughtBy}\``,
    ]),
  );
}

/** What sets a small world apart, in the words of its constants. */
function describeWorld(constants: Readonly<Record<string, string>>): string {
  const { Shards, Twins, Processes, FaultKinds, MaxFaults, Events, Deadly, Replica } = constants;
  if (Shards === undefined)
    return Object.entries(constants)
      .map(([name, value]) => `${name} ${value}`)
      .join(", ");
  const faults = MaxFaults === "0" ? "no fault" : `${MaxFaults} of ${unquoted(FaultKinds)}`;
  return [
    `shards ${Shards}`,
    ...(Twins === "{}" ? [] : ["twins"]),
    `workers ${Processes}`,
    ...(Deadly === "{}" ? [] : [`deadly ${Deadly}`]),
    ...(Events === "{}" ? [] : [`events ${unquoted(Events)}`]),
    ...(Replica === "TRUE" ? ["a replica"] : []),
    faults,
  ].join(", ");
}

function unquoted(set = ""): string {
  return set.replaceAll('"', "");
}

function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  return [columns, columns.map(() => "---"), ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n");
}
