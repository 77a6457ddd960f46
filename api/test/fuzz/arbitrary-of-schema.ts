import fc from "fast-check";

/** A JSON Schema, as far as our document uses it. */
export interface Schema {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxItems?: number;
  readonly pattern?: string;
}

/** Values by the names of fields, where a schema allows more than can make sense. */
export type Overrides = Readonly<Record<string, fc.Arbitrary<unknown>>>;

const LARGEST_LIST = 6;

/** Values that a schema allows. */
export function arbitraryOf(schema: Schema, overrides: Overrides = {}): fc.Arbitrary<unknown> {
  const { type, enum: values, anyOf, oneOf, properties, items, minimum = -1e6, maximum = 1e6 } = schema;
  if (Object.hasOwn(schema, "const")) return fc.constant(schema.const);
  if (values) return fc.constantFrom(...values);
  const choices = anyOf ?? oneOf;
  if (choices) return fc.oneof(...choices.map((choice) => arbitraryOf(choice, overrides)));
  if (properties) return objectOf(properties, schema.required ?? [], overrides);
  switch (type) {
    case "boolean":
      return fc.boolean();
    case "integer":
      return fc.integer({ min: Math.max(minimum, -1e6), max: Math.min(maximum, 1e6) });
    case "number":
      return fc.double({ min: minimum, max: maximum, noNaN: true });
    case "array":
      return fc.array(arbitraryOf(items ?? {}, overrides), { maxLength: Math.min(schema.maxItems ?? 9, LARGEST_LIST) });
    case "string":
      return schema.pattern === undefined
        ? fc.string({ unit: "grapheme", minLength: schema.minLength ?? 0, maxLength: 40 })
        : fc.stringMatching(new RegExp(schema.pattern));
    default:
      return fc.jsonValue({ maxDepth: 3 });
  }
}

function objectOf(
  properties: Readonly<Record<string, Schema>>,
  required: readonly string[],
  overrides: Overrides,
): fc.Arbitrary<unknown> {
  const fields = Object.entries(properties).map(
    ([name, schema]) => [name, overrides[name] ?? arbitraryOf(schema, overrides)] as const,
  );
  const optional = fields.filter(([name]) => !required.includes(name)).map(([name]) => name);
  // Most requests have few options.
  return fc
    .tuple(fc.record(Object.fromEntries(fields)), fc.array(fc.constantFrom("", ...optional), { maxLength: 3 }))
    .map(([all, kept]) =>
      Object.fromEntries(Object.entries(all).filter(([name]) => required.includes(name) || kept.includes(name))),
    );
}
