import { BrokerError } from "@sluice/broker";

/**
 * Refuses a request that takes no JSON. Weights only matter where there is a choice, so of them only `q=0` is read.
 * @throws BrokerError not-acceptable
 */
export function requireJsonAccepted(accept: string | undefined): void {
  if (accept === undefined || accept === "*/*" || accept === "application/json") return;
  const accepted = accept.toLowerCase().split(",").some(isJsonRange);
  if (!accepted) throw new BrokerError("not-acceptable", "answers are application/json");
}

function isJsonRange(range: string): boolean {
  const [type = "", ...parameters] = range.split(";").map((part) => part.trim());
  return (
    ["*/*", "application/*", "application/json", "application/problem+json"].includes(type) &&
    !parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter))
  );
}
