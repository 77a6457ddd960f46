import { invalidFields, toPointer } from "../submission/invalid-field.js";

/** Query parameters by name. */
export type Query = Readonly<Record<string, string>>;

const NO_QUERY: Query = Object.freeze({});

/**
 * Reads the query of a request target.
 * @param known names that may be there, each once.
 * @throws BrokerError validation-failed
 */
export function parseQuery(target: string | undefined, known: readonly string[]): Query {
  const start = target?.indexOf("?") ?? -1;
  if (target === undefined || start === -1) return NO_QUERY;
  const query = new Map<string, string>();
  const errors = [];
  for (const [name, value] of new URLSearchParams(target.slice(start + 1))) {
    const pointer = toPointer([name]);
    if (!known.includes(name)) errors.push({ pointer, detail: "is no query parameter here" });
    else if (query.has(name)) errors.push({ pointer, detail: "is given twice" });
    else query.set(name, value);
  }
  if (errors.length > 0) throw invalidFields("validation-failed", errors);
  return Object.fromEntries(query);
}
