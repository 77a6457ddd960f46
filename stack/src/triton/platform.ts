/** What decides whether NVIDIA's server runs here. */
export interface Platform {
  readonly os: string;
  readonly arch: string;
  /** glibc's version as Node reports it; undefined on musl. */
  readonly glibc: string | undefined;
}

const WAYS_ON =
  "Set TRITON_URL to a Triton that runs elsewhere, or run NVIDIA's container nvcr.io/nvidia/tritonserver and set TRITON_URL to it.";

/** Why Triton cannot be run on this platform, in one sentence and the two ways on; undefined if it can. */
export function whyNotSupported({ os, arch, glibc }: Platform): string | undefined {
  const [major = 0, minor = 0] = (glibc ?? "0.0").split(".").map(Number);
  if (os === "linux" && arch === "x64" && (major > 2 || (major === 2 && minor >= 35))) return undefined;
  const here = `${os} on ${arch}${os === "linux" ? ` with glibc ${glibc ?? "(none)"}` : ""}`;
  return `Triton comes for Linux on x86-64 with glibc 2.35 or newer, and this is ${here}. ${WAYS_ON}`;
}

/** The platform of this process. */
export function thisPlatform(): Platform {
  const { header } = process.report.getReport() as unknown as { header: { glibcVersionRuntime?: string } };
  return { os: process.platform, arch: process.arch, glibc: header.glibcVersionRuntime };
}
