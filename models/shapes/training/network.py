"""The network: six convolutions, then what is the main shape and what is there at all.

Pictures are NHWC float32 in about -2..2, parameters plain dicts. A block is convolution, batch norm, ReLU.
"""

import math

import jax
import jax.numpy as jnp

SIDE = 64
MEAN, STD = 0.5, 0.25
# Channels, kernel side and stride of each block: maps shrink from 64 to 8 cells a side. The first block halves them at
# once, for half of the time of a step would go into full-size maps.
BLOCKS = ((24, 4, 2), (48, 3, 2), (48, 3, 1), (96, 3, 2), (96, 3, 1), (96, 3, 1))
HIDDEN = 128
EPSILON = 1e-5
# Share of the old value that the running statistics keep at each step.
MOMENTUM = 0.98


def initial_parameters(key, main_count, present_count):
    """(trained parameters, running statistics of the batch norms)"""
    trained, running, channels = {"blocks": []}, [], 3
    *block_keys, hidden_key, main_key, present_key = jax.random.split(key, len(BLOCKS) + 3)
    for block_key, (width, side, _) in zip(block_keys, BLOCKS):
        spread = math.sqrt(2 / (side**2 * channels))
        kernel = spread * jax.random.normal(block_key, (side, side, channels, width))
        trained["blocks"].append({"kernel": kernel, "scale": jnp.ones(width), "shift": jnp.zeros(width)})
        running.append({"mean": jnp.zeros(width), "variance": jnp.ones(width)})
        channels = width
    trained["hidden"] = dense(hidden_key, 2 * channels, HIDDEN)
    trained["main"] = dense(main_key, HIDDEN, main_count)
    trained["present"] = dense(present_key, HIDDEN, present_count)
    return trained, running


def dense(key, inputs, outputs):
    return {"weights": math.sqrt(2 / inputs) * jax.random.normal(key, (inputs, outputs)), "bias": jnp.zeros(outputs)}


def logits(trained, running, pictures, training):
    """(logits of the main shape, logits of what is present, running statistics after this batch)"""
    maps, after = pictures, []
    for block, statistics, (_, _, stride) in zip(trained["blocks"], running, BLOCKS):
        maps = convolve(maps, block["kernel"], stride)
        if training:
            mean, variance = maps.mean((0, 1, 2)), maps.var((0, 1, 2))
            statistics = {
                "mean": MOMENTUM * statistics["mean"] + (1 - MOMENTUM) * mean,
                "variance": MOMENTUM * statistics["variance"] + (1 - MOMENTUM) * variance,
            }
        else:
            mean, variance = statistics["mean"], statistics["variance"]
        after.append(statistics)
        maps = jax.nn.relu((maps - mean) * (block["scale"] / jnp.sqrt(variance + EPSILON)) + block["shift"])
    # The maximum says that something is anywhere, the mean how much of the picture it takes.
    pooled = jnp.concatenate([maps.max((1, 2)), maps.mean((1, 2))], axis=1)
    hidden = jax.nn.relu(pooled @ trained["hidden"]["weights"] + trained["hidden"]["bias"])
    main, present = (hidden @ trained[head]["weights"] + trained[head]["bias"] for head in ("main", "present"))
    return main, present, after


def convolve(maps, kernel, stride):
    # One cell of padding all round, as ONNX's pads [1, 1, 1, 1]: "SAME" would pad strided maps on one side only.
    return jax.lax.conv_general_dilated(
        maps, kernel, (stride, stride), ((1, 1), (1, 1)), dimension_numbers=("NHWC", "HWIO", "NHWC")
    )


def folded(trained, running):
    """Kernel and bias of each block with the batch norm inside: what is left to do when nothing is trained any more."""
    for block, statistics in zip(trained["blocks"], running):
        factor = block["scale"] / jnp.sqrt(statistics["variance"] + EPSILON)
        yield block["kernel"] * factor, block["shift"] - statistics["mean"] * factor
