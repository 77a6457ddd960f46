/**
 * An answer in JSON that @hono/node-server writes in one go: a string body and plain headers take its short way.
 * @param headers names in lower case.
 */
export function jsonResponse(status: number, body: string, headers?: Record<string, string>): Response {
  return new Response(body, { status, headers: { "content-type": "application/json", ...headers } });
}
