import js from "@eslint/js";
import tseslint from "typescript-eslint";

/** What each folder may not import. Imports go one way: proto and broker <- roles <- stack <- bench and faults. */
const ROLES = ["@sluice/api", "@sluice/batcher", "@sluice/gpu-worker"];
const STARTERS = ["@sluice/stack", "@sluice/bench", "@sluice/faults"];
const OWNED = {
  ioredis: ["broker"],
  "@aws-sdk/client-s3": ["broker"],
  "@grpc/grpc-js": ["gpu-worker", "faults"],
  sharp: ["gpu-worker"],
  hono: ["api"],
};
const FORBIDDEN = {
  proto: ["@sluice/*"],
  broker: ["@sluice/*"],
  batcher: [...ROLES, ...STARTERS, "@sluice/proto", "@sluice/models"],
  "gpu-worker": [...ROLES, ...STARTERS, "@sluice/models"],
  api: [...ROLES, ...STARTERS, "@sluice/proto", "@sluice/models"],
  models: [...ROLES, ...STARTERS, "@sluice/proto"],
  client: [...ROLES, ...STARTERS, "@sluice/proto", "@sluice/models"],
  stack: [...ROLES, "@sluice/bench", "@sluice/faults", "@sluice/proto"],
  faults: [...ROLES, "@sluice/bench"],
};

/** The import directions of one folder, for its sources only: tests and benchmarks may look across. */
function importDirections(folder) {
  const foreign = Object.entries(OWNED).filter(([, owners]) => !owners.includes(folder));
  const patterns = [
    { group: FORBIDDEN[folder], message: `${folder} may not depend on it: imports go one way (ARCHITECTURE.md).` },
    ...foreign.map(([name, owners]) => ({
      group: [name, `${name}/*`],
      message: `Only ${owners.join(" and ")} may import ${name}.`,
    })),
  ];
  return { files: [`${folder}/src/**/*.ts`], rules: { "no-restricted-imports": ["error", { patterns }] } };
}

export default tseslint.config(
  { ignores: ["**/dist/**", "**/node_modules/**", ".sluice/**"] },
  js.configs.recommended,
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { project: "./tsconfig.test.json", tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/no-floating-promises": "error",
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
      // Service methods are async by contract, also where nothing is awaited yet.
      "@typescript-eslint/require-await": "off",
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true, allowBoolean: true }],
      "max-lines": ["error", 400],
      "max-params": ["error", 4],
      eqeqeq: "error",
    },
  },
  {
    files: ["*/src/**/*.ts"],
    rules: {
      "max-lines-per-function": ["error", { max: 60, skipBlankLines: true, skipComments: true }],
      "no-console": "error",
      // process.env is read in one file per role.
      "no-restricted-properties": ["error", { object: "process", property: "env", message: "Read it in config.ts." }],
    },
  },
  {
    files: ["*/src/config.ts", "stack/src/**/*.ts", "bench/src/**/*.ts", "faults/src/**/*.ts"],
    rules: { "no-restricted-properties": "off" },
  },
  { files: ["stack/src/**/*.ts", "bench/src/**/*.ts", "faults/src/**/*.ts"], rules: { "no-console": "off" } },
  {
    files: ["**/*.mjs", "**/*.js"],
    languageOptions: { globals: { process: "readonly", console: "readonly", URL: "readonly" } },
  },
  ...Object.keys(FORBIDDEN).map(importDirections),
);
