"""Compares what rebasin reads with what torch and numpy read, tensor by tensor, bit by bit.

    /usr/bin/python3 scripts/oracles/formats.py FILE ...

Needs torch and numpy (Debian: python3-torch). A file is PATH or PATH#KEY. Files that torch or numpy cannot read must be refused
in one line; tar files of PyTorch 0.1 are read by a few lines here where torch cannot (they lack the table of views).
"""

import hashlib
import io
import json
import pickle
import struct
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import torch

ROOT = Path(__file__).resolve().parent.parent.parent
DTYPES = {
    torch.float32: "F32", torch.float64: "F64", torch.float16: "F16", torch.bfloat16: "BF16", torch.int64: "I64",
    torch.int32: "I32", torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8", torch.bool: "BOOL", torch.complex64: "C64",
}  # fmt: skip
NUMPY = {
    "f4": "F32", "f8": "F64", "f2": "F16", "i8": "I64", "i4": "I32", "i2": "I16", "i1": "I8", "u1": "U8", "u2": "U16",
    "u4": "U32", "u8": "U64", "b1": "BOOL", "c8": "C64", "V2": "BF16",
}  # fmt: skip


def bits_of(tensor):
    tensor = tensor.detach().cpu().contiguous()
    if tensor.dtype == torch.bfloat16:
        tensor = tensor.view(torch.int16)
    return tensor.numpy().tobytes()


def walk(value, name, found):
    """Every tensor at any depth, by its path."""
    if isinstance(value, torch.Tensor):
        found[name] = (DTYPES[value.dtype], list(value.shape), hashlib.sha256(bits_of(value)).hexdigest())
    elif isinstance(value, torch.nn.Module):
        walk(value.state_dict(), name, found)
    elif isinstance(value, dict) or isinstance(value, (list, tuple)):
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            walk(part, f"{name}.{key}" if name else str(key), found)
    return found


def load_tar(path):
    """torch/serialization.py, legacy_load, for archives whose table of views is missing; burn's have no tensors either."""
    tar = tarfile.open(path)
    tensors = {}
    types = {"FloatStorage": "f4", "DoubleStorage": "f8", "LongStorage": "i8", "IntStorage": "i4"}

    def rebuild(storage, offset, shape, stride, *_):
        return torch.from_numpy(storage.copy()).as_strided(shape, stride, offset)

    class Names(pickle.Unpickler):
        def find_class(self, module, name):
            if name == "_rebuild_tensor_v2":
                return lambda storage, *words: rebuild(storages[storage[2]], *words)
            return name if module == "torch" else super().find_class(module, name)

        def persistent_load(self, key):
            return tensors[int(key)]

    file = tar.extractfile("storages")
    storages = {}
    for _ in range(Names(file).load()):
        key, _, kind = Names(file).load()
        (count,) = struct.unpack("<q", file.read(8))
        dtype = np.dtype(types[kind])
        storages[key] = np.frombuffer(file.read(count * dtype.itemsize), dtype)
    file = tar.extractfile("tensors") if "tensors" in tar.getnames() else None
    for _ in range(Names(file).load() if file else 0):
        key, storage, _ = Names(file).load()
        (axes, _) = struct.unpack("<ii", file.read(8))
        shape = struct.unpack(f"<{axes}q", file.read(8 * axes))
        stride = struct.unpack(f"<{axes}q", file.read(8 * axes))
        (offset,) = struct.unpack("<q", file.read(8))
        tensors[int(key)] = rebuild(storages[storage], offset, shape, stride)
    return Names(tar.extractfile("pickle")).load()


def load(path):
    if path.suffix == ".npz":
        arrays = np.load(path)
        found = {}
        for name in arrays.files:
            try:
                found[name] = arrays[name]
            except ValueError:
                pass  # arrays of objects
        return found
    if path.suffix == ".npy":
        return {"arr_0": np.load(path)}
    if path.suffix == ".tar":
        return load_tar(path)
    return torch.load(path, map_location="cpu")


def numpy_tensor(array):
    little = array.astype(array.dtype.newbyteorder("<"))
    return (NUMPY[array.dtype.str[1:]], list(array.shape), hashlib.sha256(np.ascontiguousarray(little).tobytes()).hexdigest())


def main():
    words = sys.argv[1:]
    command = ["node", "scripts/run.mjs", "scripts/oracles/list-tensors.ts", *[str(Path(w).resolve()) for w in words]]
    lines = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    wrong = tensors = 0
    for word, line in zip(words, lines, strict=True):
        ours = json.loads(line)
        try:
            value = load(Path(word.split("#")[0]))
        except Exception as error:
            if "error" in ours:
                print(f"refused  {word}: {ours['error']}")
            else:
                wrong += 1
                print(f"WRONG    {word}: read, but {type(error).__name__}: {error}")
            continue
        if "error" in ours:
            wrong += 1
            print(f"WRONG    {word}: {ours['error']}")
            continue
        if isinstance(value, dict) and all(isinstance(part, (np.ndarray, np.generic)) for part in value.values()):
            theirs = {name: numpy_tensor(part) for name, part in value.items() if part.dtype.kind not in "OUSM"}
        else:
            details = dict(ours["details"])
            for key in filter(None, details.get("key", "").split(".")):
                value = value[key] if isinstance(value, dict) else getattr(value, key)
            theirs = walk(value, "", {}) if not isinstance(value, torch.Tensor) else walk(value, "tensor", {})
            training = tuple(path.split(".")[0] for path in details.get("training state", "").split(", ") if path)
            theirs = {name: facts for name, facts in theirs.items() if not name.startswith(training or ("\0",))}
        mine = {name: (dtype, shape, digest) for name, dtype, shape, digest in ours["tensors"]}
        tensors += len(mine)
        if mine == theirs:
            print(f"same     {word}: {len(mine)} tensors {details_text(ours)}")
        else:
            wrong += 1
            different = [n for n in {**mine, **theirs} if mine.get(n) != theirs.get(n)]
            print(f"WRONG    {word}: {len(different)} differ: {[(n, mine.get(n), theirs.get(n)) for n in different[:2]]}")
    print(f"{len(words)} files, {tensors} tensors, {wrong} wrong")
    sys.exit(wrong > 0)


def details_text(ours):
    return ", ".join(f"{label} {text}" for label, text in ours.get("details") or [])


main()
