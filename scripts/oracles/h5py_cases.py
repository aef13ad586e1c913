"""Writes test/reference/h5py-cases.ts: small files that h5py made, packed, which the tests read in every runtime.

    /usr/bin/python3 scripts/oracles/h5py_cases.py

Needs h5py (Debian: python3-h5py). Element i of a dataset of numbers is (i % 100) / 2 - 5, rounded to its type.
"""

import base64
import gzip
import json
import tempfile
from pathlib import Path

import h5py
import numpy as np

OUT = Path(__file__).resolve().parent.parent.parent / "test/reference/h5py-cases.ts"


def values(shape, code="<f4"):
    count = int(np.prod(shape))
    return ((np.arange(count) % 100) / 2 - 5).astype(code).reshape(shape)


def types(f):
    for code in ("<f8", ">f8", "<f2", ">f2", ">f4", "|i1", "<i2", ">i4", "<i8"):
        f[f"types/{code.replace('<', '').replace('>', 'big_').replace('|', '')}"] = values((3, 2), code)
    f["types/bool"] = np.array([True, False, True])
    f["types/c8"] = values((4,)).view("<c8")
    bfloat16 = (values((2, 3)).view("<u4") >> 16).astype("<u2")
    f.create_dataset("types/bf16", data=bfloat16.view("V2")).attrs["dtype"] = "bfloat16"
    f["scalar"], f["empty"], f["none"], f["text"] = np.float32(-5), np.zeros((0, 3), "<f4"), h5py.Empty("f4"), "words"
    f["also"] = f["types/f8"]
    f["soft"] = h5py.SoftLink("/scalar")
    f.create_dataset("filled", (4, 2), "<f4", fillvalue=-5)


def chunked(f):
    x = values((7, 5))
    both = {"compression": "gzip", "shuffle": True}
    for name, options in {"plain": {}, "gzip": {"compression": "gzip"}, "shuffle": {"shuffle": True}, "fletcher": {"fletcher32": True},
                          "all": {**both, "fletcher32": True}}.items():  # fmt: skip
        f.create_dataset(f"chunks/{name}", data=x, chunks=(3, 2), **options)
        f.create_dataset(f"one/{name}", data=x, chunks=(7, 5), **options)
    f.create_dataset("some", (6, 2), "<f4", chunks=(2, 2), fillvalue=-5)[2:4] = values((2, 2))


def pages(f):
    both = {"compression": "gzip", "shuffle": True}
    f.create_dataset("pages", data=values((1100,)), chunks=(1,))
    f.create_dataset("packed_pages", data=values((1100,)), chunks=(1,), **both)


def dense(f):
    for i in range(150):
        f[f"wide/layer_{i}"] = values((2,))
    for i in range(30):
        f["wide"].attrs[f"attribute_{i}"] = f"value {i}"


def keras2(f, split=False):
    f.attrs["keras_version"], f.attrs["backend"] = "2.15.0", "tensorflow"
    sizes = [4, 5, 6, 3]
    config = [{"class_name": "Dense", "config": {"name": name, "units": size, "activation": "relu" if size != 3 else "softmax"}}
              for name, size in zip(("dense_9", "dense_10", "dense_11"), sizes[1:])]  # fmt: skip
    config[0]["config"]["batch_input_shape"] = [None, 4]
    f.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": {"name": "net", "layers": config}})
    weights = f.create_group("model_weights")
    layers = ["dense_9", "dropout", "dense_10", "dense_11"]
    if split:
        weights.attrs["layer_names0"], weights.attrs["layer_names1"] = [x.encode() for x in layers[:2]], [x.encode() for x in layers[2:]]
    else:
        weights.attrs["layer_names"] = [x.encode() for x in layers]
    at = 0
    for layer in layers:
        group = weights.create_group(layer)
        group.attrs["weight_names"] = [] if layer == "dropout" else [f"{layer}/kernel:0".encode(), f"{layer}/bias:0".encode()]
        if layer != "dropout":
            group[f"{layer}/kernel:0"], group[f"{layer}/bias:0"] = values((sizes[at], sizes[at + 1])), values((sizes[at + 1],))
            at += 1
    f["optimizer_weights/Adam/iterations:0"] = np.int64(7)


def keras3(f):
    for layer, shapes in {"conv2d": [(3, 3, 1, 4), (4,)], "batch_normalization": [(4,)] * 4, "dense": [(36, 5), (5,)], "dense_1": [(5, 3), (3,)],
                          "dropout": []}.items():  # fmt: skip
        group = f.create_group(f"layers/{layer}/vars")
        group.attrs["name"] = f"my_{layer}"
        for i, shape in enumerate(shapes):
            group[str(i)] = values(shape)
    f["layers/dropout/seed_generator/vars/0"] = np.array([0, 1], "<u4")
    f["optimizer/vars/0"] = np.int64(3)


CASES = {
    "old": ("earliest", [types, chunked]),
    "latest": ("latest", [types, chunked, pages, dense]),
    "wide": ("earliest", [dense]),
    "keras2": ("earliest", [keras2]),
    "keras2Split": ("latest", [lambda f: keras2(f, True)]),
    "keras3": ("earliest", [keras3]),
}


def main():
    lines = ["/** Files that h5py made, packed by gzip, in base64: scripts/oracles/h5py_cases.py writes this file. */", "",
             "// biome-ignore format: made by a script", "export const H5PY: Readonly<Record<string, string>> = {"]  # fmt: skip
    for name, (libver, parts) in CASES.items():
        with tempfile.NamedTemporaryFile(suffix=".h5") as temporary:
            with h5py.File(temporary.name, "w", libver=libver) as f:
                for part in parts:
                    part(f)
            packed = base64.b64encode(gzip.compress(Path(temporary.name).read_bytes(), 9, mtime=0)).decode()
        lines.append(f'  {name}: "{packed}",')
        print(f"{name}: {len(packed)} characters")
    OUT.write_text("\n".join(lines) + "\n};\n")


main()
