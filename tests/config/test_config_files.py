"""The files of `conf/` and the schema say the same."""

from __future__ import annotations

from itertools import chain

import pytest
from composing import WRITABLE, choices, composed, flat

from nnlab.config.jobs import conf_dir
from nnlab.config.parse import key_rules
from nnlab.config.schema import as_dict
from nnlab.config.validate import validate
from nnlab.core.activations import ACTIVATIONS
from nnlab.core.initializers import INITIALIZERS
from nnlab.core.objective import LOSSES

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


@pytest.mark.parametrize("group", ["optimizer", "regularizer", "schedule", "model", "data"])
def test_a_file_is_named_as_the_choice_it_makes(group: str) -> None:
    for choice in choices(group):
        if choice not in ("sgd_unit", "l2_keras"):  # SGD and L2 again, with other values
            assert composed(f"{group}={choice}")[group]["name"] == choice


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


def test_help_names_only_what_can_be_chosen() -> None:
    from hydra._internal.config_loader_impl import ConfigLoaderImpl
    from hydra._internal.utils import create_config_search_path

    loader = ConfigLoaderImpl(create_config_search_path(str(conf_dir())))
    for group in GROUPS:
        assert sorted(loader.get_group_options(group)) == choices(group)
