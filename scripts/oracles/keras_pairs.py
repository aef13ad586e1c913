"""Merges pairs turned into files of Keras, and compares with the merge of the same tensors as safetensors.

    /usr/bin/python3 scripts/oracles/keras_pairs.py A.safetensors B.safetensors

Needs torch and h5py (Debian: python3-torch, python3-h5py) and a build (dist/). For MLPs and VGGs with torch.nn.Sequential's numbers. The
files are Keras 2's .h5 (whole model), Keras 3's .weights.h5 and .keras. The same permutations and merged tensors are expected up to the
layout: [in, out], HWIO, channels last when flattened; the function of the merged model is compared by numpy's loops over its layers.
"""

import io
import json
import re
import sys
import tempfile
import zipfile
from pathlib import Path

import h5py
import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent))
from onnx_pairs import Chain, rebasin  # noqa: E402
from pytorch_pairs import read_safetensors  # noqa: E402
from tfjs_pairs import layers_of, permutations  # noqa: E402

ORDER = ["kernel", "bias", "gamma", "beta", "moving_mean", "moving_variance"]


def snake(name):
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def variables(layers, weights):
    """By layer: its class and its variables in Keras' order."""
    by_layer = {}
    for name, value in weights:
        layer, leaf = name.split("/")
        by_layer.setdefault(layer, {})[leaf] = value
    return [(each["class_name"], each["config"]["name"], by_layer.get(each["config"]["name"], {})) for each in layers]


def write_keras2(layers, weights, path):
    with h5py.File(path, "w") as f:
        f.attrs["keras_version"], f.attrs["backend"] = "2.15.0", "tensorflow"
        f.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": {"name": "net", "layers": layers}})
        root = f.create_group("model_weights")
        root.attrs["layer_names"] = [layer["config"]["name"].encode() for layer in layers]
        for _, name, own in variables(layers, weights):
            group = root.create_group(name)
            group.attrs["weight_names"] = [f"{name}/{leaf}:0".encode() for leaf in ORDER if leaf in own]
            for leaf in ORDER:
                if leaf in own:
                    group[f"{name}/{leaf}:0"] = own[leaf]
        f["optimizer_weights/Adam/iterations:0"] = np.int64(3)


def write_keras3(layers, weights, path):
    counts = {}
    with h5py.File(path, "w") as f:
        for kind, name, own in variables(layers, weights):
            word = snake(kind)
            group = f"layers/{word}_{counts[word]}" if counts.get(word) else f"layers/{word}"
            counts[word] = counts.get(word, 0) + 1
            f.create_group(f"{group}/vars").attrs["name"] = name
            for i, leaf in enumerate(leaf for leaf in ORDER if leaf in own):
                f[f"{group}/vars/{i}"] = own[leaf]


def write_archive(layers, weights, path):
    inside = path.with_suffix(".weights.h5")
    write_keras3(layers, weights, inside)
    listed = [{"module": "keras.layers", **layer} for layer in layers]
    with zipfile.ZipFile(path, "w") as z:
        z.writestr("metadata.json", json.dumps({"keras_version": "3.5.0"}))
        z.writestr("config.json", json.dumps({"module": "keras", "class_name": "Sequential", "config": {"name": "net", "layers": listed}}))
        z.write(inside, "model.weights.h5")
    inside.unlink()


def read_back(path, layers, weights):
    """Arrays by layer and variable, as h5py reads them."""
    if path.suffix == ".keras":
        assert zipfile.ZipFile(path).testzip() is None
        file = h5py.File(io.BytesIO(zipfile.ZipFile(path).read("model.weights.h5")), "r")
    else:
        file = h5py.File(path, "r")
    arrays, counts = {}, {}
    for kind, name, own in variables(layers, weights):
        word = snake(kind)
        group = f"layers/{word}_{counts[word]}" if counts.get(word) else f"layers/{word}"
        counts[word] = counts.get(word, 0) + 1
        for i, leaf in enumerate(leaf for leaf in ORDER if leaf in own):
            place = f"model_weights/{name}/{name}/{leaf}:0" if "model_weights" in file else f"{group}/vars/{i}"
            arrays[f"{name}/{leaf}"] = file[place][()]
    return arrays


