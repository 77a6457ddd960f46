"""Generated pictures with a known truth: one to three flat shapes on a varied background.

The main shape of a scene is the largest by the area inside its outline, at least MAIN_MARGIN times the next one.
All objects lie apart from each other within the centre square, which is what remains of a picture that is cut to a square.
A scene depends on its seed and index alone, so scenes can be made in any order and by any number of processes.
"""

import dataclasses
import io
import math

import numpy as np
from PIL import Image, ImageDraw

COLOURS = {
    "red": (214, 32, 38),
    "orange": (245, 130, 20),
    "yellow": (250, 222, 40),
    "green": (38, 150, 60),
    "blue": (30, 80, 210),
    "purple": (130, 45, 165),
    "black": (18, 18, 20),
    "white": (246, 246, 244),
}
MAIN_MARGIN = 1.8
# Square roots of areas, as a share of the centre square's side.
MAIN_SIZES = (0.26, 0.46)
SMALLEST_SIZE = 0.18
# Outlines are drawn this many times larger and averaged down, which gives them smooth edges.
OVERSAMPLING = 4


@dataclasses.dataclass(frozen=True)
class Placed:
    """One object: its size is the square root of its area, in pixels; angle in radians."""

    shape: str
    colour: str
    size: float
    x: float
    y: float
    angle: float


@dataclasses.dataclass(frozen=True)
class Scene:
    picture: Image.Image
    jpeg_quality: int
    objects: tuple  # of Placed, the main one first

    @property
    def main(self):
        return self.objects[0].shape

    @property
    def present(self):
        """Shapes and colours that can be seen, sorted."""
        return sorted({placed.shape for placed in self.objects} | {placed.colour for placed in self.objects})

    def jpeg(self):
        buffer = io.BytesIO()
        self.picture.save(buffer, "JPEG", quality=self.jpeg_quality)
        return buffer.getvalue()


def make_scene(seed, index, width=None, height=None):
    rng = np.random.default_rng([seed, index])
    width = width or int(rng.integers(160, 321))
    height = height or int(rng.integers(120, 241))
    objects = place_objects(rng, width, height)
    pixels = draw_background(rng, width, height)
    for placed in objects:
        draw_object(rng, pixels, placed)
    pixels += rng.standard_normal(pixels.shape, np.float32) * np.float32(rng.uniform(0, 9))
    picture = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
    return Scene(picture, int(rng.integers(55, 96)), objects)


def place_objects(rng, width, height):
    side = min(width, height)
    others_count = rng.integers(0, 3)
    while True:
        main_size = rng.uniform(*MAIN_SIZES)
        others = rng.uniform(SMALLEST_SIZE, main_size / math.sqrt(MAIN_MARGIN), others_count)
        objects = []
        for size in (main_size, *others):
            placed = place_object(rng, size * side, (width, height), objects)
            if placed is None:
                break
            objects.append(placed)
        else:
            return tuple(objects)


def place_object(rng, size, canvas, others):
    """A free place in the centre square, or None if a few tries find none."""
    shape = str(rng.choice(list(SHAPES)))
    radius = radius_of(shape, size)
    room = min(canvas) / 2 - radius
    if room <= 0:
        return None
    for _ in range(20):
        x, y = (length / 2 + rng.uniform(-room, room) for length in canvas)
        gaps = (math.hypot(x - o.x, y - o.y) - radius - radius_of(o.shape, o.size) for o in others)
        if all(gap > 2 for gap in gaps):
            return Placed(shape, str(rng.choice(list(COLOURS))), size, x, y, rng.uniform(0, 2 * math.pi))
    return None


def draw_background(rng, width, height):
    """Float pixels of a muted background: mid-grey to pale tints, so that every colour of COLOURS stands out."""
    one, two = muted_colour(rng), muted_colour(rng)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    angle = rng.uniform(0, 2 * math.pi)
    along = x * math.cos(angle) + y * math.sin(angle)
    kind = rng.choice(["plain", "gradient", "glow", "stripes", "checks", "clouds"])
    if kind == "plain":
        share = np.zeros_like(x)
    elif kind == "gradient":
        share = (along - along.min()) / np.ptp(along)
    elif kind == "glow":
        share = np.hypot(x - rng.uniform(0, width), y - rng.uniform(0, height)) / math.hypot(width, height)
    elif kind == "stripes":
        share = (np.sin(along * 2 * math.pi / rng.uniform(8, 60)) > 0) * rng.uniform(0.2, 1)
    elif kind == "checks":
        cell = rng.uniform(8, 40)
        across = y * math.cos(angle) - x * math.sin(angle)
        share = (np.floor(along / cell) + np.floor(across / cell)) % 2 * rng.uniform(0.2, 1)
    else:
        cells = rng.integers(2, 12, 2)
        clouds = Image.fromarray(rng.uniform(0, 255, cells).astype(np.uint8))
        share = np.asarray(clouds.resize((width, height), Image.Resampling.BICUBIC), np.float32) / 255
    return (one + (two - one) * share[..., None]).astype(np.float32)


