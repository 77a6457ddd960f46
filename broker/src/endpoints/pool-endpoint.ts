/** One Triton of a pool. */
export interface EndpointAddress {
  /** `host:port` of its gRPC port: its name, too. */
  readonly url: string;
  /** Its part of the slots against others: 2 gets twice as many as 1. Slots that pull balance by themselves; mostly 1. */
  readonly weight: number;
}

/** `draining`: what is in hand there ends, and nothing more is begun. */
export type EndpointState = "active" | "draining";

/** A Triton as operators name it while Sluice runs. */
export interface PoolEndpoint extends EndpointAddress {
  readonly state: EndpointState;
}

/** Above it a weight is a mistake. */
const MAX_WEIGHT = 64;
const URL_PATTERN = /^[^\s/,;*]+:\d{1,5}$/;
const WEIGHT_PATTERN = /^\d{1,3}(?:\.\d{1,3})?$/;
const STATES: readonly EndpointState[] = ["active", "draining"];

/** `HOST:PORT`, or `HOST:PORT*WEIGHT` -> an address. @returns undefined for anything else. */
export function parseEndpointAddress(text: string): EndpointAddress | undefined {
  const [url, weight] = parseWeighted(text);
  return weight !== undefined && URL_PATTERN.test(url) ? { url, weight } : undefined;
}

/** Field and value of the hash of a pool -> an endpoint. @returns undefined for what nobody of ours has written. */
export function parsePoolEndpoint(url: string, value: string): PoolEndpoint | undefined {
  const [text, weight] = parseWeighted(value);
  const state = STATES.find((name) => name === text);
  return state && weight !== undefined && URL_PATTERN.test(url) ? { url, weight, state } : undefined;
}

/** The value of its field: `active`, `draining`, `active*2`. */
export function formatPoolEndpoint({ state, weight }: Omit<PoolEndpoint, "url">): string {
  return weight === 1 ? state : `${state}*${weight}`;
}

function parseWeighted(text: string): [name: string, weight: number | undefined] {
  const [name = "", weightText = "1", ...more] = text.split("*");
  const weight = Number(weightText);
  const isWeight = more.length === 0 && WEIGHT_PATTERN.test(weightText) && weight > 0 && weight <= MAX_WEIGHT;
  return [name, isWeight ? weight : undefined];
}