def run(layers, arrays, images):
    """The network's outputs by torch's operations in Keras' layouts."""
    x = torch.from_numpy(images)
    for layer in layers:
        kind, name, config = layer["class_name"], layer["config"]["name"], layer["config"]
        own = {leaf: torch.from_numpy(arrays[f"{name}/{leaf}"].copy()) for leaf in ORDER if f"{name}/{leaf}" in arrays}
        if kind == "Conv2D":
            x = torch.nn.functional.conv2d(x.permute(0, 3, 1, 2), own["kernel"].permute(3, 2, 0, 1), own["bias"], padding="same").permute(0, 2, 3, 1)
        elif kind == "BatchNormalization":
            x = (x - own["moving_mean"]) / torch.sqrt(own["moving_variance"] + config["epsilon"]) * own["gamma"] + own["beta"]
        elif kind == "MaxPooling2D":
            x = torch.nn.functional.max_pool2d(x.permute(0, 3, 1, 2), 2).permute(0, 2, 3, 1)
        elif kind == "Flatten":
            x = x.reshape(len(x), -1)
        elif kind == "Dense":
            x = x @ own["kernel"] + own["bias"]
        if config.get("activation") == "relu":
            x = torch.relu(x)
    return x.numpy()


def main():
    a, b = sys.argv[1:3]
    folder = Path(tempfile.mkdtemp())
    rebasin("merge", a, b, "-o", folder / "m.safetensors", "--permutations-out", folder / "p.safetensors")
    groups, merged = permutations(folder / "p.safetensors"), read_safetensors(folder / "m.safetensors")
    layers, weights = layers_of(merged)
    wanted = dict(weights)
    images = torch.rand(16, 1, 28, 28)
    with torch.no_grad():
        want = Chain(merged)(images).numpy()
    wrong = 0
    for name, write in (("model.h5", write_keras2), ("model.weights.h5", write_keras3), ("model.keras", write_archive)):
        for side, path in (("a", a), ("b", b)):
            (folder / side).mkdir(exist_ok=True)
            write(*layers_of(read_safetensors(path)), folder / side / name)
        out = folder / f"merged-{name}"
        said = rebasin("merge", folder / "a" / name, folder / "b" / name, "-o", out, "--permutations-out", folder / f"q-{name}.safetensors")
        ours, got = permutations(folder / f"q-{name}.safetensors"), read_back(out, layers, weights)
        # Names of permutations are the layers' own in some files: they are compared in order.
        equal = sum(x == y for x, y in zip(ours.values(), groups.values(), strict=True))
        worst = max(float(np.abs(got[tensor] - value).max() / np.abs(value).max()) for tensor, value in wanted.items())
        with torch.no_grad():
            outputs = run(layers, got, images.numpy().transpose(0, 2, 3, 1).copy())
        off = float(np.abs(outputs - want).max() / np.abs(want).max())
        back = folder / f"back-{name}"
        rebasin("convert", folder / "a" / name, back)
        same = back.read_bytes() == (folder / "a" / name).read_bytes()
        good = equal == len(groups) and worst == 0 and off < 1e-5 and same
        wrong += not good
        print(f"{'ok   ' if good else 'WRONG'} {name:17} {equal} of {len(groups)} permutations equal, largest relative difference {worst:.1e}, outputs {off:.1e} from PyTorch's, {'handed back byte for byte' if same else 'OTHER BYTES'}")
        for line in said.splitlines():
            if line.startswith(("note", "family")):
                print(f"      {line}")
    raise SystemExit(wrong > 0)


if __name__ == "__main__":
    main()
