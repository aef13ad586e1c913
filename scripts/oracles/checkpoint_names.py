"""Folds the tensor names of a sharded checkpoint for test/fixtures/names.

    python3 scripts/oracles/checkpoint_names.py FOLDER SOURCE > test/fixtures/names/NAME.json

FOLDER holds an index (model.safetensors.index.json or pytorch_model.bin.index.json) and config.json. Numbers in a name
become marks, with the count of names of that pattern. The index's total size stays: it proves shapes that a test states.
"""
import json
import re
import sys
from pathlib import Path

KEYS = """architectures model_type hidden_size num_attention_heads num_key_value_heads head_dim intermediate_size
num_hidden_layers vocab_size num_local_experts tie_word_embeddings rotary_pct max_position_embeddings torch_dtype
n_head n_layer quantization text_config""".split()


def fold(names):
    """Pattern -> the numbers of each mark, which must be 0..n-1."""
    found = {}
    for name in names:
        numbers = tuple(int(n) for n in re.findall(r"(?<=\.)\d+(?=\.)", name))
        found.setdefault(re.sub(r"(?<=\.)\d+(?=\.)", "{}", name), []).append(numbers)
    folded = {}
    for pattern, numbers in found.items():
        counts = [1 + max(column) for column in zip(*numbers)]
        whole = 1
        for count in counts:
            whole *= count
        folded[pattern] = counts if len(set(numbers)) == whole else sorted(numbers)
    return folded


folder, source = Path(sys.argv[1]), sys.argv[2]
index = next(folder.glob("*.index.json"))
content = json.loads(index.read_text())
config = json.loads((folder / "config.json").read_text()) if (folder / "config.json").exists() else {}
print(json.dumps({
    "source": source,
    "config": {key: config[key] for key in KEYS if key in config},
    "totalSize": int(content["metadata"]["total_size"]),
    "names": fold(content["weight_map"]),
}, indent=1))
