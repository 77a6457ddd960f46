import { BrokerError } from "@sluice/broker";
import busboy from "busboy";
import type { IncomingHttpHeaders } from "node:http";
import type { FieldError } from "../http/problem.js";
import { invalidFields, toPointer } from "./invalid-field.js";

/** A form with one picture. */
export interface MultipartForm {
  readonly image: Buffer;
  /** Media type of the part; undefined where it only says "some bytes". */
  readonly declaredType: string | undefined;
  readonly fields: Readonly<Record<string, string>>;
}

const LIMITS = { fieldNameSize: 100, fieldSize: 1_000, fields: 32, files: 2, parts: 34, headerPairs: 32 };

/**
 * Reads a form (RFC 7578): one file part `image`, and fields with the given names, each once. File names are ignored.
 * @throws BrokerError invalid-multipart | validation-failed | payload-too-large
 */
export async function parseMultipart(
  headers: IncomingHttpHeaders,
  body: Buffer,
  limits: { readonly imageBytes: number; readonly fieldNames: readonly string[] },
): Promise<MultipartForm> {
  const fields = new Map<string, string>();
  const errors: FieldError[] = [];
  const images: Buffer[] = [];
  let declaredType: string | undefined;
  let tooLarge = false;
  await readParts(headers, body, limits.imageBytes, {
    field(name, value, cut) {
      const pointer = toPointer([name]);
      if (!limits.fieldNames.includes(name)) errors.push({ pointer, detail: "is not a known field" });
      else if (fields.has(name)) errors.push({ pointer, detail: "is given twice" });
      else if (cut) errors.push({ pointer, detail: "is too long" });
      else fields.set(name, value);
    },
    file(name, bytes, type, cut) {
      if (name !== "image") errors.push({ pointer: toPointer([name]), detail: "is not the file part, image" });
      else images.push(bytes);
      tooLarge ||= cut;
      declaredType = type === "application/octet-stream" || type === "text/plain" ? undefined : type;
    },
  });
  if (tooLarge) {
    throw new BrokerError("payload-too-large", `an image may have at most ${limits.imageBytes} bytes`);
  }
  const [image] = images;
  if (image === undefined || images.length > 1) errors.push({ pointer: "/image", detail: "must be there, once" });
  if (errors.length > 0 || image === undefined) throw invalidFields("validation-failed", errors);
  return { image, declaredType, fields: Object.fromEntries(fields) };
}

interface PartHandlers {
  field(name: string, value: string, cut: boolean): void;
  file(name: string, bytes: Buffer, type: string, cut: boolean): void;
}

function readParts(
  headers: IncomingHttpHeaders,
  body: Buffer,
  fileSize: number,
  handlers: PartHandlers,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const refuse = (cause: unknown) =>
      reject(new BrokerError("invalid-multipart", "the multipart body cannot be read", { cause }));
    try {
      const parser = busboy({ headers, limits: { ...LIMITS, fileSize } });
      parser.on("field", (name, value, info) => handlers.field(name, value, info.valueTruncated || info.nameTruncated));
      parser.on("file", (name, stream, info) => {
        const chunks: Buffer[] = [];
        stream.on("data", (chunk: Buffer) => chunks.push(chunk));
        stream.on("end", () =>
          handlers.file(name, Buffer.concat(chunks), info.mimeType.toLowerCase(), stream.truncated === true),
        );
        // A form that is cut off shows in the parser's own error.
        stream.on("error", () => undefined);
      });
      for (const limit of ["filesLimit", "fieldsLimit", "partsLimit"] as const) {
        parser.on(limit, () => refuse(new Error(limit)));
      }
      parser.on("error", refuse);
      parser.on("close", resolve);
      parser.end(body);
    } catch (error) {
      refuse(error);
    }
  });
}
