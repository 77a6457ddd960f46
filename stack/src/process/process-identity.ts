import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

/**
 * Text that tells a process from a later one of the same number: when it was started. Undefined if there is no process
 * of that number.
 */
export function processIdentity(pid: number): string | undefined {
  try {
    if (process.platform !== "linux")
      return execFileSync("ps", ["-o", "lstart=", "-p", String(pid)])
        .toString()
        .trim();
    // proc(5): the name in parentheses may hold anything; state is the 3rd field and the start time the 22nd.
    const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
      .replace(/^.*\) /s, "")
      .split(" ");
    return fields[0] === "Z" ? undefined : `${fields[19] ?? ""} ${bootId()}`;
  } catch {
    return undefined;
  }
}

/** The start time counts from the machine's own start. */
function bootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}
