"""Least squares after alignment in numpy, the same algorithm as src/repair/least-squares: to time beside it.

  least_squares.py repair MERGED A ALIGNED_B DATA IMAGES OUT   repairs a ResNet20 with LayerNorm (images pooled 2x2), prints seconds
  least_squares.py cholesky N ...                              seconds of dpotrf for each n, best of three
"""

import gzip
import json
import struct
import sys
import time

import numpy as np
import scipy.linalg

RIDGE = 0.01
BATCH = 100


def read_safetensors(path):
    with open(path, "rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
        data = file.read()
    return {
        name: np.frombuffer(data, "<f4", offset=info["data_offsets"][0], count=int(np.prod(info["shape"])))
        .reshape(info["shape"])
        .copy()
        for name, info in header.items()
        if name != "__metadata__"
    }


def read_images(folder, count):
    with gzip.open(f"{folder}/train-images-idx3-ubyte.gz") as file:
        raw = file.read(16 + count * 784)
    x = np.frombuffer(raw, np.uint8, offset=16).reshape(count, 14, 2, 14, 2)
    return (x.astype(np.float32).mean((2, 4)) / 255).reshape(count, 14, 14, 1)


def patches(x, size, stride):
    pad = (size - 1) // 2
    x = np.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)))
    views = np.lib.stride_tricks.sliding_window_view(x, (size, size), (1, 2))[:, ::stride, ::stride]
    n, h, w = views.shape[:3]
    return np.ascontiguousarray(views.transpose(0, 1, 2, 4, 5, 3)).reshape(n * h * w, -1), (n, h, w)


def layer_norm(x, scale, shift):
    x = x - x.mean(-1, keepdims=True)
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + 1e-6) * scale + shift


class Network:
    """One network; kernels as [rows, out], so that a convolution is patches @ kernel."""

    def __init__(self, tensors):
        self.t = {}
        for name, value in tensors.items():
            if value.ndim == 4:
                value = np.ascontiguousarray(value.transpose(2, 3, 1, 0)).reshape(-1, value.shape[0])
            self.t[name] = np.ascontiguousarray(value.T) if name == "fc.weight" else value

    def normed(self, name, x):
        return layer_norm(x, self.t[f"{name}.weight"], self.t[f"{name}.bias"])


def solve(own, parents, name, inputs, targets, bias=None):
    """Normal equations over batches, f64; changes own's tensor, returns its outputs."""
    w = own.t[name]
    k = w.shape[0] + (bias is not None)
    gram, right = np.zeros((k, k)), np.zeros((k, w.shape[1]))
    for x, y in zip(inputs, targets):
        x = x.astype(np.float64)
        if bias is not None:
            x = np.concatenate([x, np.ones((len(x), 1))], 1)
        gram += x.T @ x
        right += x.T @ y
    before = w.astype(np.float64)
    if bias is not None:
        before = np.concatenate([before, own.t[bias][None].astype(np.float64)])
    lam = RIDGE * np.trace(gram) / k
    change = right - gram @ before
    gram[np.diag_indices(k)] += lam
    factor = scipy.linalg.cho_factor(gram, overwrite_a=True, check_finite=False)
    found = (before + scipy.linalg.cho_solve(factor, change, check_finite=False)).astype(np.float32)
    if bias is not None:
        own.t[bias] = found[-1]
        found = found[:-1]
    own.t[name] = np.ascontiguousarray(found)


def repair(own, parents, images):
    """Lists hold one value a batch, for own and for each parent."""
    nets = [own, *parents]

    def conv(values, name, stride=1, size=3):
        rows = [[patches(x, size, stride) for x in each] for each in values]
        outs = [None] + [[x @ net.t[name] for x, _ in each] for net, each in zip(parents, rows[1:])]
        targets = [np.mean([outs[k + 1][i] for k in range(len(parents))], 0) for i in range(len(rows[0]))]
        solve(own, parents, name, [x for x, _ in rows[0]], targets)
        outs[0] = [x @ own.t[name] for x, _ in rows[0]]
        return [[y.reshape(*shape, -1) for y, (_, shape) in zip(o, r)] for o, r in zip(outs, rows)]

    def each(function, *lists):
        return [[function(net, *xs) for xs in zip(*per)] for net, per in zip(nets, zip(*lists))]

    relu = lambda _, x: np.maximum(x, 0)
    batches = np.array_split(images, -(-len(images) // BATCH))
    x = conv([batches for _ in nets], "conv1.weight")
    x = each(relu, each(lambda net, v: net.normed("norm1", v), x))
    for layer in (1, 2, 3):
        for block in range(3):
            at = f"layer{layer}.{block}"
            stride = 2 if layer > 1 and block == 0 else 1
            y = conv(x, f"{at}.conv1.weight", stride)
            y = each(relu, each(lambda net, v: net.normed(f"{at}.norm1", v), y))
            y = conv(y, f"{at}.conv2.weight")
            y = each(lambda net, v: net.normed(f"{at}.norm2", v), y)
            if f"{at}.shortcut.0.weight" in own.t:
                x = conv(x, f"{at}.shortcut.0.weight", stride)
                x = each(lambda net, v: net.normed(f"{at}.shortcut.1", v), x)
            x = each(relu, each(lambda _, u, v: u + v, x, y))
    x = each(lambda _, v: v.mean((1, 2)), x)
    targets = [
        np.mean([v @ p.t["fc.weight"] + p.t["fc.bias"] for p, v in zip(parents, vs)], 0) for vs in zip(*x[1:])
    ]
    solve(own, parents, "fc.weight", x[0], targets, "fc.bias")


def main():
    command, *words = sys.argv[1:]
    if command == "cholesky":
        rng = np.random.default_rng(1)
        for n in map(int, words):
            x = rng.standard_normal((n, n))
            a = x @ x.T + n * np.eye(n)
            best = np.inf
            for _ in range(3):
                copy = np.asfortranarray(a)
                started = time.perf_counter()
                scipy.linalg.lapack.dpotrf(copy, overwrite_a=1, clean=0)
                best = min(best, time.perf_counter() - started)
            print(n, best)
        return
    merged, a, b, folder, count, out = words
    own, *parents = (Network(read_safetensors(path)) for path in (merged, a, b))
    images = read_images(folder, int(count))
    started = time.perf_counter()
    repair(own, parents, images)
    print(time.perf_counter() - started)
    np.savez(out, **own.t)


main()
