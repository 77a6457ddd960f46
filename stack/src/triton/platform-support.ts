/** What decides whether NVIDIA's tritonserver from the Python package index runs here. */
export interface Platform {
  /** As process.platform has it. */
  readonly os: string;
  /** As process.arch has it. */
  readonly arch: string;
  /** Version of the GNU C library, as "2.36"; undefined where there is another one. */
  readonly glibc: string | undefined;
}

/** Oldest GNU C library that the package nvidia-pytriton runs on (its tag is manylinux_2_35). */
const OLDEST_GLIBC = [2, 35] as const;

/** What somebody can do instead of letting us set Triton up. */
export const OTHER_WAYS_TO_TRITON =
  "set TRITON_URL=HOST:PORT to the gRPC address of a Triton that runs elsewhere, or run NVIDIA's container nvcr.io/nvidia/tritonserver";

/** Undefined if tritonserver can be set up here, else one sentence that says why not and names the two ways on. */
export function whyTritonCannotRun(platform: Platform): string | undefined {
  const reason = reasonAgainst(platform);
  return reason === undefined ? undefined : `Triton cannot be set up here (${reason}): ${OTHER_WAYS_TO_TRITON}.`;
}

function reasonAgainst({ os, arch, glibc }: Platform): string | undefined {
  const needed = OLDEST_GLIBC.join(".");
  if (os !== "linux" || arch !== "x64") return `it needs Linux on x86-64, and this is ${os} on ${arch}`;
  if (glibc === undefined) return `it needs the GNU C library ${needed} or later, and this system has another one`;
  const [major = 0, minor = 0] = glibc.split(".").map(Number);
  const isOld = major < OLDEST_GLIBC[0] || (major === OLDEST_GLIBC[0] && minor < OLDEST_GLIBC[1]);
  return isOld ? `it needs the GNU C library ${needed} or later, and this is ${glibc}` : undefined;
}

/** The machine that we run on. */
export function currentPlatform(): Platform {
  return { os: process.platform, arch: process.arch, glibc: currentGlibc() };
}

function currentGlibc(): string | undefined {
  const report: unknown = process.report.getReport();
  if (typeof report !== "object" || report === null || !("header" in report)) return undefined;
  const { header } = report;
  if (typeof header !== "object" || header === null || !("glibcVersionRuntime" in header)) return undefined;
  return String(header.glibcVersionRuntime);
}
