import { invalidField, toPointer } from "../submission/invalid-field.js";

/**
 * Calls `visit` for every element of JSON tensor data, in row-major order. The data is one flat list, or nested as
 * deep as the shape.
 * @param visit returns false for an element that does not fit.
 * @throws BrokerError tensor-invalid with the place of the first thing that is wrong
 */
export function walkElements(
  data: unknown,
  shape: readonly number[],
  visit: (value: unknown, index: number) => boolean,
): void {
  if (!Array.isArray(data)) throw invalidField("tensor-invalid", "/input/data", "must be a list");
  const elementCount = shape.reduce((product, dimension) => product * dimension, 1);
  const nested = shape.length > 1 && Array.isArray(data[0]);
  const lengths = nested ? shape : [elementCount];
  let index = 0;
  const path: number[] = [];
  const walk = (list: readonly unknown[]): void => {
    const level = path.length;
    if (list.length !== lengths[level]) fail(path, `has ${list.length} elements, not ${lengths[level]}`);
    const deepest = level === lengths.length - 1;
    path.push(0);
    for (let i = 0; i < list.length; i++) {
      const value = list[i];
      path[level] = i;
      if (deepest) {
        if (!visit(value, index++)) fail(path, "does not fit the datatype");
      } else if (Array.isArray(value)) walk(value);
      else fail(path, "must be a list");
    }
    path.pop();
  };
  walk(data);
}

function fail(path: readonly number[], detail: string): never {
  throw invalidField("tensor-invalid", toPointer(["input", "data", ...path]), detail);
}
