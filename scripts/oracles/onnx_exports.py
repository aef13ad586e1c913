"""Exports networks of the three families as ONNX by PyTorch, one file each.

    /usr/bin/python3 scripts/oracles/onnx_exports.py FOLDER NETWORK.safetensors ...

Needs torch and onnx (Debian: python3-torch, python3-onnx). For MLPs and VGGs with torch.nn.Sequential's numbers, and for the
ResNet-20 with LayerNorm. FOLDER/NAME.onnx keeps PyTorch's names; FOLDER/NAME-folded.onnx is exported with constants folded,
as torch.onnx.export does by default: BatchNorm goes into the convolutions.
"""

import io
import sys
from pathlib import Path

import onnx
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent))
from onnx_pairs import Chain  # noqa: E402
from pytorch_pairs import read_safetensors  # noqa: E402


class ChannelNorm(torch.nn.LayerNorm):
    """LayerNorm over the channels of each position."""

    def forward(self, x):
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class Block(torch.nn.Module):
    def __init__(self, into, out, stride, side):
        super().__init__()
        self.conv1 = torch.nn.Conv2d(into, out, 3, stride, 1, bias=False)
        self.norm1 = ChannelNorm(out, eps=1e-6)
        self.conv2 = torch.nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.norm2 = ChannelNorm(out, eps=1e-6)
        self.shortcut = torch.nn.Sequential()
        if into != out:
            conv = torch.nn.Conv2d(into, out, side, stride, side // 2, bias=False)
            self.shortcut = torch.nn.Sequential(conv, ChannelNorm(out, eps=1e-6))

    def forward(self, x):
        y = self.norm2(self.conv2(torch.relu(self.norm1(self.conv1(x)))))
        return torch.relu(y + self.shortcut(x))


class Residual(torch.nn.Module):
    """He et al. 2015, with LayerNorm over channels: widths and depths as the names say."""

    def __init__(self, tensors):
        super().__init__()
        out, into = tensors["conv1.weight"].shape[:2]
        self.conv1 = torch.nn.Conv2d(into, out, 3, 1, 1, bias=False)
        self.norm1 = ChannelNorm(out, eps=1e-6)
        stages = sorted({name.split(".")[0] for name in tensors if name.startswith("layer")})
        for stage in stages:
            blocks = []
            numbers = sorted({int(name.split(".")[1]) for name in tensors if name.startswith(f"{stage}.")})
            for number in numbers:
                width, before = tensors[f"{stage}.{number}.conv1.weight"].shape[:2]
                around = tensors.get(f"{stage}.{number}.shortcut.0.weight")
                side = 1 if around is None else around.shape[-1]
                blocks.append(Block(before, width, 2 if stage != "layer1" and number == 0 else 1, side))
            setattr(self, stage, torch.nn.Sequential(*blocks))
        self.stages = stages
        self.fc = torch.nn.Linear(*reversed(tensors["fc.weight"].shape))
        self.load_state_dict(tensors)
        self.eval()

    def forward(self, x):
        x = torch.relu(self.norm1(self.conv1(x)))
        for stage in self.stages:
            x = getattr(self, stage)(x)
        return self.fc(x.mean((2, 3)))


def export(net, path, **options):
    buffer = io.BytesIO()
    torch.onnx.export(
        net, torch.zeros(2, 1, 28, 28), buffer, opset_version=13, input_names=["image"], output_names=["logits"],
        dynamic_axes={"image": {0: "n"}}, **options,
    )  # fmt: skip
    onnx.save(onnx.load_from_string(buffer.getvalue()), str(path))


def main():
    folder, *paths = map(Path, sys.argv[1:])
    folder.mkdir(parents=True, exist_ok=True)
    for path in paths:
        tensors = read_safetensors(path)
        net = Residual(tensors) if "conv1.weight" in tensors else Chain(tensors)
        plain = {"training": torch.onnx.TrainingMode.PRESERVE, "do_constant_folding": False}
        export(net, folder / f"{path.stem}.onnx", **plain)
        export(net, folder / f"{path.stem}-folded.onnx")
        print(folder / f"{path.stem}.onnx")


if __name__ == "__main__":
    main()
