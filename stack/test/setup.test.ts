import { expect, test } from "vitest";

import { readConfig } from "../src/config.js";
import { whyRedisIsTooOld } from "../src/setup/ensure-redis.js";
import { installCommands } from "../src/setup/install-packages.js";
import { choosePython, type PythonCandidate } from "../src/triton/choose-python.js";
import { whyTritonCannotRun } from "../src/triton/platform-support.js";

test("Triton can be set up on Linux on x86-64 with glibc 2.35 or later", () => {
  for (const glibc of ["2.35", "2.36", "3.0"]) {
    expect(whyTritonCannotRun({ os: "linux", arch: "x64", glibc })).toBeUndefined();
  }
});

test("elsewhere one sentence says why not and names the two ways on", () => {
  const ways =
    "set TRITON_URL=HOST:PORT to the gRPC address of a Triton that runs elsewhere, or run NVIDIA's container nvcr.io/nvidia/tritonserver.";
  const why = (os: string, arch: string, glibc?: string): string | undefined => whyTritonCannotRun({ os, arch, glibc });
  expect(why("darwin", "arm64")).toBe(
    `Triton cannot be set up here (it needs Linux on x86-64, and this is darwin on arm64): ${ways}`,
  );
  expect(why("linux", "arm64", "2.36")).toContain("it needs Linux on x86-64, and this is linux on arm64");
  expect(why("linux", "x64", "2.31")).toContain("it needs the GNU C library 2.35 or later, and this is 2.31");
  expect(why("linux", "x64")).toContain("it needs the GNU C library 2.35 or later, and this system has another one");
});

const complete: PythonCandidate = {
  program: "python3",
  minor: 11,
  hasVenv: true,
  libraryFolder: "",
  isSystem: false,
};

test("a Python that lacks nothing is preferred to one that comes before it", () => {
  const bare = { ...complete, program: "/usr/bin/python3", hasVenv: false, libraryFolder: undefined, isSystem: true };
  expect(choosePython([bare, complete])).toEqual({ python: complete, missingPackages: [] });
});

test("the bare Python of a fresh Debian is completed by two packages", () => {
  const bare = { ...complete, program: "/usr/bin/python3", hasVenv: false, libraryFolder: undefined, isSystem: true };
  const foreign = { ...complete, program: "/opt/python3.12", minor: 12, libraryFolder: undefined };
  expect(choosePython([foreign, bare])).toEqual({
    python: bare,
    missingPackages: ["python3.11-venv", "libpython3.11"],
  });
});

test("a Python that is too old, too new, or that nobody can complete will not do", () => {
  const tooOld = { ...complete, minor: 8 };
  const tooNew = { ...complete, minor: 13 };
  const foreign = { ...complete, libraryFolder: undefined };
  expect(choosePython([tooOld, tooNew, foreign])).toBeUndefined();
  expect(choosePython([])).toBeUndefined();
});

test("packages are installed without a question, through sudo where that is needed", () => {
  expect(installCommands("apt-get", ["redis-server"], true)).toEqual([
    ["apt-get", "update"],
    ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", "--no-install-recommends", "redis-server"],
  ]);
  expect(installCommands("apt-get", ["redis-server"], false)[0]).toEqual(["sudo", "-n", "apt-get", "update"]);
  expect(installCommands("dnf", ["redis"], false)).toEqual([["sudo", "-n", "dnf", "install", "-y", "redis"]]);
  expect(installCommands("apk", ["redis"], true)).toEqual([["apk", "add", "--no-cache", "redis"]]);
  expect(installCommands("brew", ["redis"], false)).toEqual([["brew", "install", "redis"]]);
});

test("a Redis before 7 is refused", () => {
  expect(whyRedisIsTooOld("Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64")).toBeUndefined();
  expect(whyRedisIsTooOld("Server v=8.1.1 sha=00000000:0 malloc=jemalloc-5.3.0 bits=64")).toBeUndefined();
  expect(whyRedisIsTooOld("Redis server v=6.0.16 sha=00000000:0")).toBe("is too old (6.0.16)");
  expect(whyRedisIsTooOld("hello")).toBe("does not tell its version");
});

test("a PORT that is no port is refused by name", () => {
  expect(readConfig({}).ports.api).toBe(8080);
  expect(readConfig({ PORT: "9000" }).ports.api).toBe(9000);
  for (const PORT of ["abc", "0", "70000", "80.5"]) {
    expect(() => readConfig({ PORT })).toThrow(`PORT (${PORT}) must be 1 to 65535.`);
  }
});
