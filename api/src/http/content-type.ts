import { BrokerError } from "@sluice/broker";

/** What a body is, as its Content-Type says. */
export type BodyKind =
  | { readonly kind: "json" }
  | { readonly kind: "multipart" }
  /** Raw bytes; `type` is the media type without parameters, in lower case. */
  | { readonly kind: "raw"; readonly type: string };

const JSON_BODY = { kind: "json" } as const;

/** @throws BrokerError unsupported-media-type */
export function parseContentType(header: string | undefined): BodyKind {
  if (header === "application/json") return JSON_BODY;
  const [type = "", ...parameters] = (header ?? "").toLowerCase().split(";");
  const mediaType = type.trim();
  if (mediaType === "application/json" && parameters.every(isUtf8Charset)) return JSON_BODY;
  if (mediaType === "multipart/form-data") return { kind: "multipart" };
  if (mediaType === "application/octet-stream" || /^image\/[a-z0-9.+-]+$/.test(mediaType)) {
    return { kind: "raw", type: mediaType };
  }
  throw new BrokerError(
    "unsupported-media-type",
    "Content-Type must be application/json in UTF-8, multipart/form-data, application/octet-stream or image/*",
  );
}

function isUtf8Charset(parameter: string): boolean {
  return !/^\s*charset\s*=/.test(parameter) || /^\s*charset\s*=\s*"?utf-?8"?\s*$/.test(parameter);
}
