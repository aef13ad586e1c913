"""Merges a pair of MLPs written as Flax's MessagePack, and compares with the merge of the same tensors as safetensors.

    /usr/bin/python3 scripts/oracles/flax_pairs.py A.safetensors B.safetensors

Needs msgpack (Debian: python3-msgpack) and a build (dist/). Kernels are transposed. The same permutations and merged values must come, in
a TrainState whose other parts are the same; a file merged with itself must come out byte for byte.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import msgpack
import numpy as np

ROOT = Path(__file__).resolve().parent.parent.parent


def read_safetensors(path):
    data = Path(path).read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    types = {"F16": "<f2", "F32": "<f4", "I32": "<i4", "U32": "<u4", "I64": "<i8"}
    return {
        name: np.frombuffer(data[8 + size :][slice(*info["data_offsets"])], types[info["dtype"]]).reshape(info["shape"])
        for name, info in header.items()
        if name != "__metadata__"
    }


def pack(tree):
    """As flax.serialization.msgpack_serialize."""

    def ext(value):
        array = np.ascontiguousarray(value)
        return msgpack.ExtType(1, msgpack.packb((value.shape, array.dtype.name, array.tobytes()), use_bin_type=True))

    return msgpack.packb(tree, default=ext, strict_types=True)


def unpack(data):
    def restore(code, content):
        shape, dtype, raw = msgpack.unpackb(content, raw=True)
        return np.frombuffer(raw, dtype.decode()).reshape(shape) if code == 1 else None

    return msgpack.unpackb(data, ext_hook=restore, raw=False)


def state(tensors):
    layers = sorted({name.rsplit(".", 1)[0] for name in tensors}, key=lambda n: [int(w) if w.isdigit() else w for w in n.split(".")])
    params = {
        f"Dense_{i}": {"kernel": tensors[f"{layer}.weight"].T, "bias": tensors[f"{layer}.bias"]}
        for i, layer in enumerate(layers)
    }
    mu = {layer: {role: np.zeros_like(array) for role, array in part.items()} for layer, part in params.items()}
    return layers, {"step": 7, "params": params, "opt_state": {"0": {"count": np.int32(7) * np.ones((), np.int32), "mu": mu}}}


def rebasin(*arguments):
    command = ["node", str(ROOT / "dist/cli.js"), *map(str, arguments)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr + result.stdout
    return result.stdout


a_path, b_path = sys.argv[1:3]
with tempfile.TemporaryDirectory() as folder:
    at = Path(folder)
    for name, path in (("a", a_path), ("b", b_path)):
        layers, tree = state(read_safetensors(path))
        (at / f"{name}.msgpack").write_bytes(pack(tree))
    rebasin("merge", a_path, b_path, "-o", at / "m.safetensors", "--permutations-out", at / "p.safetensors")
    print(rebasin("merge", at / "a.msgpack", at / "b.msgpack", "-o", at / "m.msgpack", "--permutations-out", at / "q.safetensors"))
    print(rebasin("inspect", at / "m.msgpack"))
    merged, want = unpack((at / "m.msgpack").read_bytes()), read_safetensors(at / "m.safetensors")
    for i, layer in enumerate(layers):
        assert np.array_equal(merged["params"][f"Dense_{i}"]["kernel"].T, want[f"{layer}.weight"]), layer
        assert np.array_equal(merged["params"][f"Dense_{i}"]["bias"], want[f"{layer}.bias"]), layer
    before = unpack((at / "a.msgpack").read_bytes())
    assert merged["step"] == before["step"] and str(merged["opt_state"]) == str(before["opt_state"])

    def indices(path):
        return sorted(array.tolist() for array in read_safetensors(path).values())

    assert indices(at / "p.safetensors") == indices(at / "q.safetensors")
    rebasin("merge", at / "a.msgpack", at / "a.msgpack", "-o", at / "same.msgpack")
    assert (at / "same.msgpack").read_bytes() == (at / "a.msgpack").read_bytes()
    print("equal: permutations, merged values, the rest of the file; A with itself is A")
