"""Run in the toolchain's Python: a small network as torch.export.save writes it, in three ways."""

import os
import sys
import zipfile
from pathlib import Path

import torch

MARK = "the example inputs were unpickled"


class Network(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.seen = torch.nn.Conv2d(3, 32, 3, padding=1)
        self.norm = torch.nn.BatchNorm2d(32)
        self.wide = torch.nn.Linear(32, 128)
        self.told = torch.nn.Linear(128, 10)

    def forward(self, picture: torch.Tensor) -> torch.Tensor:
        found = torch.relu(self.norm(self.seen(picture))).mean((2, 3))
        return torch.softmax(self.told(torch.relu(self.wide(found))), 1)


class Writes:
    def __reduce__(self):  # type: ignore[no-untyped-def]
        return os.system, (f"echo '{MARK}' >&2; touch unpickled",)


def main(folder: Path) -> None:
    torch.manual_seed(0)
    network, example = Network().eval(), torch.zeros(2, 3, 16, 16)
    size = torch.export.Dim
    rows = {"picture": {0: size("rows")}}
    every = {"picture": {0: size("rows"), 2: size("height", min=4), 3: size("width", min=4)}}
    for name, dynamic in (("fixed", None), ("rows", rows), ("every", every)):
        program = torch.export.export(network, (example,), dynamic_shapes=dynamic)
        torch.export.save(program, folder / f"{name}.pt2")
    torch.save((Writes(),), folder / "pickle")
    with (
        zipfile.ZipFile(folder / "rows.pt2") as plain,
        zipfile.ZipFile(folder / "wild.pt2", "w") as wild,
    ):
        for name in plain.namelist():
            is_example = name.endswith("sample_inputs/model.pt")
            content = (folder / "pickle").read_bytes() if is_example else plain.read(name)
            wild.writestr(name, content)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
