import { ERROR_STATUS } from "../http/error-status.js";
import type { Json } from "../openapi/document.js";
import type { Operation } from "../openapi/operations.js";
import { ERROR_TEXTS, type ErrorText } from "./error-texts.js";
import { type Html, html, prose, toPage } from "./html.js";
import { toFields } from "./schema-fields.js";

/** The page of all routes. Pure. @param document made of these operations: its schemas are shown. */
export function toDocsPage(operations: readonly Operation[], document: Json): string {
  const links = operations.map(
    ({ id, method, path, summary }) =>
      html`<li>
        <a href="#${id}"><span class="method">${method}</span> ${path}</a><br />${summary}
      </li>`,
  );
  const content = html`<h1>Sluice</h1>
    <p>
      A durable batching broker in front of NVIDIA Triton. The same for programs:
      <a href="/openapi.json">openapi.json</a> (OpenAPI 3.1). In the examples <code>$URL</code> is where this page comes
      from, and <code>$ID</code> the id of a task.
    </p>
    <nav>
      <ul>
        ${links}
        <li><a href="#errors">Errors</a></li>
      </ul>
    </nav>
    ${operations.map((operation) => toSection(operation, pathItem(document, operation)))} ${toErrors()}`;
  return toPage("Sluice: HTTP API", content);
}

/** The page of one code. Pure. */
export function toErrorPage({ code, status, meaning, retryable, advice }: ErrorText): string {
  const content = html`<p><a href="/docs#errors">Sluice: errors</a></p>
    <h1>${code}</h1>
    <p>${prose(meaning)}</p>
    <div class="scroll">
      <table>
        <tr>
          <th>Status</th>
          <td>${status}</td>
        </tr>
        <tr>
          <th>May help to try again</th>
          <td>${retryable ? "yes" : "no"}</td>
        </tr>
        <tr>
          <th>What to do</th>
          <td>${prose(advice)}</td>
        </tr>
      </table>
    </div>`;
  return toPage(`Sluice: ${code}`, content);
}

function toSection({ id, method, path, summary, description, scope, errors, examples }: Operation, item: Json): Html {
  const codes = [...new Set(errors)].sort((a, b) => ERROR_STATUS[a] - ERROR_STATUS[b]);
  return html`<section id="${id}">
    <h2><span class="method">${method}</span> ${path}</h2>
    <p><strong>${summary}.</strong> ${prose(description)} ${scope ? prose(`Scope: \`${scope}\`.`) : ""}</p>
    ${toParameters(item["parameters"] as readonly Json[] | undefined)} ${toBodies(item)}
    ${toAnswers(item["responses"] as Record<string, Json>)}
    ${examples.map(
      ({ title, curl }) =>
        html`<p>${title}</p>
          <pre><code>${curl}</code></pre>`,
    )}
    ${codes.length === 0 ? "" : html`<p>Refusals: ${codes.map((code) => html`<a href="/problems/${code}">${code}</a> `)}</p>`}
  </section> `;
}

function toParameters(parameters: readonly Json[] | undefined): Html {
  if (!parameters) return html``;
  const rows = parameters.map(
    ({ name, in: place, description }) =>
      html`<tr>
        <td><code>${String(name)}</code></td>
        <td>${String(place)}</td>
        <td>${prose(String(description))}</td>
      </tr>`,
  );
  return html`<h3>Parameters</h3>
    <div class="scroll">
      <table>
        ${rows}
      </table>
    </div>`;
}

function toBodies(item: Json): Html {
  const body = item["requestBody"] as { readonly content: Record<string, { readonly schema: Json }> } | undefined;
  if (!body) return html``;
  const json = body.content["application/json"]?.schema ?? {};
  const forms = (json["oneOf"] as readonly Json[] | undefined) ?? [json];
  return html`<h3>Body</h3>
    <p>
      JSON; or <code>multipart/form-data</code> with a file <code>image</code> and the options; or the bytes of a
      picture, with the options in the query.
    </p>
    <div class="scroll">
      <table>
        ${toFields(forms)}
      </table>
    </div>`;
}

function toAnswers(responses: Record<string, Json>): Html {
  const good = Object.entries(responses).filter(([, { content }]) => !Object.hasOwn(content ?? {}, PROBLEM));
  return html`<h3>Answers</h3>
    ${good.map(([status, response]) => {
      const [content] = Object.values((response["content"] ?? {}) as Record<string, { readonly schema: Json }>);
      const forms = content ? ((content.schema["anyOf"] as readonly Json[] | undefined) ?? [content.schema]) : [];
      return html`<p><strong>${status}</strong> ${prose(String(response["description"]))}</p>
        <div class="scroll">
          <table>
            ${toFields(forms)}
          </table>
        </div>`;
    })}`;
}

const PROBLEM = "application/problem+json";

function toErrors(): Html {
  const rows = ERROR_TEXTS.map(
    ({ code, status, meaning }) =>
      html`<tr>
        <td><a href="/problems/${code}">${code}</a></td>
        <td>${status}</td>
        <td>${prose(meaning)}</td>
      </tr>`,
  );
  return html`<section id="errors">
    <h2>Errors</h2>
    <p>
      Refusals are <code>application/problem+json</code> (RFC 9457): <code>code</code> tells them apart,
      <code>retryable</code> whether the same request may succeed later, <code>errors</code> which fields are wrong.
    </p>
    <div class="scroll">
      <table>
        ${rows}
      </table>
    </div>
  </section>`;
}

function pathItem(document: Json, { path, method }: Operation): Json {
  return (document["paths"] as Record<string, Record<string, Json>>)[path]?.[method] ?? {};
}
