import {
  formatSettingField,
  parseSettingField,
  SETTING_NAMES,
  type SettingField,
  type SettingsState,
  settingText,
} from "@sluice/broker";
import { formatTable } from "../table.js";

const HEADER = ["setting", "holds", "written", "default", ""];

/**
 * A line for each setting, and for each that a model has of its own: the value that holds, what is written in Redis,
 * and which value is refused. Pure.
 * @param model only what holds for this model.
 */
export function listSettings(state: SettingsState, model?: string): string[] {
  const { written, inForce, problems } = state;
  const own = Object.keys({ ...inForce, ...written });
  const known = own.flatMap((field) => parseSettingField(field) ?? []);
  const rows = SETTING_NAMES.flatMap((name) => {
    const fields = known.filter((field) => field.name === name && field.model !== undefined);
    const ofModels = fields.filter((field) => model === undefined || field.model === model);
    return [{ name, model: undefined }, ...ofModels].map((field) => rowOf(field, state));
  });
  const unknown = own.filter((field) => parseSettingField(field) === undefined);
  const lost = unknown.map((field) => [field, "-", written[field] ?? "-", "-", "REFUSED: no such setting"]);
  const lines = formatTable([HEADER, ...rows, ...lost]);
  if (problems.length === 0) return lines;
  return [
    ...lines,
    "",
    "The written settings are refused as a whole, and the last good ones hold:",
    ...problems.map(({ reason }) => `  ${reason}`),
  ];
}

function rowOf(field: SettingField, { written, inForce, problems }: SettingsState): string[] {
  const key = formatSettingField(field);
  const fallback = settingText({}, field);
  const holds = field.model === undefined || inForce[key] !== undefined ? settingText(inForce, field) : "-";
  const isRefused = problems.some(({ fields }) => fields.includes(key)) && written[key] !== undefined;
  const waits = problems.length > 0 && (written[key] ?? fallback) !== (inForce[key] ?? fallback);
  return [key, holds, written[key] ?? "-", fallback, isRefused ? "REFUSED" : waits ? "not taken yet" : ""];
}
