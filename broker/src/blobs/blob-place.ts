import { isPlainBucket } from "./s3-bucket.js";

/** How to reach S3, or a storage that speaks its protocol. Credentials come from the usual `AWS_*` variables. */
export interface S3Access {
  /** Address of the storage; Amazon's own for the region if absent. */
  readonly endpoint?: string | undefined;
  readonly region: string;
}

/** Where blobs lie. */
export type BlobPlace =
  | { readonly kind: "folder"; readonly folder: string }
  | {
      readonly kind: "bucket";
      readonly bucket: string;
      /** What their keys begin with: "" or a path that ends with `/`. */
      readonly prefix: string;
      readonly access: S3Access;
    };

/** Part of a {@link BlobPlace} that the URL names. */
export type BucketPrefix = Pick<Extract<BlobPlace, { kind: "bucket" }>, "bucket" | "prefix">;

/** Characters that no S3 storage, proxy or log has trouble with (Amazon's list of safe ones). */
const PREFIX = /^[A-Za-z0-9!_.*'()-]{1,100}(\/[A-Za-z0-9!_.*'()-]{1,100}){0,9}$/;
const REGION = /^[a-z0-9-]{1,32}$/;

/** Reads `s3://BUCKET` or `s3://BUCKET/PREFIX`; undefined for anything else. */
export function parseBucketUrl(text: string): BucketPrefix | undefined {
  const match = /^s3:\/\/([^/]+)(?:\/(.*))?$/.exec(text);
  const bucket = match?.[1] ?? "";
  const path = (match?.[2] ?? "").replace(/\/$/, "");
  if (!isPlainBucket(bucket)) return undefined;
  if (path === "") return { bucket, prefix: "" };
  const isPath = PREFIX.test(path) && !path.split("/").some((part) => part === "." || part === "..");
  return isPath ? { bucket, prefix: `${path}/` } : undefined;
}

/** Whether this is `http://` or `https://`, a host, and nothing that does not belong there: credentials, query, fragment. */
export function isS3Endpoint(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, search, hash } = new URL(text);
  return (protocol === "http:" || protocol === "https:") && `${username}${password}${search}${hash}` === "";
}

/** Whether this has the form of a region's name. */
export function isS3Region(text: string): boolean {
  return REGION.test(text);
}
