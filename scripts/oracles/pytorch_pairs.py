"""Merges pairs saved by torch and numpy in every way, and compares with the merge of the same tensors as safetensors.

    /usr/bin/python3 scripts/oracles/pytorch_pairs.py A.safetensors B.safetensors [OPTION of rebasin merge ...]

Needs torch (Debian: python3-torch) and a build (dist/). Each way must give the same permutations and the same merged bytes, the
merged file must load in torch or numpy, and what is not the model's (optimizer, epoch) must be A's, bit for bit.
"""

import json
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).resolve().parent.parent.parent
TYPES = {"F32": torch.float32, "I32": torch.int32, "F16": torch.float16, "BF16": torch.bfloat16, "I64": torch.int64}
NAMES = {dtype: name for name, dtype in TYPES.items()}


def read_safetensors(path):
    data = Path(path).read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    tensors = {}
    for name, info in header.items():
        start, end = (8 + length + offset for offset in info["data_offsets"])
        tensors[name] = torch.frombuffer(bytearray(data[start:end]), dtype=TYPES[info["dtype"]]).reshape(info["shape"])
    return tensors


def bits(tensor):
    tensor = tensor.detach().contiguous()
    return (tensor.view(torch.int16) if tensor.dtype == torch.bfloat16 else tensor).numpy().tobytes()


