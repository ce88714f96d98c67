"""The examples in the core's documentation are run."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import re

import pytest

import nnlab.core

MODULES = [f"nnlab.core.{module.name}" for module in pkgutil.iter_modules(nnlab.core.__path__)]
FINDER = doctest.DocTestFinder()
WITH_EXAMPLES = [name for name in MODULES if any(each.examples for each in FINDER.find(importlib.import_module(name)))]


@pytest.mark.parametrize("name", WITH_EXAMPLES)
def test_examples_print_what_they_show(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_both_doors_have_an_example() -> None:
    assert {"nnlab.core.autodiff", "nnlab.core.sequential"} <= set(WITH_EXAMPLES)


def test_everything_that_the_core_offers_by_name_is_there() -> None:
    assert all(hasattr(nnlab.core, name) for name in nnlab.core.__all__)


def test_the_contents_page_names_every_module_once() -> None:
    named = re.findall(r"`(\w+)`", str(nnlab.core.__doc__))
    assert sorted(named) == sorted(name.rpartition(".")[2] for name in MODULES)
