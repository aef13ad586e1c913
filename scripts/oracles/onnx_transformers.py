"""Draws transformers of real sizes at random and exports them as ONNX by PyTorch, one file each.

    /usr/bin/python3 scripts/oracles/onnx_transformers.py FOLDER [NAME ...]

Needs torch and onnx (Debian: python3-torch, python3-onnx). `bert`, `gpt2` and `vit` have the sizes of BERT-base, GPT-2-small and
ViT-B/16, but smaller vocabularies; `rotary` is Llama-shaped (RMS norms, rotary positions, grouped queries, a gated MLP); `crossed` is
torch.nn.Transformer, whose decoder attends to its encoder. Biases and norms are drawn, too: none is constant.
"""

import math
import sys
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F


def heads(x, count):
    return x.view(x.size(0), x.size(1), count, x.size(2) // count).transpose(1, 2)


def attend(q, k, v, mask=None):
    scores = q @ k.transpose(-1, -2) / math.sqrt(q.size(-1))
    mixed = (scores if mask is None else scores + mask).softmax(-1) @ v
    return mixed.transpose(1, 2).reshape(q.size(0), q.size(2), -1)


def causal(time):
    return torch.full((time, time), -1e9).triu(1)


class BertLayer(nn.Module):
    def __init__(self, width, count):
        super().__init__()
        self.count = count
        self.query, self.key, self.value, self.output = (nn.Linear(width, width) for _ in range(4))
        self.attention_norm, self.norm = nn.LayerNorm(width, eps=1e-12), nn.LayerNorm(width, eps=1e-12)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x, mask):
        q, k, v = (heads(part(x), self.count) for part in (self.query, self.key, self.value))
        x = self.attention_norm(x + self.output(attend(q, k, v, mask)))
        return self.norm(x + self.down(F.gelu(self.up(x))))


class Bert(nn.Module):
    def __init__(self, width=768, count=12, layers=12, words=2000):
        super().__init__()
        self.words, self.positions, self.types = nn.Embedding(words, width), nn.Embedding(512, width), nn.Embedding(2, width)
        self.norm = nn.LayerNorm(width, eps=1e-12)
        self.layers = nn.ModuleList(BertLayer(width, count) for _ in range(layers))
        self.pooler, self.classifier = nn.Linear(width, width), nn.Linear(width, 5)

    def forward(self, ids, mask):
        places = torch.arange(ids.size(1)).unsqueeze(0)
        x = self.norm(self.words(ids) + self.positions(places) + self.types(torch.zeros_like(ids)))
        added = (1.0 - mask[:, None, None, :].float()) * -10000.0
        for layer in self.layers:
            x = layer(x, added)
        return self.classifier(torch.tanh(self.pooler(x[:, 0])))


class Gpt2Block(nn.Module):
    def __init__(self, width, count):
        super().__init__()
        self.count = count
        self.ln_1, self.ln_2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.c_attn, self.c_proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.c_fc, self.c_out = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x, mask):
        q, k, v = (heads(part, self.count) for part in self.c_attn(self.ln_1(x)).split(x.size(2), dim=2))
        x = x + self.c_proj(attend(q, k, v, mask))
        hidden = self.c_fc(self.ln_2(x))
        hidden = 0.5 * hidden * (1 + torch.tanh(math.sqrt(2 / math.pi) * (hidden + 0.044715 * hidden.pow(3))))
        return x + self.c_out(hidden)


class Gpt2(nn.Module):
    """The head is the table of words."""

    def __init__(self, width=768, count=12, layers=12, words=2000):
        super().__init__()
        self.wte, self.wpe = nn.Embedding(words, width), nn.Embedding(1024, width)
        self.h = nn.ModuleList(Gpt2Block(width, count) for _ in range(layers))
        self.ln_f = nn.LayerNorm(width)

    def forward(self, ids):
        x = self.wte(ids) + self.wpe(torch.arange(ids.size(1)))
        mask = causal(ids.size(1))
        for block in self.h:
            x = block(x, mask)
        return self.ln_f(x) @ self.wte.weight.t()


class VitBlock(nn.Module):
    def __init__(self, width, count):
        super().__init__()
        self.count = count
        self.norm1, self.norm2 = nn.LayerNorm(width, eps=1e-6), nn.LayerNorm(width, eps=1e-6)
        self.qkv, self.proj = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.fc1, self.fc2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x):
        batch, time, width = x.shape
        qkv = self.qkv(self.norm1(x)).reshape(batch, time, 3, self.count, width // self.count).permute(2, 0, 3, 1, 4)
        q, k, v = qkv.unbind(0)
        x = x + self.proj(attend(q, k, v))
        return x + self.fc2(F.gelu(self.fc1(self.norm2(x))))


class Vit(nn.Module):
    def __init__(self, width=768, count=12, layers=12, side=64):
        super().__init__()
        self.patch = nn.Conv2d(3, width, 16, 16)
        self.token = nn.Parameter(torch.randn(1, 1, width))
        self.places = nn.Parameter(torch.randn(1, (side // 16) ** 2 + 1, width) * 0.02)
        self.blocks = nn.ModuleList(VitBlock(width, count) for _ in range(layers))
        self.norm, self.head = nn.LayerNorm(width, eps=1e-6), nn.Linear(width, 10)

    def forward(self, images):
        x = self.patch(images).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.size(0), -1, -1), x], 1) + self.places
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x)[:, 0])


