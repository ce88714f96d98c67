from __future__ import annotations

import re
from pathlib import Path

import nnlab

PACKAGE = Path(nnlab.__file__).parent
UNSAFE = re.compile(
    r"^\s*(?:import|from)\s+(?:pickle|cPickle|dill|joblib|cloudpickle|shelve|marshal)\b|allow_pickle=True",
    re.M,
)


def test_the_pattern_finds_what_it_is_meant_to_find() -> None:
    for line in ("import pickle", "    from joblib import load", "np.load(path, allow_pickle=True)"):
        assert UNSAFE.search(f"a = 1\n{line}\n")
    assert not UNSAFE.search("np.load(path, allow_pickle=False)  # no pickle")


def test_nothing_in_nnlab_reads_or_writes_pickles() -> None:
    sources = list(PACKAGE.rglob("*.py"))
    assert sources
    assert [str(path) for path in sources if UNSAFE.search(path.read_text(encoding="utf-8"))] == []
