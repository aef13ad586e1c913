"""Compares what rebasin reads from ONNX files with what onnx reads, tensor by tensor, bit by bit.

    /usr/bin/python3 scripts/oracles/onnx_tensors.py FILE ...

Needs onnx (Debian: python3-onnx). Tensors of the model's own graph are compared by name, those of branches and functions as a set.
"""

import collections
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

ROOT = Path(__file__).resolve().parent.parent.parent
DTYPES = {"f4": "F32", "f8": "F64", "f2": "F16", "i8": "I64", "i4": "I32", "i2": "I16", "i1": "I8", "u1": "U8", "u2": "U16", "u4": "U32", "u8": "U64", "b1": "BOOL", "c8": "C64"}


def facts(array):
    return DTYPES[array.dtype.str[1:]], tuple(array.shape), hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()


def constant(node):
    (attribute,) = node.attribute
    if attribute.name == "value":
        return numpy_helper.to_array(attribute.t)
    kind = {"value_float": (np.float32, attribute.f), "value_floats": (np.float32, list(attribute.floats)),
            "value_int": (np.int64, attribute.i), "value_ints": (np.int64, list(attribute.ints))}.get(attribute.name)  # fmt: skip
    return None if kind is None else np.array(kind[1], kind[0])


def walk(graph, top, found):
    for tensor in getattr(graph, "initializer", []):
        found.append((tensor.name if top else None, numpy_helper.to_array(tensor)))
    for node in graph.node:
        if node.op_type == "Constant":
            found.append((node.output[0] if top else None, constant(node)))
            continue
        for attribute in node.attribute:
            for inner in [*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs]:
                walk(inner, False, found)
    return found


def main():
    paths = [str(Path(path).resolve()) for path in sys.argv[1:]]
    command = ["node", "scripts/run.mjs", "scripts/oracles/list-tensors.ts", *paths]
    lines = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    wrong = 0
    for path, line in zip(paths, lines, strict=True):
        ours = json.loads(line)
        model = onnx.load(path)
        found = walk(model.graph, True, [])
        for function in model.functions:
            walk(function, False, found)
        theirs = [(name, facts(array)) for name, array in found if array is not None and array.dtype.kind not in "OUS"]
        mine = {name: (dtype, tuple(shape), digest) for name, dtype, shape, digest in ours.get("tensors", [])}
        named = all(mine.get(name) == fact for name, fact in theirs if name is not None)
        same = named and collections.Counter(mine.values()) == collections.Counter(fact for _, fact in theirs)
        wrong += not same
        print(f"{'same ' if same else 'WRONG'} {path}: {len(mine)} tensors of {len(theirs)}{'' if 'error' not in ours else ' ' + ours['error']}")
    raise SystemExit(wrong > 0)


if __name__ == "__main__":
    main()
