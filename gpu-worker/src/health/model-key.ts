import type { ModelDefinition } from "@sluice/broker";

/** Names one version of a model where health is kept: a new version may fail while the old one works. `NAME:VERSION`. */
export function formatModelKey({ name, version }: Pick<ModelDefinition, "name" | "version">): string {
  return `${name}:${version}`;
}

/** What a key names; a name has no colon. */
export function parseModelKey(key: string): Pick<ModelDefinition, "name" | "version"> {
  const end = key.indexOf(":");
  return { name: key.slice(0, end), version: key.slice(end + 1) };
}
