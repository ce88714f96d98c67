"""No file, config or stored run can name code that runs: no pickle, no objects in YAML, no import by a name in a file.

The source is searched, so that nothing comes in unseen; where something of the kind is right, it stands here with why.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted(
    path for folder in ("nnlab", "experiments", "benchmarks", "faults") for path in (ROOT / folder).rglob("*.py")
)

MODULES = {"pickle", "cPickle", "_pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve", "jsonpickle"}
CALLS = {"eval", "exec", "compile", "__import__"}
METHODS = {
    ("torch", "load"),
    ("yaml", "unsafe_load"),
    ("yaml", "full_load"),
    ("yaml", "UnsafeLoader"),
    ("yaml", "FullLoader"),
    ("yaml", "Loader"),
    ("pd", "read_pickle"),
    ("pandas", "read_pickle"),
    ("OmegaConf", "register_new_resolver"),
}

ALLOWED = {
    ("nnlab/commands/entry.py", "import_module"): "the command's own name, a constant of its entry point",
    ("faults/data.py", "np.save without allow_pickle=False"): "writes numbers, to be damaged",
    ("faults/registry.py", "import_module"): "the modules beside it",
    ("benchmarks/search/tables.py", "pickle"): "an unpickler that refuses every class and function",
    ("benchmarks/training/contestants/registry.py", "import_module"): "the table of contestants",
}
"""Places and what they do that is only as good as the reason beside it."""


def findings(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Import():
                yield from (alias.name for alias in node.names if alias.name.split(".")[0] in MODULES)
            case ast.ImportFrom():
                if (node.module or "").split(".")[0] in MODULES:
                    yield str(node.module)
                yield from (alias.name for alias in node.names if alias.name == "instantiate")
            case ast.Call(func=ast.Name(id=name)) if name in CALLS:
                yield name
            case ast.Call(func=ast.Name(id="import_module") | ast.Attribute(attr="import_module")):
                if not (node.args and isinstance(node.args[0], ast.Constant)):
                    yield "import_module"
            case ast.Attribute(attr="instantiate"):
                yield "instantiate"
            case ast.Call(func=ast.Attribute(value=ast.Name(id="yaml"), attr="load" | "load_all")):
                yield "yaml.load"
            case ast.Attribute(value=ast.Name(id=owner), attr=name) if (owner, name) in METHODS:
                yield f"{owner}.{name}"
            case ast.keyword(arg="allow_pickle", value=value):
                if not (isinstance(value, ast.Constant) and value.value is False):
                    yield "allow_pickle"
            case ast.Call(func=ast.Attribute(value=ast.Name(id="np" | "numpy"), attr="load" | "save" | "savez")):
                if not any(keyword.arg == "allow_pickle" for keyword in node.keywords):
                    yield f"{ast.unparse(node.func)} without allow_pickle=False"
            case ast.Constant(value="_target_"):
                yield "_target_"


def found_in(path: Path) -> set[tuple[str, str]]:
    place = path.relative_to(ROOT).as_posix()
    return {(place, finding) for finding in findings(ast.parse(path.read_text(encoding="utf-8")))}


def test_nothing_in_the_source_runs_what_it_reads() -> None:
    found = {finding for path in FILES for finding in found_in(path)}
    assert found == ALLOWED.keys()


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from pickle import loads",
        "import joblib.numpy_pickle",
        "eval(x)",
        "exec(x)",
        "__import__(x)",
        "importlib.import_module(x)",
        "import_module(f'a.{x}')",
        "yaml.load(x, yaml.Loader)",
        "yaml.load(x, loader)",
        "yaml.unsafe_load(x)",
        "np.load(x)",
        "np.load(x, allow_pickle=True)",
        "np.load(x, allow_pickle=y)",
        "torch.load(x)",
        "hydra.utils.instantiate(x)",
        "from hydra.utils import instantiate",
        "x['_target_']",
    ],
)
def test_the_search_finds(source: str) -> None:
    assert list(findings(ast.parse(source)))


@pytest.mark.parametrize("source", ["yaml.safe_load(x)", "np.load(x, allow_pickle=False)", "import_module('a')"])
def test_the_search_leaves_alone(source: str) -> None:
    assert not list(findings(ast.parse(source)))
