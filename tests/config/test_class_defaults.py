"""A default stands twice, in `conf/` for commands and in a class for Python: both must say the same."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from composing import composed

from nnlab.config.schema import VARIANTS, Config
from nnlab.config.tracking import TrackingSettings
from nnlab.data.settings import DataSettings, SplitSettings
from nnlab.training.settings import TrainerSettings


def class_defaults(cls: Any) -> dict[str, Any]:
    """The default of each field that has one."""
    given = {}
    for field in dataclasses.fields(cls):
        if field.default is not dataclasses.MISSING:
            given[field.name] = field.default
        elif field.default_factory is not dataclasses.MISSING:
            given[field.name] = field.default_factory()
    return given


FORMS = [(group, name, form) for group, forms in VARIANTS.items() for name, form in forms.items()]


@pytest.mark.parametrize(("group", "name", "form"), FORMS, ids=lambda item: item if isinstance(item, str) else "")
def test_a_choice_has_the_defaults_of_its_class(group: str, name: str, form: Any) -> None:
    written = composed(f"{group}={name}")[group]
    assert {key: written[key] for key in class_defaults(form)} == class_defaults(form)


SECTIONS: dict[str, Any] = {
    "trainer": TrainerSettings,
    "data": DataSettings,
    "data.split": SplitSettings,
    "tracking": TrackingSettings,
}


@pytest.mark.parametrize(("section", "settings"), SECTIONS.items())
def test_a_section_of_the_config_has_the_defaults_of_its_class(
    section: str, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("MLFLOW_TRACKING_URI", "NNLAB_RUNS_DIR"):
        monkeypatch.delenv(variable, raising=False)
    written: Any = composed()
    for part in section.split("."):
        written = written[part]
    expected = {key: value for key, value in class_defaults(settings).items() if not dataclasses.is_dataclass(value)}
    assert {key: written.get(key) for key in expected} == expected


def test_every_section_with_settings_is_held_so() -> None:
    of_classes = {
        f.name
        for f in dataclasses.fields(Config)
        if f.name not in (*VARIANTS, "model", "seed", "dtype", "runs_dir", "strict")
    }
    assert of_classes == {section for section in SECTIONS if "." not in section}