class RootNorm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x):
        return self.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6))


def turned(x, cos, sin):
    half = x.size(-1) // 2
    return x * cos + torch.cat([-x[..., half:], x[..., :half]], -1) * sin


class RotaryLayer(nn.Module):
    def __init__(self, width, count, groups, inner):
        super().__init__()
        self.count, self.groups = count, groups
        size = width // count
        self.q_proj, self.o_proj = nn.Linear(width, width, bias=False), nn.Linear(width, width, bias=False)
        self.k_proj, self.v_proj = (nn.Linear(width, groups * size, bias=False) for _ in range(2))
        self.gate, self.up, self.down = nn.Linear(width, inner, bias=False), nn.Linear(width, inner, bias=False), nn.Linear(inner, width, bias=False)
        self.norm1, self.norm2 = RootNorm(width), RootNorm(width)

    def spread(self, x):
        batch, groups, time, size = x.shape
        return x[:, :, None].expand(batch, groups, self.count // groups, time, size).reshape(batch, self.count, time, size)

    def forward(self, x, cos, sin, mask):
        y = self.norm1(x)
        q, k, v = heads(self.q_proj(y), self.count), heads(self.k_proj(y), self.groups), heads(self.v_proj(y), self.groups)
        q, k = turned(q, cos, sin), turned(k, cos, sin)
        x = x + self.o_proj(attend(q, self.spread(k), self.spread(v), mask))
        y = self.norm2(x)
        return x + self.down(F.silu(self.gate(y)) * self.up(y))


class Rotary(nn.Module):
    def __init__(self, width=512, count=8, groups=2, layers=8, inner=1376, words=2000):
        super().__init__()
        self.embed, self.norm, self.head = nn.Embedding(words, width), RootNorm(width), nn.Linear(width, words, bias=False)
        self.layers = nn.ModuleList(RotaryLayer(width, count, groups, inner) for _ in range(layers))
        size = width // count
        self.register_buffer("speeds", 10000.0 ** (-torch.arange(0, size, 2).float() / size))

    def forward(self, ids):
        angles = torch.arange(ids.size(1)).float()[:, None] * self.speeds[None]
        angles = torch.cat([angles, angles], -1)
        cos, sin = angles.cos(), angles.sin()
        x, mask = self.embed(ids), causal(ids.size(1))
        for layer in self.layers:
            x = layer(x, cos, sin, mask)
        return self.head(self.norm(x))


class Crossed(nn.Module):
    def __init__(self, width=256, words=1000):
        super().__init__()
        self.words = nn.Embedding(words, width)
        self.transformer = nn.Transformer(width, 4, 3, 3, 1024, dropout=0.0, batch_first=True)
        self.head = nn.Linear(width, words)

    def forward(self, source, target):
        mask = causal(target.size(1))
        return self.head(self.transformer(self.words(source), self.words(target), tgt_mask=mask))


def ids(time, words=2000):
    return torch.randint(0, words, (2, time))


NETWORKS = {
    "bert": (Bert, lambda: (ids(12), torch.ones(2, 12, dtype=torch.long)), ["ids", "mask"], {"ids": {0: "n", 1: "t"}, "mask": {0: "n", 1: "t"}}),
    "gpt2": (Gpt2, lambda: (ids(10),), ["ids"], {"ids": {0: "n"}}),
    "vit": (Vit, lambda: (torch.randn(2, 3, 64, 64),), ["images"], {"images": {0: "n"}}),
    "rotary": (Rotary, lambda: (ids(9),), ["ids"], {"ids": {0: "n"}}),
    "crossed": (Crossed, lambda: (ids(7, 1000), ids(5, 1000)), ["source", "target"], {"source": {0: "n"}, "target": {0: "n"}}),
}


def draw(network):
    for name, tensor in network.named_parameters():
        with torch.no_grad():
            if tensor.dim() > 1:
                tensor.normal_(0, 0.5 if "embed" in name or "wte" in name or "words" in name else tensor[0].numel() ** -0.5)
            elif "norm" in name.lower() or "ln_" in name:
                tensor.uniform_(0.7, 1.3) if name.endswith("weight") else tensor.uniform_(-0.2, 0.2)
            else:
                tensor.uniform_(-0.2, 0.2)


folder = Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
for name in sys.argv[2:] or NETWORKS:
    torch.manual_seed(len(name))
    make, inputs, names, axes = NETWORKS[name]
    network = make()
    draw(network)
    # In training mode torch.nn.Transformer is exported as operators instead of as its fused kernel; there is no dropout.
    network.train(name == "crossed")
    mode = torch.onnx.TrainingMode.PRESERVE
    torch.onnx.export(network, inputs(), str(folder / f"{name}.onnx"), input_names=names, dynamic_axes=axes, opset_version=16,
                      training=mode, do_constant_folding=False)
    print(name, sum(tensor.numel() for tensor in network.parameters()), "weights")