def muted_colour(rng):
    lightness = rng.uniform(95, 190)
    return np.clip(lightness + rng.normal(0, 16, 3), 75, 205)


def draw_object(rng, pixels, placed):
    height, width, _ = pixels.shape
    radius = radius_of(placed.shape, placed.size) + 1
    left, top = max(0, int(placed.x - radius)), max(0, int(placed.y - radius))
    right, bottom = min(width, int(placed.x + radius) + 2), min(height, int(placed.y + radius) + 2)
    mask = Image.new("L", ((right - left) * OVERSAMPLING, (bottom - top) * OVERSAMPLING), 0)
    canvas = ImageDraw.Draw(mask)
    for outline, ink in layers_of(placed):
        corners = [((x - left) * OVERSAMPLING, (y - top) * OVERSAMPLING) for x, y in outline]
        canvas.polygon(corners, fill=ink)
    share = np.asarray(mask.reduce(OVERSAMPLING), np.float32)[..., None] / 255
    colour = np.asarray(COLOURS[placed.colour], np.float32) + rng.normal(0, 8, 3)
    # Light from one side, as much as leaves the colour's name beyond doubt.
    shade = np.linspace(*rng.uniform(-14, 14, 2), bottom - top)[:, None, None]
    region = pixels[top:bottom, left:right]
    region += (np.clip(colour + shade, 0, 255) - region) * share


def layers_of(placed):
    """Polygons in picture coordinates, each with its ink: 255 draws, 0 cuts out."""
    cos, sin = math.cos(placed.angle) * placed.size, math.sin(placed.angle) * placed.size
    for outline, ink in SHAPES[placed.shape]:
        yield [(placed.x + x * cos - y * sin, placed.y + x * sin + y * cos) for x, y in outline], ink


def radius_of(shape, size):
    return size * max(math.hypot(x, y) for outline, ink in SHAPES[shape] if ink for x, y in outline)


def regular(corners, radius=1.0, centre=0.0):
    turns = (2 * math.pi * corner / corners - math.pi / 2 for corner in range(corners))
    return [(centre + radius * math.cos(turn), radius * math.sin(turn)) for turn in turns]


def star():
    turns = ((math.pi * corner / 5 - math.pi / 2, 0.42 if corner % 2 else 1.0) for corner in range(10))
    return [(radius * math.cos(turn), radius * math.sin(turn)) for turn, radius in turns]


def cross(arm=0.36):
    quarter = [(arm, arm), (arm, 1), (-arm, 1)]
    corners = []
    for _ in range(4):
        corners += quarter
        quarter = [(-y, x) for x, y in quarter]
    return corners


def heart():
    turns = np.linspace(0, 2 * math.pi, 60, endpoint=False)
    x = 16 * np.sin(turns) ** 3
    y = 13 * np.cos(turns) - 5 * np.cos(2 * turns) - 2 * np.cos(3 * turns) - np.cos(4 * turns)
    return list(zip(x / 17, -y / 17))


def moon():
    """The part of a circle outside another one, as one outline."""
    outer, inner, offset = 1.0, 0.86, 0.52
    # Where both circles meet: x from the difference of their equations.
    x = (outer**2 - inner**2 + offset**2) / (2 * offset)
    from_outer, from_inner = math.acos(x / outer), math.acos((x - offset) / inner)
    back = [(outer * math.cos(t), outer * math.sin(t)) for t in np.linspace(from_outer, 2 * math.pi - from_outer, 60)]
    hollow = np.linspace(2 * math.pi - from_inner, from_inner, 60)[1:-1]
    return back + [(offset + inner * math.cos(t), inner * math.sin(t)) for t in hollow]


def unit_area(outline, *holes):
    """Scales an outline, and the holes in it, so that the area inside the outline is 1."""
    corners = np.asarray(outline)
    x, y = corners[:, 0], corners[:, 1]
    scale = 1 / math.sqrt(abs(np.dot(x, np.roll(y, -1)) - np.dot(y, np.roll(x, -1))) / 2)
    return [((corners * scale).tolist(), 255)] + [((np.asarray(hole) * scale).tolist(), 0) for hole in holes]


SHAPES = {
    "circle": unit_area(regular(60)),
    "square": unit_area(regular(4)),
    "triangle": unit_area(regular(3)),
    "star": unit_area(star()),
    "heart": unit_area(heart()),
    "cross": unit_area(cross()),
    "ring": unit_area(regular(60), regular(60, 0.58)),
    "moon": unit_area(moon()),
}