def write_safetensors(tensors, path):
    header, data = {}, b""
    for name, tensor in tensors.items():
        raw = bits(tensor)
        header[name] = {"dtype": NAMES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


class Node(torch.nn.Module):
    """A module with whatever parameters, buffers and children the names say."""

    def __init__(self, tensors):
        super().__init__()
        children = {}
        for name, tensor in tensors.items():
            head, _, rest = name.partition(".")
            if rest:
                children.setdefault(head, {})[rest] = tensor
            elif tensor.is_floating_point() and not name.startswith("running"):
                self.register_parameter(name, torch.nn.Parameter(tensor.clone()))
            else:
                self.register_buffer(name, tensor.clone())
        for name, part in children.items():
            self.add_module(name, Node(part))


def optimizer_of(tensors):
    parameters = [torch.nn.Parameter(t.clone()) for t in tensors.values() if t.is_floating_point()]
    optimizer = torch.optim.Adam(parameters, lr=1e-3)
    for i, parameter in enumerate(parameters):
        parameter.grad = torch.full_like(parameter, 0.01 * (i + 1))
    optimizer.step()
    return optimizer.state_dict()


def to(dtype):
    return lambda tensors: {name: t.to(dtype) if t.is_floating_point() else t for name, t in tensors.items()}


same = to(torch.float32)
# How: (what the tensors become, what is saved, how, the state dict in what was saved)
WAYS = {
    "bare": (same, lambda t: t, {}, lambda o: o),
    "nested": (same, lambda t: {"epoch": 3, "model": t, "optimizer": optimizer_of(t), "best": np.float64(0.5)}, {}, lambda o: o["model"]),
    "lightning": (
        same,
        lambda t: {
            "epoch": 1, "global_step": 2, "pytorch-lightning_version": "1.9", "state_dict": {f"model.{n}": v for n, v in t.items()},
            "callbacks": {"ModelCheckpoint": {"best_model_score": torch.tensor(0.9), "kth_value": torch.tensor(0.1)}},
            "optimizer_states": [optimizer_of(t)], "lr_schedulers": [{"last_epoch": 1}], "hyper_parameters": {"lr": 1e-3},
        },
        {}, lambda o: {n[6:]: v for n, v in o["state_dict"].items()},
    ),
    "data parallel": (same, lambda t: {f"module.{n}": v for n, v in t.items()}, {}, lambda o: {n[7:]: v for n, v in o.items()}),
    "module": (same, Node, {}, lambda o: o.state_dict()),
    "module and optimizer": (same, lambda t: {"model": Node(t), "optimizer": optimizer_of(t)}, {}, lambda o: o["model"].state_dict()),
    "legacy": (same, lambda t: {"state_dict": t, "optimizer": optimizer_of(t)}, {"_use_new_zipfile_serialization": False}, lambda o: o["state_dict"]),
    "legacy module": (same, Node, {"_use_new_zipfile_serialization": False}, lambda o: o.state_dict()),
    "protocol 4": (same, lambda t: t, {"pickle_protocol": 4}, lambda o: o),
    "channels last": (same, lambda t: {n: v.to(memory_format=torch.channels_last) if v.dim() == 4 else v.T.contiguous().T if v.dim() == 2 else v for n, v in t.items()}, {}, lambda o: o),
    "half": (to(torch.float16), lambda t: {"model": t, "optimizer": optimizer_of(same(t))}, {}, lambda o: o["model"]),
    "bfloat16": (to(torch.bfloat16), lambda t: t, {}, lambda o: o),
    "npz": (same, np.savez, None, None),
    "npz, compressed": (same, np.savez_compressed, None, None),
}  # fmt: skip


def walk(value, name, found):
    if isinstance(value, torch.Tensor):
        found[name] = bits(value)
    elif isinstance(value, torch.nn.Module):
        walk(value.state_dict(), name, found)
    elif isinstance(value, dict) or isinstance(value, (list, tuple)):
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            walk(part, f"{name}.{key}", found)
    else:
        found[name] = repr(value)
    return found


def rebasin(*words):
    run = subprocess.run(["node", str(ROOT / "dist/cli.js"), *map(str, words)], capture_output=True, text=True)
    if run.returncode != 0:
        raise RuntimeError(run.stdout + run.stderr)
    return json.loads(run.stdout)


def permutations(path):
    return {name: bits_of for name, bits_of in walk(read_raw(path), "", {}).items()}


def read_raw(path):
    data = Path(path).read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    return {n: data[8 + length + i["data_offsets"][0] : 8 + length + i["data_offsets"][1]].hex() for n, i in header.items()}


def main():
    paths, options = sys.argv[1:3], sys.argv[3:]
    originals = [read_safetensors(path) for path in paths]
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        for number, (how, (change, wrap, save, inner)) in enumerate(WAYS.items()):
            pair = [change(tensors) for tensors in originals]
            ending = "npz" if save is None else "pt"
            for letter, tensors in zip("ab", pair, strict=True):
                write_safetensors(tensors, folder / f"{number}-{letter}.safetensors")
                target = folder / f"{number}-{letter}.{ending}"
                if save is None:
                    wrap(target, **{name: tensor.numpy() for name, tensor in tensors.items()})
                else:
                    torch.save(wrap(tensors), target, **save)
            outputs = {}
            try:
                for kind in ("safetensors", ending):
                    out, saved = folder / f"{number}-out.{kind}", folder / f"{number}-{kind}.perms"
                    inputs = [folder / f"{number}-{letter}.{kind}" for letter in "ab"]
                    rebasin("merge", *inputs, "-o", out, "--permutations-out", saved, "--json", *options)
                    outputs[kind] = out, saved
                expected = read_safetensors(outputs["safetensors"][0])
                out, saved = outputs[ending]
                if permutations(saved) != permutations(outputs["safetensors"][1]):
                    raise RuntimeError("other permutations")
                if save is None:
                    arrays = np.load(out)
                    merged = {name: torch.from_numpy(arrays[name]) for name in arrays.files}
                    kept = []
                else:
                    whole = torch.load(out, map_location="cpu")
                    merged = inner(whole)
                    before = walk(torch.load(folder / f"{number}-a.pt", map_location="cpu"), "", {})
                    after = walk(whole, "", {})
                    if list(before) != list(after):
                        raise RuntimeError("another structure")
                    own = set(walk({"x": t} if False else merged, "", {}).values())
                    kept = [n for n in before if before[n] == after[n]]
                    lost = [n for n in before if before[n] != after[n] and after[n] not in own]
                    if lost:
                        raise RuntimeError(f"changed: {lost[:3]}")
                if list(merged) != list(expected) and set(merged) != set(expected):
                    raise RuntimeError("other names")
                different = [n for n in expected if bits(merged[n]) != bits(expected[n])]
                if different:
                    raise RuntimeError(f"{len(different)} other tensors: {different[:3]}")
                print(f"same   {how}: {len(expected)} tensors, {len(kept)} other values kept")
            except Exception as error:
                wrong += 1
                print(f"WRONG  {how}: {str(error).strip()[:500]}")
    print(f"{len(WAYS)} ways, {wrong} wrong")
    sys.exit(wrong > 0)


if __name__ == "__main__":
    main()
