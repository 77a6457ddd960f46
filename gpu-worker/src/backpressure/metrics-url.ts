/** Where Triton has its page of metrics by default, if `url` (`HOST:PORT`) is its gRPC port. */
export function defaultMetricsUrl(url: string): string {
  return `http://${url.replace(/:\d+$/, "")}:8002/metrics`;
}

/**
 * Reads a list with commas between, in which addresses may be left out: `,https://gpu-2/metrics`.
 * @returns undefined for what is no such list.
 */
export function parseMetricsUrls(text: string): readonly string[] | undefined {
  const urls = text.split(",").map((item) => item.trim());
  return urls.every((url) => url === "" || /^https?:\/\/\S+$/.test(url)) ? urls : undefined;
}
