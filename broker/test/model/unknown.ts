/** The test cannot say what Redis answers because it would have to know more precisely when something happened. */
export class Undecided extends Error {}

/**
 * When one step was carried out: a millisecond of the server that the model can only bound. The first value that
 * shows it makes it exact, and every other value of the same step must agree.
 */
export class Moment {
  /** @param order of two moments, the one with the greater order is not the earlier one. */
  constructor(
    public fromMs: number,
    public untilMs: number,
    readonly order: number,
  ) {}
}

/** A time as the model knows it: so long after a moment. */
export class Time {
  constructor(
    readonly moment: Moment,
    readonly plusMs: number,
  ) {}
  get fromMs(): number {
    return this.moment.fromMs + this.plusMs;
  }
  get untilMs(): number {
    return this.moment.untilMs + this.plusMs;
  }
  plus(ms: number): Time {
    return new Time(this.moment, this.plusMs + ms);
  }
}

/** The id that Redis gives to a stream entry; known from the first look at the stream. */
export class EntryId {
  constructor(public text?: string) {}
}

/** The time that is the first part of an entry's id. */
export class EntryTime {
  constructor(readonly id: EntryId) {}
}

/** How long it is from one time to another. */
export class Remaining {
  constructor(
    readonly of: Time,
    readonly at: Moment,
  ) {}
}

/** Text made of words with a space between them. */
export class Words {
  constructor(readonly words: readonly Expected[]) {}
}

/** A time to live: Redis counts it from the start of the command, which is not exactly the moment that a script reads. */
export class Expiry {
  constructor(readonly time: Time) {}
}

/** A number within bounds. */
export class Between {
  constructor(
    readonly least: number,
    readonly most: number,
  ) {}
}

/** Names that must be there, and names that may be: versions of Redis differ in when they make a consumer. */
export class Names {
  constructor(
    readonly sure: readonly string[],
    readonly maybe: readonly string[],
  ) {}
}

/** Plain data with unknowns in it. Text stands for bytes, one character each. */
export type Expected =
  | string
  | number
  | boolean
  | null
  | undefined
  | Time
  | EntryId
  | EntryTime
  | Remaining
  | Words
  | Expiry
  | Between
  | Names
  | readonly Expected[]
  | { readonly [field: string]: Expected };

/** The time of a moment itself. */
export const timeOf = (moment: Moment): Time => new Time(moment, 0);

/** Whether `a` is before `b`. @throws Undecided if that depends on milliseconds that the model does not know. */
export function isBefore(a: Time, b: Time): boolean {
  if (a.moment === b.moment) return a.plusMs < b.plusMs;
  if (a.moment.order < b.moment.order && a.plusMs < b.plusMs) return true;
  if (a.moment.order > b.moment.order && a.plusMs >= b.plusMs) return false;
  if (a.untilMs < b.fromMs) return true;
  if (a.fromMs >= b.untilMs) return false;
  throw new Undecided("two times are too close to say which is first");
}

/** The later one of two times, where `b` is of a moment that is not the earlier one. @throws Undecided like `isBefore` */
export function later(a: Time, b: Time): Time {
  return b.plusMs >= a.plusMs || !isBefore(b, a) ? b : a;
}

/** How much later than the script's own time a time to live may be counted from. */
const EXPIRY_SLACK_MS = 1_000;

/** Where `actual` is not what was expected, one line each; makes unknowns exact on the way. Empty if all is right. */
export function differences(expected: Expected, actual: unknown, path: string): string[] {
  const wrong = () => [`${path}: expected ${describeExpected(expected)}, got ${JSON.stringify(actual)}`];
  if (expected instanceof Time) return learn(expected.moment, Number(actual) - expected.plusMs) ? [] : wrong();
  if (expected instanceof Remaining) return learn(expected.at, expected.of.fromMs - Number(actual)) ? [] : wrong();
  if (expected instanceof EntryId) {
    expected.text ??= String(actual);
    return expected.text === actual ? [] : wrong();
  }
  if (expected instanceof EntryTime) return expected.id.text?.startsWith(`${String(actual)}-`) ? [] : wrong();
  if (expected instanceof Expiry) {
    const { fromMs, untilMs } = expected.time;
    const ms = Number(actual);
    return ms >= fromMs - EXPIRY_SLACK_MS && ms <= untilMs + EXPIRY_SLACK_MS ? [] : wrong();
  }
  if (expected instanceof Between) {
    return typeof actual === "number" && actual >= expected.least && actual <= expected.most ? [] : wrong();
  }
  if (expected instanceof Words) {
    const words = expected.words.flatMap((word): Expected => (typeof word === "string" ? word.split(" ") : [word]));
    return differences(words, String(actual).split(" "), path);
  }
  if (expected instanceof Names) {
    const names = actual as readonly string[];
    const known = [...expected.sure, ...expected.maybe];
    const right = expected.sure.every((name) => names.includes(name)) && names.every((name) => known.includes(name));
    return right ? [] : wrong();
  }
  if (typeof expected !== "object" || expected === null) return Object.is(expected, actual) ? [] : wrong();
  if (typeof actual !== "object" || actual === null) return wrong();
  return inside(expected as Record<string, Expected>, actual as Record<string, unknown>, path);
}

/** `expected` and `actual` are both lists, or both objects. */
function inside(expected: Record<string, Expected>, actual: Record<string, unknown>, path: string): string[] {
  if (Array.isArray(expected) !== Array.isArray(actual)) return [`${path}: not both are lists`];
  const found: string[] = [];
  for (const [name, value] of Object.entries(expected)) {
    if (name in actual || value === undefined) found.push(...differences(value, actual[name], `${path} ${name}`));
    else found.push(`${path}: ${name} is missing, expected ${describeExpected(value)}`);
  }
  for (const [name, value] of Object.entries(actual)) {
    if (!(name in expected) && value !== undefined) found.push(`${path}: unexpected ${name} ${JSON.stringify(value)}`);
  }
  return found;
}

/** Notes that a moment was exactly `ms`; false if it cannot have been. */
function learn(moment: Moment, ms: number): boolean {
  if (!(ms >= moment.fromMs && ms <= moment.untilMs)) return false;
  moment.fromMs = ms;
  moment.untilMs = ms;
  return true;
}

function describeExpected(expected: Expected): string {
  return JSON.stringify(expected, (_name, value: unknown) =>
    value instanceof Time ? `time ${value.fromMs}..${value.untilMs}` : value,
  );
}
