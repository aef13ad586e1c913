"""Compares what rebasin reads from HDF5 files with what h5py reads, dataset by dataset, bit by bit.

    /usr/bin/python3 scripts/oracles/hdf5_files.py [--make FOLDER] FILE ...

Needs h5py (Debian: python3-h5py) and a build (dist/). A .keras file is compared by the HDF5 file in it. Every dataset of numbers must be
a tensor or be named; a file that rebasin does not open must be refused in one line. Files handed to the writer must come out byte for
byte, or be refused as only read. With --make, files of every layout that h5py writes are made in FOLDER first, and compared too.
"""

import hashlib
import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import h5py
import numpy as np

ROOT = Path(__file__).resolve().parent.parent.parent
NAMES = {
    "f4": "F32", "f8": "F64", "f2": "F16", "i8": "I64", "i4": "I32", "i2": "I16", "i1": "I8", "u1": "U8", "u2": "U16",
    "u4": "U32", "u8": "U64", "b1": "BOOL", "c8": "C64",
}  # fmt: skip


def open_file(path):
    if path.suffix != ".keras":
        return h5py.File(path, "r")
    return h5py.File(io.BytesIO(zipfile.ZipFile(path).read("model.weights.h5")), "r")


def theirs(path):
    found, others = {}, set()

    def visit(name, item):
        if not isinstance(item, h5py.Dataset):
            return
        code = "V2" if item.dtype.str[1:] == "V2" and item.attrs.get("dtype") == "bfloat16" else item.dtype.str[1:]
        if item.shape is None or code not in {**NAMES, "V2": ""}:
            others.add(name)
            return
        value = item[()]
        value = np.asarray(value)
        little = value if code == "V2" else value.astype(value.dtype.newbyteorder("<"))
        digest = hashlib.sha256(np.ascontiguousarray(little).tobytes()).hexdigest()
        found[name] = (NAMES.get(code, "BF16"), list(item.shape), digest)

    with open_file(path) as file:
        file.visititems(visit)
    return found, others


def stripped(names, mine):
    """Names from the group of the weights on, as rebasin has them."""
    if any(name.startswith("model_weights/") for name in names) and not any(n.startswith("model_weights/") for n in mine):
        return {name.removeprefix("model_weights/"): names[name] for name in names if name.startswith("model_weights/")}
    return {name: value for name, value in names.items() if not name.startswith(("optimizer/", "optimizer_weights/"))}


