import type { BodyShare } from "../http/body-intake.js";
import { parseContentType } from "../http/content-type.js";
import type { Exchange } from "../http/exchange.js";
import { parseQuery } from "../http/query.js";
import { readBody } from "../http/read-body.js";
import { splitDataUrl } from "./data-url.js";
import { decodeBase64 } from "./decode-base64.js";
import { fetchInput, type ImageSources } from "./fetch-input.js";
import { MAX_IMAGE_BYTES, MAX_JSON_BYTES, MAX_MULTIPART_BYTES } from "./image-limits.js";
import { invalidField } from "./invalid-field.js";
import { parseJson } from "./parse-json.js";
import { parseMultipart } from "./parse-multipart.js";
import { parseWith } from "./parse-with.js";
import {
  type DistantImage,
  imageSubmission,
  imageUrlSubmission,
  OPTION_NAMES,
  s3Submission,
  submissionOptions,
  type Submission,
  type SubmissionOptions,
  type SubmittedInput,
  tensorSubmission,
  textSubmission,
  toSubmission,
} from "./submission.js";
import { parseTextOptions } from "./text-options.js";

/** A submission and what its query says about waiting. */
export interface ParsedSubmission {
  readonly submission: Submission;
  readonly queryWait: string | undefined;
}

/** A JSON submission; its picture may still have to be fetched. */
export interface JsonSubmission {
  readonly input: SubmittedInput | DistantImage;
  readonly options: SubmissionOptions;
}

/**
 * Reads a submission in any of its three forms: JSON, multipart, or the bytes of a picture with options in the query. A
 * picture that it only names is fetched once the rest is known to be valid.
 * @param share counts the bytes of its body, or of the picture that is fetched if they are more.
 * @throws BrokerError with a code for what is wrong; see each part
 */
export async function parseSubmission(
  exchange: Exchange,
  share: BodyShare,
  sources: ImageSources,
): Promise<ParsedSubmission> {
  const { headers, url } = exchange.incoming;
  const body = parseContentType(headers["content-type"]);
  if (body.kind === "json") {
    const query = parseQuery(url, ["wait"]);
    const { input, options } = parseJsonSubmission(parseJson(await readBody(exchange, MAX_JSON_BYTES, share)));
    const isDistant = input.kind === "image-url" || input.kind === "s3-object";
    const given = isDistant ? await fetchInput(exchange, input, share, sources) : input;
    return { submission: toSubmission(given, options), queryWait: query["wait"] };
  }
  if (body.kind === "multipart") {
    const query = parseQuery(url, ["wait"]);
    const bytes = await readBody(exchange, MAX_MULTIPART_BYTES, share);
    const limits = { imageBytes: MAX_IMAGE_BYTES, fieldNames: OPTION_NAMES };
    const { image, declaredType, fields } = await parseMultipart(headers, bytes, limits);
    const input = { kind: "image", bytes: image, declaredType } as const;
    return { submission: toSubmission(input, parseTextOptions(submissionOptions, fields)), queryWait: query["wait"] };
  }
  const { wait, ...options } = parseQuery(url, [...OPTION_NAMES, "wait"]);
  const parsedOptions = parseTextOptions(submissionOptions, options);
  const bytes = await readBody(exchange, MAX_IMAGE_BYTES, share);
  const declaredType = body.type === "application/octet-stream" ? undefined : body.type;
  return { submission: toSubmission({ kind: "image", bytes, declaredType }, parsedOptions), queryWait: wait };
}

/** JSON value -> submission. @throws BrokerError validation-failed | invalid-base64 | payload-too-large */
export function parseJsonSubmission(body: unknown): JsonSubmission {
  const given = inputOf(body);
  if (typeof given !== "object" || given === null || Array.isArray(given)) {
    const { input, ...options } = parseWith(textSubmission, body);
    return { input: { kind: "text", text: input }, options };
  }
  if (Object.hasOwn(given, "image_base64")) {
    const { input, ...options } = parseWith(imageSubmission, body);
    const { base64, mediaType } = splitDataUrl(input.image_base64, "/input/image_base64");
    const bytes = decodeBase64(base64, "/input/image_base64", MAX_IMAGE_BYTES);
    return { input: { kind: "image", bytes, declaredType: mediaType }, options };
  }
  if (Object.hasOwn(given, "image_url")) {
    const { input, ...options } = parseWith(imageUrlSubmission, body);
    return { input: { kind: "image-url", url: input.image_url }, options };
  }
  if (Object.hasOwn(given, "s3")) {
    const { input, ...options } = parseWith(s3Submission, body);
    return { input: { kind: "s3-object", ...input.s3 }, options };
  }
  const { input, ...options } = parseWith(tensorSubmission, body);
  const { datatype, shape, data, data_base64: dataBase64 } = input;
  if ((data === undefined) === (dataBase64 === undefined)) {
    throw invalidField("validation-failed", "/input", "must have either data or data_base64");
  }
  return { input: { kind: "tensor", datatype, shape, data, dataBase64 }, options };
}

function inputOf(body: unknown): unknown {
  return typeof body === "object" && body !== null && Object.hasOwn(body, "input")
    ? (body as { input: unknown }).input
    : undefined;
}
