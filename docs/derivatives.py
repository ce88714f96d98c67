"""Write `derivatives.md`, from the docstrings of the operations: `python docs/derivatives.py`."""

from __future__ import annotations

import inspect
from pathlib import Path

from nnlab.core import activations, losses, ops
from nnlab.core.node import Node

PAGE = Path(__file__).with_suffix(".md")

HEADING = """\
# Derivatives

What each operation computes, and what it passes back to its inputs. L is the output of the whole graph, n the
number of rows; dx stands for ∂L/∂x, and dout for the derivative by the operation's own value, ∂L/∂out. How these
make up the gradient of a network: `nnlab/core/textbook.py`.

Written by `python docs/derivatives.py` from the docstrings in `nnlab/core/`. `tests/core/test_core_derivatives.py`
checks that it is current, and holds every row against central differences.
"""

SECTIONS = {"Sums and products": ops, "Activation functions": activations, "Losses": losses}


def operations() -> dict[str, list[type[Node]]]:
    """All operations that have a derivative, by section, in the order of the code."""
    return {
        title: [
            item
            for name, item in vars(module).items()
            if inspect.isclass(item) and item.__module__ == module.__name__ and not name.startswith("_")
            if issubclass(item, Node) and hasattr(item, "backward")
        ]
        for title, module in SECTIONS.items()
    }


def page() -> str:
    """The page as it should stand in the file."""
    parts = [HEADING]
    for title, found in operations().items():
        rows = [f"| `{_signature(item)}` | {_first(item)} | {_first(item.backward)} |" for item in found]
        parts.append("\n".join([f"## {title}\n", "| operation | value | derivatives |", "|---|---|---|", *rows, ""]))
    return "\n".join(parts)


def _signature(operation: type[Node]) -> str:
    return f"{operation.__name__}({', '.join(inspect.signature(operation).parameters)})"


def _first(item: object) -> str:
    """The first paragraph of a docstring, in one line."""
    text = (inspect.getdoc(item) or "").split("\n\n")[0]
    return " ".join(text.split()).replace("|", "\\|").removesuffix(".")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
