"""Merges pairs turned into layers models of TensorFlow.js, and compares with the merge of the same tensors as safetensors.

    /usr/bin/python3 scripts/oracles/tfjs_pairs.py A.safetensors B.safetensors [--runtime FOLDER]

Needs torch (Debian: python3-torch) and a build (dist/). For MLPs and VGGs with torch.nn.Sequential's numbers. The same permutations
and merged tensors are expected up to the layout: [in, out], HWIO, channels last when flattened. With
FOLDER/node_modules/@tensorflow/tfjs-layers the merged model is run, and its outputs are compared with PyTorch's.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent))
from onnx_pairs import Chain, rebasin  # noqa: E402
from pytorch_pairs import read_safetensors, write_safetensors  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent.parent
NAMES = {"weight": "gamma", "bias": "beta", "running_mean": "moving_mean", "running_var": "moving_variance"}


def layers_of(tensors):
    """Layers of Keras in order, with the torch modules that they are."""
    groups = {}
    for name, tensor in tensors.items():
        stem, number, role = name.split(".")
        groups.setdefault((stem, int(number)), {})[role] = tensor.numpy()
    layers, channels = [], None
    counts = {}

    def add(kind, config, weights=None):
        snake = {"Conv2D": "conv2d", "BatchNormalization": "batch_normalization", "Dense": "dense"}.get(kind, kind.lower())
        counts[snake] = counts.get(snake, 0) + 1
        name = f"{snake}_{counts[snake]}"
        layers.append({"class_name": kind, "config": {"name": name, "trainable": True, "dtype": "float32", **config}})
        return [(f"{name}/{leaf}", np.ascontiguousarray(value, np.float32)) for leaf, value in (weights or {}).items()]

    weights, flat, before = [], False, None
    keys = list(groups)
    for key, roles in groups.items():
        stem, number = key
        if stem == "features" and before is not None and number - before == 3 and "running_mean" not in roles:
            pass
        if "running_mean" in roles:
            weights += add("BatchNormalization", {"axis": [3], "momentum": 0.99, "epsilon": 1e-5, "center": True, "scale": True},
                           {NAMES[r]: roles[r] for r in ("weight", "bias", "running_mean", "running_var")})
            add("Activation", {"activation": "relu"})
            after = keys[keys.index(key) + 1]
            if after[0] != "features" or after[1] - number == 3:
                add("MaxPooling2D", {"pool_size": [2, 2], "strides": [2, 2], "padding": "valid", "data_format": "channels_last"})
        elif roles["weight"].ndim == 4:
            out, into, side, _ = roles["weight"].shape
            weights += add("Conv2D", {"filters": out, "kernel_size": [side, side], "strides": [1, 1], "padding": "same",
                                      "data_format": "channels_last", "dilation_rate": [1, 1], "activation": "linear", "use_bias": True},
                           {"kernel": roles["weight"].transpose(2, 3, 1, 0), "bias": roles["bias"]})
            channels = out
        else:
            kernel = roles["weight"]
            if not flat:
                flat = True
                add("Flatten", {"data_format": "channels_last"})
                if channels:
                    positions = kernel.shape[1] // channels
                    kernel = kernel.reshape(-1, channels, positions).transpose(0, 2, 1).reshape(len(kernel), -1)
            last = key == keys[-1]
            weights += add("Dense", {"units": len(kernel), "activation": "linear" if last else "relu", "use_bias": True},
                           {"kernel": kernel.T, "bias": roles["bias"]})
        before = number
    layers[0]["config"]["batch_input_shape"] = [None, 28, 28, 1]
    return layers, weights


def write_model(tensors, folder, quantise=None, shard=1 << 17):
    layers, weights = layers_of(tensors)
    folder.mkdir(parents=True)
    data, entries = b"", []
    for name, value in weights:
        entry = {"name": name, "shape": list(value.shape), "dtype": "float32"}
        if quantise == "float16":
            entry["quantization"] = {"dtype": "float16", "original_dtype": "float32"}
            data += value.astype(np.float16).tobytes()
        elif quantise:
            levels = np.iinfo(quantise).max
            low, high = min(float(value.min()), 0.0), max(float(value.max()), 0.0)
            scale = (high - low) / levels or 1.0
            low = -round(-low / scale) * scale
            entry["quantization"] = {"dtype": quantise, "scale": scale, "min": low, "original_dtype": "float32"}
            data += np.clip(np.round((value.astype(np.float64) - low) / scale), 0, levels).astype(quantise).tobytes()
        else:
            data += value.tobytes()
        entries.append(entry)
    count = -(-len(data) // shard)
    paths = [f"group1-shard{i + 1}of{count}.bin" for i in range(count)]
    for i, path in enumerate(paths):
        (folder / path).write_bytes(data[i * shard : (i + 1) * shard])
    topology = {"keras_version": "2.15.0", "backend": "tensorflow", "model_config": {"class_name": "Sequential", "config": {"name": "net", "layers": layers}}}
    model = {"format": "layers-model", "generatedBy": "keras v2.15.0", "convertedBy": "TensorFlow.js Converter v4.22.0", "modelTopology": topology,
             "weightsManifest": [{"paths": paths, "weights": entries}]}  # fmt: skip
    (folder / "model.json").write_text(json.dumps(model))


def read_model(folder):
    model = json.loads((folder / "model.json").read_text())
    (group,) = model["weightsManifest"]
    data = b"".join((folder / path).read_bytes() for path in group["paths"])
    arrays, at = {}, 0
    for entry in group["weights"]:
        quantization = entry.get("quantization")
        dtype = np.dtype(quantization["dtype"] if quantization else entry["dtype"])
        size = int(np.prod(entry["shape"]))
        value = np.frombuffer(data, dtype, size, at)
        at += size * dtype.itemsize
        if quantization and "scale" in quantization:
            value = value.astype(np.float64) * quantization["scale"] + quantization["min"]
        arrays[entry["name"]] = value.astype(np.float32).reshape(entry["shape"])
    assert at == len(data)
    return arrays


def permutations(path):
    return {name: value.tolist() for name, value in read_safetensors(path).items()}


def main():
    a, b, *rest = sys.argv[1:]
    runtime = rest[1] if rest[:1] == ["--runtime"] else None
    folder = Path(tempfile.mkdtemp())
    rebasin("merge", a, b, "-o", folder / "m.safetensors", "--permutations-out", folder / "p.safetensors")
    groups, merged = permutations(folder / "p.safetensors"), read_safetensors(folder / "m.safetensors")
    wanted = dict(layers_of(merged)[1])
    wrong = 0
    for name, quantise, options in (("float32", None, []), ("float16", "float16", []), ("uint16", "uint16", []), ("uint8", "uint8", []),
                                    ("uint8 --dtype F32", "uint8", ["--dtype", "F32"])):  # fmt: skip
        place = folder / name.replace(" ", "")
        for side, path in (("a", a), ("b", b)):
            write_model(read_safetensors(path), place / side, quantise)
        (place / "out").mkdir()
        reference, expected = groups, wanted
        if quantise:
            # What numpy makes of the quantised weights, merged as safetensors.
            for side in "ab":
                tensors = {tensor: torch.from_numpy(value.copy()) for tensor, value in read_model(place / side).items()}
                write_safetensors(tensors, place / f"{side}.safetensors")
            rebasin("merge", place / "a.safetensors", place / "b.safetensors", "-o", place / "m.safetensors", "--permutations-out", place / "q.safetensors")
            reference = permutations(place / "q.safetensors")
            expected = {tensor: value.numpy() for tensor, value in read_safetensors(place / "m.safetensors").items()}
        said = rebasin("merge", place / "a/model.json", place / "b/model.json", "-o", place / "out/model.json", "--permutations-out",
                       place / "p.safetensors", *options)  # fmt: skip
        ours, got = permutations(place / "p.safetensors"), read_model(place / "out")
        equal = sum(ours.get(group) == reference[group] for group in reference)
        worst = max(float(np.abs(got[tensor] - value).max() / np.abs(value).max()) for tensor, value in expected.items())
        ran = run(runtime, place / "out", merged, folder) if runtime and not quantise else ""
        allowed = 0 if options else {None: 0, "float16": 1e-3, "uint16": 2e-5, "uint8": 5e-3}[quantise]
        good = worst <= allowed and equal == len(reference) and "WRONG" not in ran
        wrong += not good
        notes = "".join(f"\n      {line}" for line in said.splitlines() if line.startswith("note"))
        print(f"{'ok   ' if good else 'WRONG'} {name:18} {equal} of {len(groups)} permutations equal, largest relative difference {worst:.1e}{ran}{notes}")
    raise SystemExit(wrong > 0)


def run(runtime, path, merged, folder):
    """Outputs of @tensorflow/tfjs-layers against PyTorch's, on random images."""
    images = torch.rand(16, 1, 28, 28)
    with torch.no_grad():
        want = Chain(merged)(images).numpy()
    (folder / "x.bin").write_bytes(images.numpy().transpose(0, 2, 3, 1).tobytes())
    script = ROOT / "scripts/oracles/run-tfjs.mjs"
    text = subprocess.run(["node", script, runtime, path, folder / "x.bin", "16,28,28,1"], capture_output=True, text=True)
    if text.returncode != 0:
        return f", WRONG: {text.stderr[-300:]}"
    got = np.array(json.loads(text.stdout.splitlines()[-1]), dtype=np.float32).reshape(want.shape)
    relative = float(np.abs(got - want).max() / np.abs(want).max())
    return f", run: {relative:.1e} from PyTorch's{'' if relative < 1e-4 else ' WRONG'}"


if __name__ == "__main__":
    main()
