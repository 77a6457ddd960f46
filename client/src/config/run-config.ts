import {
  BrokerError,
  changeSetting,
  createModelRegistry,
  parseSettingField,
  readSettingsLog,
  readSettingsState,
  type RedisClient,
  type SettingField,
  settingText,
} from "@sluice/broker";
import { pino } from "pino";
import type { ConfigAction } from "../parse-command.js";
import type { CommandDeps } from "../sluice-io.js";
import { formatLogEntry } from "./format-change.js";
import { listSettings } from "./list-settings.js";
import { watchSettings } from "./watch-settings.js";

/** How many changes `log` shows. */
const LOG_ENTRIES = 100;

/** `sluice config ...`. @throws BrokerError config-invalid | storage-unavailable */
export async function runConfig(action: ConfigAction, deps: CommandDeps): Promise<void> {
  const { redis, options, io } = deps;
  const printLines = (lines: readonly string[]) => io.print(lines.map((line) => `${line}\n`).join(""));
  switch (action.name) {
    case "get":
      return await getSetting(action.key, deps);
    case "set":
      return await change(action.key, action.value, deps);
    case "unset":
      return await change(action.key, undefined, deps);
    case "list":
      return printLines(listSettings(await readSettingsState(redis), options.model));
    case "log":
      return printLines((await readSettingsLog(redis, LOG_ENTRIES)).map(formatLogEntry));
    case "watch":
      return await watchSettings(redis, (line) => printLines([line]), io);
  }
}

async function getSetting(key: string, { redis, io }: CommandDeps): Promise<void> {
  const field = requireField(key);
  const { written, problems, inForce } = await readSettingsState(redis);
  io.print(`${settingText(inForce, field)}\n`);
  const reasons = problems.map(({ reason }) => reason);
  if (settingText(written, field) !== settingText(inForce, field)) {
    io.printError(`${settingText(written, field)} is written, but not taken: ${reasons.join("; ")}\n`);
  }
}

async function change(key: string, value: string | undefined, { redis, options, io }: CommandDeps): Promise<void> {
  const field = requireField(key);
  const previous = await changeSetting(redis, { field: key, value, by: options.by ?? io.user });
  const { written, problems } = await readSettingsState(redis);
  const inherited = settingText(withoutOwn(written, key), field);
  const origin = field.model === undefined ? "the default" : "as for all models";
  const before = previous ?? `${inherited} (${origin})`;
  const after = value ?? `${inherited} (${origin})`;
  io.print(`${key}: ${before} -> ${after}\n`);
  if (field.model !== undefined && !(await isRegistered(redis, field.model))) {
    io.printError(`no model ${field.model} is registered\n`);
  }
  if (problems.length === 0) return;
  io.printError(`not taken by the roles yet: ${problems.map(({ reason }) => reason).join("; ")}\n`);
}

async function isRegistered(redis: RedisClient, model: string): Promise<boolean> {
  const models = createModelRegistry(redis, pino({ level: "silent" }));
  await models.start();
  await models.stop();
  return models.get(model) !== undefined;
}

function withoutOwn(hash: Readonly<Record<string, string>>, key: string): Record<string, string> {
  return Object.fromEntries(Object.entries(hash).filter(([field]) => field !== key));
}

/** @throws BrokerError config-invalid */
function requireField(key: string): SettingField {
  const field = parseSettingField(key);
  if (field !== undefined) return field;
  throw new BrokerError("config-invalid", `${key}: no such setting`, { details: { problems: [key] } });
}
