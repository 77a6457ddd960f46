import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

/** Pictures with the label that the model's first output gives each. */
export interface PictureSet {
  readonly pictures: readonly Buffer[];
  readonly labels: readonly string[];
}

const LABELS_FILE = "labels.json";

/** Writes a set where other processes can read it. */
export async function writePictureSet(folder: string, { pictures, labels }: PictureSet): Promise<void> {
  await mkdir(folder, { recursive: true });
  await Promise.all(pictures.map((picture, index) => writeFile(join(folder, pictureFile(index)), picture)));
  await writeFile(join(folder, LABELS_FILE), JSON.stringify(labels));
}

/** Reads what {@link writePictureSet} wrote. */
export async function readPictureSet(folder: string): Promise<PictureSet> {
  const labels = JSON.parse(await readFile(join(folder, LABELS_FILE), "utf8")) as string[];
  return { labels, pictures: await Promise.all(labels.map((_, index) => readFile(join(folder, pictureFile(index))))) };
}

function pictureFile(index: number): string {
  return `${String(index).padStart(4, "0")}.jpg`;
}
