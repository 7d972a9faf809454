"""Files that are there whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path


def replace_file(path: Path, data: bytes) -> None:
    """Write a file in one stroke: whoever reads sees the old one or the new one.

    Notes
    -----
    Pinned by `tests/learning/test_checkpoint.py` and `tests/learning/test_flow_export.py`.
    """
    part = path.with_suffix(path.suffix + ".part")
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
