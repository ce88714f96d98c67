"""The files of `conf/` and the schema say the same."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain

import pytest
from composing import WRITABLE, choices, composed, flat

from nnlab.config.jobs import conf_dir
from nnlab.config.keys import key_rules
from nnlab.config.problems import ConfigError
from nnlab.config.schema import VARIANTS, as_dict
from nnlab.config.validate import validate
from nnlab.core.activations import ACTIVATIONS, Tanh
from nnlab.core.initializers import INITIALIZERS
from nnlab.core.objective import LOSSES
from nnlab.core.optimizers import OPTIMIZERS, SGD
from nnlab.data.csv_text import DELIMITERS
from nnlab.data.sources import SOURCES
from nnlab.tuning.search.pruners import PRUNERS
from nnlab.tuning.search.samplers import SAMPLERS

GROUPS = ["data", "experiment", "model", "optimizer", "regularizer", "schedule"]
OF_A_STUDY = ["sweep"]
"""A group that only `study.yaml` has."""

# What would be downloaded or read from files is read from the embedded digits; they are sorted by class.
ABSOLUTE = [f"runs_dir={WRITABLE}/runs", f"tracking.uri=sqlite:///{WRITABLE}/mlflow.db"]
EMBEDDED = ["data.name=mnist_5k", "data.split.strategy=random"]
NEEDED = {
    "data=toy": ["model=toy"],
    "model=toy": ["data=toy"],
    "experiment=toy": [],
}


def choice_names() -> list[str]:
    return [f"{group}={name}" for group in GROUPS for name in choices(group)]


def overrides_for(choice: str) -> list[str]:
    return [choice, *NEEDED.get(choice, EMBEDDED), *ABSOLUTE]


def test_every_folder_of_conf_is_a_group_that_these_tests_know() -> None:
    assert sorted(folder.name for folder in conf_dir().iterdir() if folder.is_dir()) == sorted([*GROUPS, *OF_A_STUDY])


@pytest.mark.parametrize("choice", choice_names())
def test_every_choice_composes_validates_and_spells_every_key_out(choice: str) -> None:
    raw = composed(*overrides_for(choice))
    resolved = as_dict(validate(raw).config)
    assert set(flat(raw)) == set(flat(resolved))
    assert flat(raw) == flat(resolved)


@pytest.mark.parametrize("choice", choice_names())
def test_a_resolved_config_reads_back_as_itself(choice: str) -> None:
    config = validate(composed(*overrides_for(choice))).config
    assert validate(as_dict(config)).config == config


def test_every_key_of_the_schema_stands_in_some_file() -> None:
    written = set(chain.from_iterable(flat(composed(*overrides_for(choice))) for choice in choice_names()))
    assert written == set(key_rules())


TABLES: dict[str, Mapping[str, object]] = {**VARIANTS, "data": SOURCES}
ALIASES = {"sgd_unit": "sgd", "l2_keras": "l2"}
"""Files that choose a name again, with other values."""


@pytest.mark.parametrize("group", TABLES)
def test_the_files_of_a_group_are_the_names_of_its_table(group: str) -> None:
    assert set(choices(group)) - set(ALIASES) == set(TABLES[group])


@pytest.mark.parametrize("group", [*TABLES, "model"])
def test_a_file_chooses_the_name_that_it_has(group: str) -> None:
    for choice in choices(group):
        assert composed(f"{group}={choice}")[group]["name"] == ALIASES.get(choice, choice)


@pytest.mark.parametrize(
    ("file", "key", "names"),
    [
        ("study.yaml", "sampler", set(SAMPLERS)),
        ("study.yaml", "pruner", set(PRUNERS)),
        ("config.yaml", "delimiter", {"auto", *DELIMITERS}),
    ],
)
def test_a_comment_that_lists_the_names_of_a_table_lists_all(file: str, key: str, names: set[str]) -> None:
    text = (conf_dir() / file).read_text(encoding="utf-8")
    found = re.search(rf"^ *{key}: (?P<default>\S+) +# or (?P<others>.+)$", text, re.MULTILINE)
    assert found
    assert {found["default"], *found["others"].split(", ")} == names


def test_every_file_opens_with_a_command_that_chooses_it() -> None:
    for file in sorted(conf_dir().rglob("*.yaml")):
        if file.stem.startswith("_"):
            continue
        lines = file.read_text(encoding="utf-8").splitlines()
        command = lines[1] if lines[0].startswith("# @package") else lines[0]
        choice = "[overrides]" if file.parent == conf_dir() else f"{file.parent.name}={file.stem}"
        is_of_a_study = file.stem == "study" or file.parent.name in OF_A_STUDY
        assert command.startswith(f"# python -m nnlab.{'sweep' if is_of_a_study else 'run'} "), file.name
        assert choice in command.split(), file.name


def test_the_schema_offers_all_losses_initializers_and_activations_of_the_core() -> None:
    raw = composed()
    for loss, kind in LOSSES.items():
        output = {"model.output": kind.fused_with} if kind.fused_with else {}
        model = {**raw["model"], "loss": loss, **{key.split(".")[1]: name for key, name in output.items()}}
        assert validate({**raw, "model": model}).config.model.loss == loss
    for init in INITIALIZERS:
        assert validate({**raw, "model": {**raw["model"], "init": init}}).config.model.init == init
    for name in set(ACTIVATIONS) - {"softmax"}:  # softmax is for outputs alone
        assert validate({**raw, "model": {**raw["model"], "activation": name}}).config.model.activation == name


@pytest.mark.parametrize(
    ("key", "name", "valid"),
    [
        ("activation", "softmax", "identity, sigmoid, tanh, relu"),  # softmax is for outputs alone
        ("bias_init", "he_normal", "zeros, normal"),  # a bias has no fans
    ],
)
def test_a_name_of_a_table_that_is_not_valid_for_a_key_is_refused(key: str, name: str, valid: str) -> None:
    raw = composed()
    with pytest.raises(ConfigError, match=f"model.{key}={name}: must be one of {valid}"):
        validate({**raw, "model": {**raw["model"], key: name}})


def test_what_is_added_to_a_table_can_be_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    @dataclass(frozen=True)
    class SignSGD(SGD):
        pass

    monkeypatch.setitem(ACTIVATIONS, "squash", Tanh)
    monkeypatch.setitem(OPTIMIZERS, "sign", SignSGD)
    raw = composed()
    config = validate(
        {**raw, "model": {**raw["model"], "activation": "squash"}, "optimizer": {"name": "sign", "lr": 0.5}}
    ).config
    assert config.model.activation == "squash"
    assert config.optimizer == SignSGD(0.5)
    assert as_dict(config)["optimizer"] == {"name": "sign", "lr": 0.5}


def test_help_names_only_what_can_be_chosen() -> None:
    from hydra._internal.config_loader_impl import ConfigLoaderImpl
    from hydra._internal.utils import create_config_search_path

    loader = ConfigLoaderImpl(create_config_search_path(str(conf_dir())))
    for group in GROUPS:
        assert sorted(loader.get_group_options(group)) == choices(group)