def make(folder):
    """Every layout of h5py."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(7)
    made = []
    for libver in ("earliest", "v108", "v110", "latest"):
        path = folder / f"{libver}.h5"
        made.append(path)
        with h5py.File(path, "w", libver=libver if libver in ("earliest", "latest") else (libver, libver)) as f:
            x = rng.standard_normal((37, 23)).astype(np.float32)
            for code in ("f4", "f8", "f2", ">f4", ">f8", ">f2", "i1", "i8", ">i8", ">u2", "u4", "?", "c8", "c16"):
                f[f"types/{code.replace('>', 'big_').replace('?', 'bool')}"] = (x * 50).astype(code)
            f["scalar"], f["empty"], f["none"] = np.float32(3.5), np.zeros((0, 3), np.float32), h5py.Empty("f4")
            f["text"], f["many"] = "words", np.array([b"a", b"bc"])
            f.create_dataset("opaque", data=x.astype(np.float16).view("V2")).attrs["dtype"] = "bfloat16"
            for name, options in {
                "plain": {}, "gzip": {"compression": "gzip"}, "shuffle": {"shuffle": True}, "both": {"compression": "gzip", "shuffle": True},
                "fletcher": {"fletcher32": True}, "all": {"compression": "gzip", "shuffle": True, "fletcher32": True},
                "lzf": {"compression": "lzf"}, "unlimited": {"maxshape": (None, 23)}, "unlimited2": {"maxshape": (None, None)},
            }.items():  # fmt: skip
                if name in ("lzf", "unlimited", "unlimited2"):
                    other = folder / f"{libver}-{name}.h5"
                    made.append(other)
                    with h5py.File(other, "w", libver=f.libver) as g:
                        g.create_dataset("x", data=x, chunks=(10, 7), **options)
                    continue
                f.create_dataset(f"chunked/{name}", data=x, chunks=(10, 7), **options)
                f.create_dataset(f"one/{name}", data=x, chunks=(37, 23), **options)
                f.create_dataset(f"pages/{name}", data=np.arange(5000, dtype=np.float64), chunks=(2,), **options)
            f.create_dataset("filled", (50, 4), np.float32, fillvalue=2.5)
            f.create_dataset("half", (50, 4), np.float32, chunks=(10, 4), fillvalue=-1)[:20] = 7
            f["also"] = f["types/f4"]
            f["soft"] = h5py.SoftLink("/types/f4")
            group = f.create_group("wide")
            for i in range(300):
                group[f"layer_with_a_long_name_{i}"] = np.full(3, i, np.float32)
            for i in range(40):
                f["wide"].attrs[f"attribute_{i}"] = "value" * i
        keras = folder / f"{libver}-keras2.h5"
        made.append(keras)
        keras2(keras, f"{libver}", rng)
    return made


def keras2(path, libver, rng):
    with h5py.File(path, "w", libver=libver if libver in ("earliest", "latest") else (libver, libver)) as f:
        f.attrs["keras_version"], f.attrs["backend"], f.attrs["model_config"] = "2.15.0", "tensorflow", json.dumps({"class_name": "Sequential"})
        weights = f.create_group("model_weights")
        layers = [f"dense_{i}" for i in (10, 2, 1)] + ["dropout"]
        weights.attrs["layer_names"] = [layer.encode() for layer in layers]
        for layer in layers:
            group = weights.create_group(layer)
            names = [] if layer == "dropout" else [f"{layer}/kernel:0", f"{layer}/bias:0"]
            group.attrs["weight_names"] = [name.encode() for name in names]
            for name in names:
                group[name] = rng.standard_normal((3, 3) if "kernel" in name else 3).astype(np.float32)
        f["optimizer_weights/step"] = np.int64(3)


def run(*words):
    return subprocess.run(["node", *words], cwd=ROOT, capture_output=True, text=True)


def main():
    words = sys.argv[1:]
    files = []
    if words[:1] == ["--make"]:
        files, words = make(Path(words[1])), words[2:]
    files += [Path(word) for word in words]
    lines = run("scripts/run.mjs", "scripts/oracles/list-tensors.ts", *[str(path.resolve()) for path in files]).stdout.splitlines()
    wrong = tensors = back = 0
    for path, line in zip(files, lines, strict=True):
        ours = json.loads(line)
        if "error" in ours:
            print(f"refused  {path.name}: {ours['error']}")
            continue
        numbers, others = theirs(path)
        mine = {name: (dtype, shape, digest) for name, dtype, shape, digest in ours["tensors"]}
        want = stripped(numbers, mine)
        named = dict(ours["details"]).get("left as is", "")
        out = Path("/tmp") / f"hdf5-oracle{path.suffix}"
        out.unlink(missing_ok=True)
        said = run("dist/cli.js", "convert", str(path.resolve()), str(out))
        if out.exists():
            copied = "same bytes" if out.read_bytes() == path.read_bytes() else "OTHER BYTES"
            back += 1
        else:
            copied = "only read" if "only read" in said.stderr else f"WRONG: {said.stderr}"
        good = mine == want and copied in ("same bytes", "only read")
        tensors += len(mine)
        wrong += not good
        print(f"{'same    ' if good else 'WRONG   '} {path.name}: {len(mine)} tensors, {copied}; left as is: {named[:90] or '-'}")
        if mine != want:
            different = [name for name in {**mine, **want} if mine.get(name) != want.get(name)]
            print(f"      {len(different)} differ: {[(n, mine.get(n), want.get(n)) for n in different[:3]]}")
    print(f"{len(files)} files, {tensors} tensors equal to h5py's, {back} handed back byte for byte, {wrong} wrong")
    raise SystemExit(wrong > 0)


if __name__ == "__main__":
    main()
