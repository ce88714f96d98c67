from __future__ import annotations

from pathlib import Path

import pytest
from idx_samples import write_idx_folder


@pytest.fixture
def idx_folder(tmp_path: Path) -> Path:
    return write_idx_folder(tmp_path / "idx")
