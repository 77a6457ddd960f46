import {
  BrokerError,
  createApiKey,
  isOwnerName,
  listApiKeys,
  type ListedApiKey,
  revokeApiKey,
  type Scope,
  SCOPES,
} from "@sluice/broker";
import { formatTime } from "../config/format-change.js";
import type { KeysAction } from "../parse-command.js";
import type { CommandDeps } from "../sluice-io.js";
import { formatTable } from "../table.js";

const HEADER = ["id", "name", "owner", "scopes", "rate", "made", "used last"];
const MAX_NAME_CHARS = 100;

/** `sluice keys ...`. @throws BrokerError config-invalid | storage-unavailable */
export async function runKeys(action: KeysAction, { redis, io }: CommandDeps): Promise<void> {
  switch (action.name) {
    case "create": {
      const { text, key } = await createApiKey(redis, { ...toKey(action), createdMs: io.clock.epochMs() });
      io.print(`${text}\n`);
      io.printError(`This is the only time that it is shown. Its id is ${key.id}, its tasks belong to ${key.owner}.\n`);
      return;
    }
    case "list":
      io.print(
        formatTable([HEADER, ...(await listApiKeys(redis)).map(toRow)])
          .map((line) => `${line}\n`)
          .join(""),
      );
      return;
    case "revoke":
      if (!(await revokeApiKey(redis, action.id))) throw refused(`there is no key ${action.id}`);
      io.print(`${action.id} is revoked\n`);
  }
}

/** @throws BrokerError config-invalid */
function toKey({ label, owner = label, scopes = "submit,read", rate }: KeysAction & { name: "create" }) {
  if (label.length > MAX_NAME_CHARS || !/^[\x20-\x7e]+$/.test(label)) {
    throw refused(`a name has at most ${MAX_NAME_CHARS} printable characters`);
  }
  if (!isOwnerName(owner)) {
    throw refused(`OWNER ${owner}: letters, digits and _.@- only, at most 64, a letter or digit first`);
  }
  const words = scopes.split(",").map((word) => word.trim());
  const unknown = words.filter((word) => !SCOPES.includes(word as Scope));
  if (unknown.length > 0) throw refused(`scopes are ${SCOPES.join(", ")}, not ${unknown.join(", ")}`);
  if (rate !== undefined && !/^\d{1,9}$/.test(rate))
    throw refused("a rate is a number of requests a minute; 0: no limit");
  const requestsPerMinute = rate === undefined ? undefined : Number(rate);
  return { name: label, owner, scopes: SCOPES.filter((scope) => words.includes(scope)), requestsPerMinute };
}

function toRow(key: ListedApiKey): string[] {
  const { id, name, owner, scopes, requestsPerMinute, createdMs, lastUsedMs } = key;
  const rate =
    requestsPerMinute === undefined ? "as set" : requestsPerMinute === 0 ? "none" : String(requestsPerMinute);
  const used = lastUsedMs === undefined ? "never" : formatTime(lastUsedMs);
  return [id, name, owner, scopes.join(","), rate, formatTime(createdMs), used];
}

function refused(message: string): BrokerError {
  return new BrokerError("config-invalid", message, { details: { problems: [message] } });
}
