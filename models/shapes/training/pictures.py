"""Scenes as the network sees them: arrays of small pictures, and what is true of each."""

import io
import multiprocessing

import numpy as np
from PIL import Image

from network import SIDE
from scenes import COLOURS, SHAPES, make_scene

MAIN_LABELS = list(SHAPES)
PRESENT_LABELS = list(SHAPES) + list(COLOURS)
SCENES_A_CALL = 100

KERNELS = (Image.Resampling.BICUBIC, Image.Resampling.BOX, Image.Resampling.BILINEAR, Image.Resampling.LANCZOS)


def make_pictures(seed, count, processes):
    """(uint8 [count, SIDE, SIDE, 3], main label numbers [count], float32 0 or 1 of present labels [count, labels])"""
    calls = [(seed, first, min(SCENES_A_CALL, count - first)) for first in range(0, count, SCENES_A_CALL)]
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        parts = pool.starmap(make_part, calls)
    return tuple(np.concatenate(column) for column in zip(*parts))


def make_part(seed, first, count):
    pictures = np.empty((count, SIDE, SIDE, 3), np.uint8)
    main = np.empty(count, np.int32)
    present = np.zeros((count, len(PRESENT_LABELS)), np.float32)
    for row in range(count):
        scene = make_scene(seed, first + row)
        # Kernels in turn: the network must not depend on the one that serving happens to use.
        pictures[row] = cut_to_square(scene.jpeg(), KERNELS[row % len(KERNELS)])
        main[row] = MAIN_LABELS.index(scene.main)
        present[row, [PRESENT_LABELS.index(label) for label in scene.present]] = 1
    return pictures, main, present


def cut_to_square(jpeg, kernel):
    """What serving does with a picture: decode, cut the centre square, resize."""
    picture = Image.open(io.BytesIO(jpeg)).convert("RGB")
    side = min(picture.size)
    left, top = ((length - side) / 2 for length in picture.size)
    return np.asarray(picture.resize((SIDE, SIDE), kernel, box=(left, top, left + side, top + side)))
