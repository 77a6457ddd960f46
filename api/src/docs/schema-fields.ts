import type { Json } from "../openapi/document.js";
import { type Html, html, prose } from "./html.js";

/** The fields of objects of one or several forms, a row for each field; nothing for other schemas. Pure. */
export function toFields(forms: readonly Json[]): Html {
  const names = [...new Set(forms.flatMap((form) => Object.keys(propertiesOf(form))))];
  return html`${names.map((name) => toRow(name, forms))}`;
}

function toRow(name: string, forms: readonly Json[]): Html {
  const having = forms.filter((form) => Object.hasOwn(propertiesOf(form), name));
  const fields = having.map((form) => propertiesOf(form)[name] ?? {});
  const types = [...new Set(fields.map((field) => toTypeText(field)))].join(" or ");
  const isRequired = having.every((form) => ((form["required"] ?? []) as readonly string[]).includes(name));
  const presence = !isRequired ? ", optional" : having.length < forms.length ? ", in one of the forms" : "";
  const description = fields.map((field) => field["description"]).find((text) => typeof text === "string");
  return html`<tr>
    <td><code>${name}</code></td>
    <td>${types}${presence}</td>
    <td>${prose(String(description ?? ""))}</td>
  </tr>`;
}

const propertiesOf = (form: Json): Readonly<Record<string, Json>> =>
  (form["properties"] ?? {}) as Readonly<Record<string, Json>>;

/** A schema in a few words. */
export function toTypeText(schema: Json): string {
  const {
    type,
    enum: values,
    const: value,
    anyOf,
    oneOf,
    items,
    properties,
  } = schema as {
    readonly type?: string;
    readonly enum?: readonly unknown[];
    readonly const?: unknown;
    readonly anyOf?: readonly Json[];
    readonly oneOf?: readonly Json[];
    readonly items?: Json;
    readonly properties?: Record<string, Json>;
  };
  if (value !== undefined) return JSON.stringify(value);
  if (values) return values.length > 12 ? "one of the codes" : values.map((each) => JSON.stringify(each)).join(" | ");
  const choices = anyOf ?? oneOf;
  if (choices) return choices.map(toTypeText).join(" | ");
  if (type === "array") return `list of ${items ? toTypeText(items) : "anything"}`;
  if (properties) {
    return `{ ${Object.entries(properties)
      .map(([name, property]) => `${name}: ${toTypeText(property)}`)
      .join(", ")} }`;
  }
  if (type === "object") return "object";
  if (type === undefined) return "anything";
  return `${type}${toRange(schema)}`;
}

/** Limits that the JSON numbers of machines do not have anyway. */
function toRange({ minimum, maximum }: Json): string {
  const from = typeof minimum === "number" && minimum > Number.MIN_SAFE_INTEGER ? minimum : undefined;
  const to = typeof maximum === "number" && maximum < Number.MAX_SAFE_INTEGER ? maximum : undefined;
  if (from === undefined && to === undefined) return "";
  return to === undefined ? ` from ${from}` : from === undefined ? ` up to ${to}` : ` from ${from} to ${to}`;
}
