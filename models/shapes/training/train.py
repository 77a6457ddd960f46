"""Makes scenes, trains the network on them, measures it on others and writes model.onnx with its label lists.

    python train.py [--scenes 24000] [--epochs 7] [--to ..]

The same arguments on the same machine give the same file. Uses the CPU only.
"""

import argparse
import functools
import pathlib
import time

import jax
import jax.numpy as jnp
import numpy as np
import optax

import network
from export import to_onnx
from pictures import MAIN_LABELS, PRESENT_LABELS, make_pictures

TRAINING_SEED, CHECK_SEED, WEIGHT_SEED = 1, 2, 3
BATCH = 128
PEAK_RATE = 3e-3
WEIGHT_DECAY = 1e-4
# Brings both losses to about the same size: the one of the present labels is a mean over sixteen of them.
PRESENT_WEIGHT = 5.0


def main():
    options = parse_options()
    started = time.monotonic()
    scenes = make_pictures(TRAINING_SEED, options.scenes, options.processes)
    print(f"{options.scenes} scenes in {time.monotonic() - started:.0f} s", flush=True)
    trained, running = train(scenes, options.epochs)
    pictures, main_truth, present_truth = make_pictures(CHECK_SEED, 2000, options.processes)
    main_scores, present_scores = scores_of(trained, running, pictures)
    print(f"main shape right: {np.mean(main_scores.argmax(1) == main_truth):.4f}")
    print(f"present labels, micro F1: {micro_f1(present_scores > 0.5, present_truth > 0.5):.4f}")
    options.to.joinpath("model.onnx").write_bytes(to_onnx(trained, running).SerializeToString())
    options.to.joinpath("main-labels.txt").write_text("\n".join(MAIN_LABELS) + "\n")
    options.to.joinpath("present-labels.txt").write_text("\n".join(PRESENT_LABELS) + "\n")
    print(f"done in {time.monotonic() - started:.0f} s, {time.process_time():.0f} s of CPU in this process")


def parse_options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", type=int, default=24000)
    parser.add_argument("--epochs", type=int, default=7)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--to", type=pathlib.Path, default=pathlib.Path(__file__).parent.parent)
    return parser.parse_args()


def train(scenes, epochs):
    steps = epochs * (len(scenes[0]) // BATCH)
    optimiser = optax.adamw(optax.cosine_onecycle_schedule(steps, PEAK_RATE), weight_decay=WEIGHT_DECAY)
    trained, running = network.initial_parameters(jax.random.key(WEIGHT_SEED), len(MAIN_LABELS), len(PRESENT_LABELS))
    state = optimiser.init(trained)
    step = jax.jit(functools.partial(train_step, optimiser))
    for number, batch in enumerate(batches(scenes, epochs)):
        trained, running, state, loss = step(trained, running, state, batch)
        if number % 50 == 0:
            print(f"step {number} of {steps}, loss {loss:.3f}", flush=True)
    return trained, running


def batches(scenes, epochs):
    """Batches in a new order each epoch, each turned and mirrored at random: no label depends on that."""
    rng = np.random.default_rng(TRAINING_SEED)
    count = len(scenes[0])
    for _ in range(epochs):
        order = rng.permutation(count)
        for first in range(0, count - BATCH + 1, BATCH):
            pictures, main_truth, present_truth = (column[order[first : first + BATCH]] for column in scenes)
            pictures = np.rot90(pictures, rng.integers(4), axes=(1, 2))
            if rng.integers(2):
                pictures = pictures[:, :, ::-1]
            yield np.ascontiguousarray(pictures), main_truth, present_truth


def train_step(optimiser, trained, running, state, batch):
    (loss, running), gradients = jax.value_and_grad(loss_of, has_aux=True)(trained, running, batch)
    updates, state = optimiser.update(gradients, state, trained)
    return optax.apply_updates(trained, updates), running, state, loss


def loss_of(trained, running, batch):
    pictures, main_truth, present_truth = batch
    main, present, running = network.logits(trained, running, normalised(pictures), training=True)
    main_loss = optax.softmax_cross_entropy_with_integer_labels(main, main_truth).mean()
    present_loss = optax.sigmoid_binary_cross_entropy(present, present_truth).mean()
    return main_loss + PRESENT_WEIGHT * present_loss, running


def normalised(pictures):
    return (pictures.astype(jnp.float32) / 255 - network.MEAN) / network.STD


def scores_of(trained, running, pictures):
    @jax.jit
    def score(part):
        main, present, _ = network.logits(trained, running, normalised(part), training=False)
        return jax.nn.softmax(main), jax.nn.sigmoid(present)

    parts = [score(pictures[first : first + 500]) for first in range(0, len(pictures), 500)]
    return tuple(np.concatenate(column) for column in zip(*parts))


def micro_f1(predicted, truth):
    return 2 * np.sum(predicted & truth) / (np.sum(predicted) + np.sum(truth))


if __name__ == "__main__":
    main()
