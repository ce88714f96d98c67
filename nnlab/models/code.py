"""The code that travels with a model: a copy of what a prediction needs, as a package with a name of its own.

Named `nnlab` it would hide an installed nnlab, since MLflow puts a model's code first in the
search path. The name holds a digest of the code: models of two versions have two packages, and do not meet.
"""

from __future__ import annotations

import functools
import hashlib
import re
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
NEEDED = (
    *(
        "core",
        "check.py",
        "errors.py",
        "json_text.py",
        "plain.py",
        "redaction.py",
        "streams.py",
        "typed.py",
        "typed_values.py",
    ),
    *("models/saved_model.py", "models/stored_form.py"),
)
"""The files and folders of nnlab that a prediction needs."""
IMPORT = re.compile(r"^(\s*(?:from|import)\s+)nnlab\b", re.MULTILINE)


def stage(folder: Path) -> Path:
    """Write the package into `folder`; returns where it is."""
    name, sources = _sources()
    package = folder / name
    for place, text in sources.items():
        path = package / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return package


def rename_imports(path: Path) -> int:
    """Make a file that imports from nnlab import from the package instead; returns by how many bytes it has grown."""
    before = path.read_text(encoding="utf-8")
    after = _renamed(before, _sources()[0])
    path.write_text(after, encoding="utf-8")
    return len(after.encode()) - len(before.encode())


@functools.cache
def _sources() -> tuple[str, dict[str, str]]:
    """The package's name, and its files by their places."""
    files = [path for needed in NEEDED for path in ([PACKAGE / needed] if needed.endswith(".py") else _modules(needed))]
    texts = {path.relative_to(PACKAGE).as_posix(): path.read_text(encoding="utf-8") for path in sorted(files)}
    folders = {Path(place).parent / "__init__.py" for place in texts} | {Path("__init__.py")}
    texts = {folder.as_posix(): "" for folder in sorted(folders)} | texts
    digest = hashlib.sha256("\0".join(f"{place}\0{text}" for place, text in sorted(texts.items())).encode()).hexdigest()
    name = f"nnlab_model_{digest[:12]}"
    return name, {place: _renamed(text, name) for place, text in texts.items()}


def _modules(folder: str) -> list[Path]:
    return list((PACKAGE / folder).rglob("*.py"))


def _renamed(text: str, name: str) -> str:
    """The source with its imports from nnlab made from the package of this name."""
    return IMPORT.sub(rf"\g<1>{name}", text)
