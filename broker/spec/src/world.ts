/** The specifications that can be checked: root modules in `broker/spec/`. */
export type SpecModule = "custody" | "retention" | "idempotency";

/** A small world in which a specification is checked: values for its constants, and what must hold. */
export interface World {
  readonly name: string;
  /** What it is there for. */
  readonly shows: string;
  readonly module: SpecModule;
  /** The behaviours: with promises of progress, or any at all. */
  readonly specification: "Spec" | "Safety";
  /** Names that stand for themselves: tasks, slots, batchers. */
  readonly names: readonly string[];
  /** TLA+ expressions. */
  readonly constants: Readonly<Record<string, string>>;
  /** The definition that says what may be swapped without a difference. */
  readonly symmetry?: string;
  /** What holds in every state. */
  readonly invariants: readonly string[];
  /** What holds of steps, and at last. */
  readonly properties: readonly string[];
}

/** The world as the configuration file of TLC. */
export function worldConfig(world: World): string {
  const { specification, names, constants, symmetry, invariants, properties } = world;
  return [
    `SPECIFICATION ${specification}`,
    "CONSTANTS",
    ...names.map((name) => `  ${name} = ${name}`),
    ...Object.entries(constants).map(([name, value]) => `  ${name} = ${value}`),
    ...(symmetry === undefined ? [] : [`SYMMETRY ${symmetry}`]),
    ...(invariants.length === 0 ? [] : [`INVARIANTS ${invariants.join(" ")}`]),
    ...(properties.length === 0 ? [] : [`PROPERTIES ${properties.join(" ")}`]),
    "",
  ].join("\n");
}
