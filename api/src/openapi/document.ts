import type { ErrorCode } from "@sluice/broker";
import { z } from "zod";
import { ERROR_STATUS } from "../http/error-status.js";
import { problemAnswer } from "./answer-schemas.js";
import type { Operation, OperationAnswer, OperationBody, Parameter } from "./operations.js";

/** A part of the document: JSON. */
export type Json = Readonly<Record<string, unknown>>;

/** Types of pictures that may be the body itself. */
const PICTURES = ["image/jpeg", "image/png", "image/webp", "image/avif", "image/gif", "application/octet-stream"];
const SECURITY = [{ bearer: [] }, { apiKey: [] }];

/**
 * Routes -> an OpenAPI 3.1 document. Pure. Schemas of requests are those that validate them; what only code can check
 * (Base64, URLs, the elements of a tensor) is not in it.
 */
export function toOpenApi(operations: readonly Operation[]): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const operation of operations) {
    (paths[operation.path] ??= {})[operation.method] = toOperation(operation);
  }
  return {
    openapi: "3.1.0",
    info: {
      title: "Sluice",
      version: "0.1.0",
      summary: "A durable batching broker in front of NVIDIA Triton",
      description:
        "Where identity is on, every request but health checks, metrics and documents needs a key or a token.",
    },
    servers: [{ url: "/" }],
    paths,
    components: {
      schemas: { Problem: toSchema(problemAnswer) },
      securitySchemes: {
        bearer: { type: "http", scheme: "bearer", description: "An API key, or a JSON Web Token." },
        apiKey: { type: "apiKey", in: "header", name: "X-API-Key" },
      },
    },
  };
}

function toOperation(operation: Operation): Json {
  const { id, summary, description, scope, parameters, body, answers, errors, examples } = operation;
  return {
    operationId: id,
    summary,
    description,
    ...(scope === undefined ? {} : { security: [{}, ...SECURITY], "x-scope": scope }),
    ...(parameters === undefined ? {} : { parameters: parameters.map(toParameter) }),
    ...(body === undefined ? {} : { requestBody: toBody(body), "x-query-options": toSchema(body.options) }),
    responses: { ...toResponses(answers), ...toProblems(errors) },
    ...(examples.length === 0
      ? {}
      : { "x-codeSamples": examples.map(({ title, curl }) => ({ lang: "Shell", label: title, source: curl })) }),
  };
}

function toParameter({ name, in: place, description, schema }: Parameter): Json {
  const shown = schema instanceof z.ZodType ? toSchema(schema) : schema;
  return { name, in: place, description, required: place === "path", schema: shown };
}

function toBody({ json, options }: OperationBody): Json {
  const [only] = json;
  const picture = { type: "string", contentMediaType: "application/octet-stream" };
  const form = toSchema(options);
  const properties = { image: picture, ...(form["properties"] as Json) };
  return {
    required: true,
    content: {
      "application/json": {
        schema: json.length === 1 && only ? toSchema(only) : { oneOf: json.map((schema) => toSchema(schema)) },
      },
      "multipart/form-data": { schema: { ...form, properties, required: ["image"] } },
      ...Object.fromEntries(PICTURES.map((type) => [type, { schema: { type: "string", format: "binary" } }])),
    },
  };
}

function toResponses(answers: readonly OperationAnswer[]): Json {
  return Object.fromEntries(
    answers.map(({ status, description, schema, contentType, headers }) => {
      const type = contentType ?? "application/json";
      const isEmpty = schema === undefined && contentType === undefined;
      const content = { [type]: { schema: schema ? toSchema(schema, "output") : { type: "string" } } };
      return [
        status,
        { description, ...(headers ? { headers: toHeaders(headers) } : {}), ...(isEmpty ? {} : { content }) },
      ];
    }),
  );
}

const toHeaders = (headers: Readonly<Record<string, string>>): Json =>
  Object.fromEntries(
    Object.entries(headers).map(([name, description]) => [name, { description, schema: { type: "string" } }]),
  );

/** One answer for each status, with its codes. */
function toProblems(errors: readonly ErrorCode[]): Json {
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of errors) byStatus.set(ERROR_STATUS[code], [...(byStatus.get(ERROR_STATUS[code]) ?? []), code]);
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => {
      const schema = {
        allOf: [{ $ref: "#/components/schemas/Problem" }, { properties: { code: { enum: codes } } }],
      };
      const description = codes.map((code) => `\`${code}\``).join(", ");
      return [status, { description, content: { "application/problem+json": { schema } } }];
    }),
  );
}

function toSchema(schema: z.ZodType, io: "input" | "output" = "input"): Json {
  // What the document is written in is said once, by `openapi`.
  return { ...z.toJSONSchema(schema, { io, unrepresentable: "any" }), $schema: undefined };
}
