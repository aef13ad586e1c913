"""Merges pairs exported as ONNX in several ways, and compares with the merge of the same tensors as safetensors.

    /usr/bin/python3 scripts/oracles/onnx_pairs.py A.safetensors B.safetensors [--runtime FOLDER]

Needs torch and onnx (Debian: python3-torch, python3-onnx) and a build (dist/). For MLPs and VGGs with torch.nn.Sequential's numbers. Each
way must give the same permutations and the same merged tensors up to the layout; the merged file must pass onnx.checker. With
FOLDER/node_modules/onnxruntime-web the merged file is run, and its outputs are compared with PyTorch's.
"""

import io
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import external_data_helper, numpy_helper

sys.path.insert(0, str(Path(__file__).resolve().parent))
from pytorch_pairs import read_safetensors  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent.parent


class Chain(torch.nn.Module):
    """Linear, or convolutions with BatchNorm and then linear, as the names' numbers say."""

    def __init__(self, tensors):
        super().__init__()
        groups = {}
        for name, tensor in tensors.items():
            stem, number, role = name.split(".")
            groups.setdefault(stem, {}).setdefault(int(number), {})[role] = tensor
        self.stems = list(groups)
        for stem, numbers in groups.items():
            parts, last = [], max(numbers)
            dense_list = stem == "layers"
            for number in range(last + 1):
                tensors = numbers.get(number)
                if tensors is None:
                    before = type(parts[-1]) if parts else None
                    # After a norm comes ReLU, after ReLU a pool; in a classifier the first is the flatten.
                    parts.append(
                        torch.nn.Flatten() if not parts else torch.nn.MaxPool2d(2) if before is torch.nn.ReLU else torch.nn.ReLU()
                    )
                elif "running_mean" in tensors:
                    parts.append(torch.nn.BatchNorm2d(len(tensors["weight"])))
                elif tensors["weight"].ndim == 4:
                    out, into, side, _ = tensors["weight"].shape
                    parts.append(torch.nn.Conv2d(into, out, side, padding=side // 2))
                else:
                    out, into = tensors["weight"].shape
                    parts.append(torch.nn.Linear(into, out))
            if stem == "features":
                parts += [torch.nn.ReLU(), torch.nn.MaxPool2d(2)]
            self.add_module(stem, torch.nn.ModuleList(parts) if dense_list else torch.nn.Sequential(*parts))
        state = {
            name: tensor.reshape(()) if name.endswith("num_batches_tracked") else tensor
            for stem, numbers in groups.items()
            for number, roles in numbers.items()
            for role, tensor in roles.items()
            for name in [f"{stem}.{number}.{role}"]
        }
        self.load_state_dict(state)
        self.eval()

    def forward(self, x):
        if "layers" not in self.stems:
            for stem in self.stems:
                x = getattr(self, stem)(x)
            return x
        x = x.reshape(x.shape[0], -1)
        for i, layer in enumerate(self.layers):
            x = layer(x if i == 0 else torch.relu(x))
        return x


def export(net, **options):
    buffer = io.BytesIO()
    torch.onnx.export(
        net, torch.zeros(2, 1, 28, 28), buffer, opset_version=options.pop("opset", 13), input_names=["image"], output_names=["logits"],
        dynamic_axes={"image": {0: "n"}}, training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False, **options,
    )  # fmt: skip
    return onnx.load_from_string(buffer.getvalue())


def typed(model, half=False):
    """Numbers one by one, in float_data; as half precision in int32_data."""
    for tensor in model.graph.initializer:
        array = numpy_helper.to_array(tensor)
        if array.dtype != np.float32:
            continue
        tensor.ClearField("raw_data")
        if half:
            tensor.data_type = onnx.TensorProto.FLOAT16
            tensor.int32_data.extend(array.astype(np.float16).view(np.uint16).ravel().tolist())
        else:
            tensor.float_data.extend(array.ravel().tolist())
    return model


def constants(model):
    """Every initialiser as a Constant node."""
    nodes = [onnx.helper.make_node("Constant", [], [t.name], value=t) for t in model.graph.initializer]
    rest = list(model.graph.node)
    del model.graph.initializer[:], model.graph.node[:]
    model.graph.node.extend(nodes + rest)
    return model


def matmul(model):
    """Gemm with transB as MatMul of the transposed matrix and Add: the layout [in, out]."""
    weights = {t.name: t for t in model.graph.initializer}
    nodes = []
    for node in model.graph.node:
        if node.op_type != "Gemm":
            nodes.append(node)
            continue
        x, w, b = node.input
        weights[w].CopyFrom(numpy_helper.from_array(np.ascontiguousarray(numpy_helper.to_array(weights[w]).T), w))
        nodes.append(onnx.helper.make_node("MatMul", [x, w], [f"{w}.product"]))
        nodes.append(onnx.helper.make_node("Add", [f"{w}.product", b], list(node.output)))
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model


WAYS = {
    "initialisers, raw": lambda net: export(net),
    "opset 9": lambda net: export(net, opset=9),
    "float_data": lambda net: typed(export(net)),
    "Constant nodes": lambda net: constants(export(net)),
    "external data": lambda net: export(net),
    "MatMul, [in, out]": lambda net: matmul(export(net)),
    "F16 in int32_data": lambda net: typed(export(net), half=True),
}


def rebasin(*words):
    done = subprocess.run(["node", str(ROOT / "dist/cli.js"), *map(str, words)], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"rebasin {' '.join(map(str, words))}: {done.stderr}")
    return done.stdout


def arrays_of(path):
    model = onnx.load(str(path))
    tensors = [*model.graph.initializer, *(n.attribute[0].t for n in model.graph.node if n.op_type == "Constant")]
    names = [*(t.name for t in model.graph.initializer), *(n.output[0] for n in model.graph.node if n.op_type == "Constant")]
    return dict(zip(names, map(numpy_helper.to_array, tensors), strict=True))


def main():
    a, b, *rest = sys.argv[1:]
    runtime = rest[1] if rest[:1] == ["--runtime"] else None
    folder = Path(tempfile.mkdtemp())
    rebasin("merge", a, b, "-o", folder / "m.safetensors", "--permutations-out", folder / "p.safetensors")
    groups = {name: value.tolist() for name, value in read_safetensors(folder / "p.safetensors").items()}
    merged = read_safetensors(folder / "m.safetensors")
    wrong = 0
    for name, way in WAYS.items():
        place = folder / name.replace(" ", "-").replace(",", "").replace("[", "").replace("]", "")
        for side, path in (("a", a), ("b", b)):
            (place / side).mkdir(parents=True)
            model = way(Chain(read_safetensors(path)))
            if name == "external data":
                onnx.save(model, str(place / side / "m.onnx"), save_as_external_data=True, location="m.onnx_data", size_threshold=0)
            else:
                onnx.save(model, str(place / side / "m.onnx"))
        (place / "out").mkdir()
        out = place / "out" / "m.onnx"
        rebasin("merge", place / "a/m.onnx", place / "b/m.onnx", "-o", out, "--permutations-out", place / "p.safetensors")
        onnx.checker.check_model(str(out))
        ours = {group: value.tolist() for group, value in read_safetensors(place / "p.safetensors").items()}
        equal = sum(ours.get(g) == groups[g] for g in groups)
        theirs, worst = arrays_of(out), 0.0
        for tensor, value in merged.items():
            if tensor.endswith("num_batches_tracked"):
                continue
            value = value.numpy()
            got = theirs[tensor].astype(np.float32)
            got = got.T if got.shape != value.shape or name.startswith("MatMul") and got.ndim == 2 else got
            worst = max(worst, float(np.abs(got - value).max()))
        half = "F16" in name
        ran = run(runtime, out, merged, folder) if runtime and not half else ""
        good = (equal == len(groups) or half) and worst <= (2e-3 if half else 0) and "WRONG" not in ran
        wrong += not good
        print(f"{'ok   ' if good else 'WRONG'} {name:20} {equal} of {len(groups)} permutations equal, largest difference {worst:.1e}{ran}")
    raise SystemExit(wrong > 0)


def run(runtime, path, merged, folder):
    """Outputs of onnxruntime-web against PyTorch's, on random images."""
    images = torch.rand(16, 1, 28, 28)
    with torch.no_grad():
        want = Chain(merged)(images).numpy()
    (folder / "x.bin").write_bytes(images.numpy().tobytes())
    script = ROOT / "scripts/oracles/run-onnx.mjs"
    text = subprocess.run(["node", script, runtime, path, folder / "x.bin", "16,1,28,28"], capture_output=True, text=True)
    if text.returncode != 0:
        return f", WRONG: {text.stderr[-300:]}"
    got = np.array(json.loads(text.stdout.splitlines()[-1]), dtype=np.float32).reshape(want.shape)
    relative = float(np.abs(got - want).max() / np.abs(want).max())
    return f", run: {relative:.1e} from PyTorch's{'' if relative < 1e-4 else ' WRONG'}"


if __name__ == "__main__":
    main()
