import { ERROR_CODES } from "@sluice/broker";
import { Validator } from "@seriousme/openapi-schema-validator";
import { describe, expect, test } from "vitest";
import { createApp } from "../../src/app.js";
import { toDocsPage, toErrorPage } from "../../src/docs/docs-page.js";
import { ERROR_TEXTS, toErrorsPage } from "../../src/docs/error-texts.js";
import { PAGE_HEADERS } from "../../src/docs/html.js";
import { toOpenApi } from "../../src/openapi/document.js";
import { OPERATIONS } from "../../src/openapi/operations.js";

// As clients get it.
const document = JSON.parse(JSON.stringify(toOpenApi(OPERATIONS))) as Record<string, unknown>;

describe("the OpenAPI document", () => {
  test("is valid OpenAPI 3.1", async () => {
    const result = await new Validator().validate(structuredClone(document));
    expect(result.errors).toBeUndefined();
    expect(result.valid).toBe(true);
    const broken = { ...structuredClone(document), paths: { nowhere: {} } };
    expect((await new Validator().validate(broken)).valid).toBe(false);
  });

  test("has every route of the app, and no other", () => {
    const app = createApp({ metrics: {} } as never, (_name, handle) => async (c) => await handle(c));
    const routes = app.routes.map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, "{$1}")}`);
    const described = OPERATIONS.map(({ method, path }) => `${method.toUpperCase()} ${path}`);
    expect(described.sort()).toEqual(routes.sort());
  });

  test("names every parameter of a path, and no operation twice", () => {
    for (const { path, parameters = [] } of OPERATIONS) {
      const inPath = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
      expect(parameters.filter((parameter) => parameter.in === "path").map(({ name }) => name)).toEqual(inPath);
    }
    expect(new Set(OPERATIONS.map(({ id }) => id)).size).toBe(OPERATIONS.length);
  });

  test("has a code for all that a caller can be told", () => {
    const told = new Set(OPERATIONS.flatMap(({ errors }) => errors));
    const untold = Object.keys(ERROR_CODES).filter((code) => !told.has(code as keyof typeof ERROR_CODES));
    // The first is of any path, the second of a path with another method, the rest of start-up and of dead letters.
    expect(untold.sort()).toEqual(["config-invalid", "entry-malformed", "method-not-allowed"]);
  });
});

describe("the page of all routes", () => {
  const page = toDocsPage(OPERATIONS, document);

  test("shows each, its fields, its examples and all codes", () => {
    for (const { id, path, summary } of OPERATIONS) {
      expect(page).toContain(`<section id="${id}">`);
      expect(page).toContain(path);
      expect(page).toContain(summary);
    }
    for (const field of ["image_base64", "data_base64", "deadline_ms", "threshold_used", "gpu_share_ms"]) {
      expect(page).toContain(field);
    }
    for (const code of Object.keys(ERROR_CODES)) expect(page).toContain(`href="/problems/${code}"`);
    const text = page
      .replaceAll("&quot;", '"')
      .replaceAll("&lt;", "<")
      .replaceAll("&gt;", ">")
      .replaceAll("&amp;", "&");
    for (const { examples } of OPERATIONS) for (const { curl } of examples) expect(text).toContain(curl);
  });

  test("needs nothing from elsewhere, and no script", () => {
    expect(page).not.toMatch(/<script|<link|<img|@import|url\(|\son\w+=/);
    expect(
      [...page.matchAll(/href="([^"]+)"/g)].map(([, href]) => href).filter((href) => !/^[/#]/.test(href ?? "")),
    ).toEqual([]);
    expect(PAGE_HEADERS["content-security-policy"]).toMatch(/^default-src 'none'; style-src 'sha256-[\w+/=]+';/);
  });
});

describe("the pages of codes", () => {
  test("say of each what it means and what to do", () => {
    expect(ERROR_TEXTS.map(({ code }) => code).sort()).toEqual(Object.keys(ERROR_CODES).sort());
    for (const text of ERROR_TEXTS) {
      const page = toErrorPage(text);
      expect(page).toContain(`<h1>${text.code}</h1>`);
      expect(page).toContain(`<td>${text.status}</td>`);
    }
  });

  // `npx vitest -u` writes it anew.
  test("and docs/errors.md is what the tables say", async () => {
    await expect(toErrorsPage()).toMatchFileSnapshot("../../../docs/errors.md");
  });
});
