import type { Failpoints } from "./failpoints.js";

type UnaryCall = (path: string, ...rest: unknown[]) => unknown;

/**
 * Puts points around every call to Triton: `ModelInfer`, `ModelReady`.
 * @param clientClass the class `Client` of the grpc-js that the program loads.
 */
export function wrapTriton(
  clientClass: { readonly prototype: { makeUnaryRequest: UnaryCall } },
  points: Failpoints,
): void {
  const { prototype } = clientClass;
  const { makeUnaryRequest } = prototype;
  prototype.makeUnaryRequest = function (this: unknown, path, ...rest) {
    const effect = path.slice(path.lastIndexOf("/") + 1);
    const callback = rest.pop() as (...results: unknown[]) => void;
    points.hit("before", effect);
    const answer = (...results: unknown[]): void => {
      points.hit("after", effect);
      callback(...results);
    };
    return makeUnaryRequest.call(this, path, ...rest, answer);
  };
}
