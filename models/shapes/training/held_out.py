"""Writes scenes that training never sees, with their truth, or the example picture.

    python held_out.py FOLDER COUNT     scene-0000.jpg... and truth.jsonl
    python held_out.py --example FILE   a scene of 640x480
"""

import json
import pathlib
import sys

from scenes import make_scene

# Not one of the seeds of train.py.
HELD_OUT_SEED, EXAMPLE_SEED = 4, 5
EXAMPLE_INDEX = 21


def write_held_out(folder, count):
    folder.mkdir(parents=True, exist_ok=True)
    truth = []
    for index in range(count):
        scene = make_scene(HELD_OUT_SEED, index)
        name = f"scene-{index:04}.jpg"
        (folder / name).write_bytes(scene.jpeg())
        truth.append({"file": name, "main": scene.main, "present": scene.present})
    (folder / "truth.jsonl").write_text("".join(f"{json.dumps(scene)}\n" for scene in truth))


def write_example(path):
    path.write_bytes(make_scene(EXAMPLE_SEED, EXAMPLE_INDEX, width=640, height=480).jpeg())


if __name__ == "__main__":
    if sys.argv[1] == "--example":
        write_example(pathlib.Path(sys.argv[2]))
    else:
        write_held_out(pathlib.Path(sys.argv[1]), int(sys.argv[2]))
