import { z } from "zod";
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
import { type DistantImage, imageFields, type SubmittedImage } from "./submission.js";
import { parseTextOptions } from "./text-options.js";

/** Fields of a body beside its picture. All are optional in forms and queries too. */
type OptionShape = Readonly<Record<string, z.ZodType>>;
/** Their values. */
type OptionsOf<Shape extends OptionShape> = {
  readonly [Name in keyof Shape]?: z.output<Shape[Name]> | undefined;
};

/** A request that is one picture with options. */
export interface PictureRequest<Options> {
  readonly image: SubmittedImage;
  readonly options: Options;
}

/** How such a request looks: what its documents say, and how it is read. */
export interface PictureForm<Options> {
  /** A JSON body, for documents: exactly one of the picture's fields is there. */
  readonly jsonSchemas: readonly z.ZodObject[];
  readonly optionSchema: z.ZodObject;
  /**
   * Reads it in any of its forms: JSON (with Base64, a URL, or an object in S3), multipart, or raw bytes with the options
   * in the query. What is only named is fetched once the rest is known to be valid.
   * @throws BrokerError with a code for what is wrong
   */
  parse(exchange: Exchange, share: BodyShare, sources: ImageSources): Promise<PictureRequest<Options>>;
}

/** The options that a form takes. */
export type PictureOptions<Form> = Form extends PictureForm<infer Options> ? Options : never;

/** @param base64Field under which a body has its picture in Base64, or as a data URL. */
export function definePictureForm<Shape extends OptionShape>(
  shape: Shape,
  base64Field: "image_base64" | "image_data" = "image_base64",
): PictureForm<OptionsOf<Shape>> {
  const optionSchema = z.strictObject(shape).partial();
  const names = Object.keys(shape);
  const pictures = {
    [base64Field]: imageFields.image_base64,
    image_url: imageFields.image_url,
    s3: imageFields.s3,
  };
  const schemas = new Map(
    Object.entries(pictures).map(([name, field]) => [name, optionSchema.extend({ [name]: field })] as const),
  );

  const parseBody = (body: unknown): { readonly given: SubmittedImage | DistantImage; readonly options: unknown } => {
    const [name, ...more] = Object.keys(pictures).filter((field) => hasField(body, field));
    const schema = name === undefined ? optionSchema : schemas.get(name);
    // What else is wrong is told first: a body of the wrong form has no fields at all.
    const value = parseWith(schema ?? optionSchema, without(body, more));
    if (name === undefined || more.length > 0) {
      throw invalidField("validation-failed", "", `must have one of ${Object.keys(pictures).join(", ")}`);
    }
    const { [name]: picture, ...options } = value as Record<string, unknown>;
    return { given: toGiven(name, picture), options };
  };

  return {
    jsonSchemas: [...schemas.values()],
    optionSchema,
    async parse(exchange, share, sources) {
      const { headers, url } = exchange.incoming;
      const body = parseContentType(headers["content-type"]);
      if (body.kind === "json") {
        parseQuery(url, []);
        const { given, options } = parseBody(parseJson(await readBody(exchange, MAX_JSON_BYTES, share)));
        const image = given.kind === "image" ? given : await fetchInput(exchange, given, share, sources);
        return { image, options: options as OptionsOf<Shape> };
      }
      if (body.kind === "multipart") {
        parseQuery(url, []);
        const bytes = await readBody(exchange, MAX_MULTIPART_BYTES, share);
        const form = await parseMultipart(headers, bytes, { imageBytes: MAX_IMAGE_BYTES, fieldNames: names });
        const image = { kind: "image", bytes: form.image, declaredType: form.declaredType } as const;
        return { image, options: parseTextOptions(optionSchema, form.fields) as OptionsOf<Shape> };
      }
      const options = parseTextOptions(optionSchema, parseQuery(url, names)) as OptionsOf<Shape>;
      const bytes = await readBody(exchange, MAX_IMAGE_BYTES, share);
      const declaredType = body.type === "application/octet-stream" ? undefined : body.type;
      return { image: { kind: "image", bytes, declaredType }, options };
    },
  };
}

function toGiven(name: string, picture: unknown): SubmittedImage | DistantImage {
  if (name === "image_url") return { kind: "image-url", url: picture as string };
  if (name === "s3") return { kind: "s3-object", ...(picture as z.output<typeof imageFields.s3>) };
  const { base64, mediaType } = splitDataUrl(picture as string, `/${name}`);
  return { kind: "image", bytes: decodeBase64(base64, `/${name}`, MAX_IMAGE_BYTES), declaredType: mediaType };
}

function hasField(body: unknown, name: string): boolean {
  return typeof body === "object" && body !== null && Object.hasOwn(body, name);
}

function without(body: unknown, names: readonly string[]): unknown {
  if (names.length === 0) return body;
  return Object.fromEntries(Object.entries(body as object).filter(([name]) => !names.includes(name)));
}
