import { join } from "node:path";

import type { UnplannedExit } from "../managed-process.js";
import type { Fleet } from "../roles/start-fleet.js";
import { type Conductor, type ConductorEvents, createConductor } from "./conduct-member.js";
import { type ControlFolder, createControlFolder } from "./control-folder.js";
import { addHits } from "./traced-points.js";

/** The conductors of all processes of a fleet. */
export interface Crew {
  /** What a process is started with. */
  envOf(name: string): Readonly<Record<string, string>>;
  isPlannedExit(exit: UnplannedExit): boolean;
  /** Puts a conductor to each process; they are called every few ms from now on. */
  man(fleet: Fleet, events: ConductorEvents): void;
  conductors(): readonly Conductor[];
  /** What all processes hit together. */
  hits(): Record<string, number>;
  stop(): void;
}

const TICK_MS = 50;

/** @param dir gets a folder for each process. */
export function createCrew(dir: string): Crew {
  const controls = new Map<string, ControlFolder>();
  const conductors = new Map<string, Conductor>();
  let timer: NodeJS.Timeout | undefined;
  const controlOf = (name: string): ControlFolder => {
    const control = controls.get(name) ?? createControlFolder(join(dir, name));
    controls.set(name, control);
    return control;
  };
  return {
    envOf: (name) => controlOf(name).env,
    isPlannedExit: ({ name }) => conductors.get(name)?.wasPlanned() ?? false,
    man(fleet, events) {
      for (const member of fleet.members) {
        conductors.set(member.name, createConductor(member, controlOf(member.name), events));
      }
      timer = setInterval(() => conductors.forEach((conductor) => conductor.tick()), TICK_MS);
    },
    conductors: () => [...conductors.values()],
    hits() {
      const sum: Record<string, number> = {};
      for (const { hits } of conductors.values()) addHits(sum, hits);
      return sum;
    },
    stop: () => clearInterval(timer),
  };
}
