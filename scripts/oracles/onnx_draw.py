"""Draws the weights of ONNX files at random: files whose tensors are `ConstantOfShape` of a constant shape, as onnx's "light" ones.

    /usr/bin/python3 scripts/oracles/onnx_draw.py FOLDER FILE.onnx ...

Needs onnx and numpy (Debian: python3-onnx). Every such node becomes an initialiser of the same name in FOLDER/FILE.onnx: by He's rule
for matrices and kernels, the last matrix smaller so that a softmax does not saturate; scales and variances around 1, shifts and
means around 0.
"""

import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper


def drawn(shape, uses, random, is_last, gain):
    kinds = {kind for kind, _ in uses}
    places = {at for kind, at in uses if kind == "BatchNormalization"}
    if len(shape) >= 2 and shape[0] * int(np.prod(shape[1:])) > 1:
        scale = np.sqrt(gain / max(1, int(np.prod(shape[1:]))))
        return random.normal(0, scale * (0.1 if is_last else 1), shape)
    if 1 in places or 4 in places or "Mul" in kinds:
        return random.uniform(0.5, 1.5, shape)
    return random.normal(0, 0.1, shape)


def convert(path, folder):
    model = onnx.load(str(path))
    graph = model.graph
    known = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    uses = {}
    for node in graph.node:
        for at, name in enumerate(node.input):
            uses.setdefault(name, set()).add((node.op_type, at))
    # A vector that is given axes for a product is used as its reader uses it.
    for node in graph.node:
        if node.op_type == "Unsqueeze":
            uses.setdefault(node.input[0], set()).update(uses.get(node.output[0], set()))
    last = [node.input[1] for node in graph.node if node.op_type in ("Gemm", "Conv")][-1]
    # The variances that norms divide by are not those of the values: sums would grow from block to block.
    gain = 0.5 if any(node.op_type == "BatchNormalization" for node in graph.node) else 2
    random = np.random.default_rng(sum(path.name.encode()))
    nodes, added = [], []
    for node in graph.node:
        shape = known.get(node.input[0]) if node.op_type == "ConstantOfShape" else None
        if shape is None:
            nodes.append(node)
            continue
        values = drawn([int(size) for size in shape], uses.get(node.output[0], set()), random, node.output[0] == last, gain)
        added.append(numpy_helper.from_array(values.astype(np.float32), node.output[0]))
    del graph.node[:]
    graph.node.extend(nodes)
    graph.initializer.extend(added)
    # The shapes are read by nobody now.
    read = {name for node in graph.node for name in node.input}
    for kind in (graph.initializer, graph.input):
        kept = [each for each in kind if each.name in read]
        del kind[:]
        kind.extend(kept)
    model.ir_version = max(model.ir_version, 4)
    onnx.save(model, str(folder / path.name))
    print(folder / path.name, len(added), "tensors drawn")


folder, *paths = map(Path, sys.argv[1:])
folder.mkdir(parents=True, exist_ok=True)
for path in paths:
    convert(path, folder)
