"""Reads overrides in Hydra's grammar, each by itself, so that the problems of all are reported together."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser, create_functions
from hydra.core.override_parser.types import ChoiceSweep, Glob, Override, Sweep
from hydra.errors import HydraException

from nnlab.check import closest, problem_with
from nnlab.config.groups import choices_of, groups
from nnlab.config.keys import is_verbatim, key_rules, kinds_of, nearest_key
from nnlab.config.problems import UNSET, ConfigError, ConfigProblem
from nnlab.config.quoting import as_override, to_paste
from nnlab.config.ranges import sort
from nnlab.redaction import HIDDEN, redacted

Rules = Mapping[str, Mapping[str, Any]]
"""For each key its annotation by the form of the group that has it; see `key_rules`."""

GRAMMAR = (
    "is not valid in Hydra's grammar, where a value needs quotes if it contains any of "
    "= , ' \" # ( ) [ ] { } ; & ! ~ < > `, a line break, or a non-ASCII letter"
)


@functools.cache
def parser() -> OverridesParser:
    """Hydra's parser, with nnlab's `sort` of ranges."""
    functions = create_functions()
    functions.functions["sort"] = sort
    return OverridesParser(functions)


def parsed(arguments: Sequence[str], rules: Rules | None = None) -> list[Override]:
    """Overrides in Hydra's grammar; see `read`.

    Raises:
        ConfigError: with each that is not valid.
    """
    problems: list[ConfigProblem] = []
    overrides = read(arguments, problems, rules)
    if problems:
        raise ConfigError(problems)
    return overrides


def read(arguments: Sequence[str], problems: list[ConfigProblem], rules: Rules | None = None) -> list[Override]:
    """The valid overrides; the problems of the others are added to `problems`, under their keys.

    Args:
        arguments: in Hydra's grammar.
        problems: to add to.
        rules: the keys that the command has; None for those of a run.
    """
    rules = key_rules() if rules is None else rules
    overrides = []
    is_secret = False
    for before, text in zip(["", *arguments], arguments, strict=False):
        problem: ConfigProblem | None
        if "=" in text:
            is_secret = redacted(text) != text  # what follows without `=` may be the rest of a password with spaces
        try:
            override = _override(text, rules)
        except HydraException as error:
            problem = _unreadable(text, before, error, rules, is_secret=is_secret)
        except RecursionError:
            problem = ConfigProblem(key_of(text), "is nested too deeply", nearest="a list of plain values")
        else:
            problem = _unusable(override)
            if problem is None:
                overrides.append(override)
                continue
        problems.append(problem)
    return overrides


def _override(text: str, rules: Rules) -> Override:
    """The override of a text; where the key takes it as it is typed, Hydra need not be able to read the value."""
    try:
        return parser().parse_override(text)
    except HydraException:
        key, sign, value = text.partition("=")
        if not sign or not any(map(is_verbatim, rules.get(key, {}).values())):
            raise
        return parser().parse_override(as_override(key, value))


def key_of(text: str) -> str:
    """The key that an override's text means to set."""
    return text.partition("=")[0].lstrip("+~").strip()


def with_quotes_as_remedy(
    problem: ConfigProblem, overrides: Sequence[Override], rules: Rules | None = None
) -> ConfigProblem:
    """The problem; its remedy is the quoted text where Hydra reads a text as something else (`123`)."""
    given = [override for override in overrides if override.key_or_group == problem.key and override.value_type]
    if problem.nearest or not given or isinstance(given[-1].value(), str | Sweep | Glob):
        return problem
    quoted = _quoted(problem.key, given[-1].get_value_string().strip(), key_rules() if rules is None else rules)
    return ConfigProblem(problem.key, problem.rule, problem.value, quoted) if quoted else problem


def several_values(override: Override, rules: Rules | None = None) -> ConfigProblem:
    """The problem with several values for a key without `-m`."""
    key, text = override.key_or_group, override.get_value_string()
    quoted = _quoted(key, text, key_rules() if rules is None else rules)
    rule = f"has several values ({override.input_line}), which needs -m (one run per value)"
    return ConfigProblem(key, rule, nearest=f"{quoted} if it is one value, or add -m" if quoted else "add -m")


def one_value_alone(override: Override) -> ConfigProblem:
    """The problem with several values for a key where one config is shown."""
    rule = "must have a single value, as a single config is shown"
    return ConfigProblem(override.key_or_group, rule, override.get_value_string(), "one of its values")


def unknown_key(override: Override, rules: Rules | None = None) -> ConfigProblem | None:
    """The problem with a key that no config has."""
    rules = key_rules() if rules is None else rules
    key = override.key_or_group
    if key in rules or key in groups() or any(name.startswith(f"{key}.") for name in rules):
        return None
    value: object = UNSET
    if override.value_type:
        value = override.get_value_string() if override.is_sweep_override() else override.value()
    return ConfigProblem(key, "is not a key of the configuration", value, nearest_key(key, rules))


def _unusable(override: Override) -> ConfigProblem | None:
    """The problem with an override that is valid in Hydra's grammar, but has no meaning for a run."""
    key, line = override.key_or_group, str(override.input_line)
    if not key:
        return ConfigProblem("command line", f"must be written as key=value, but got {line}", nearest="seed=1")
    if key == "hydra" or key.startswith(("hydra.", "hydra/")):
        rule = "has no effect: nnlab uses Hydra to compose configs, and starts the runs itself"
        return ConfigProblem(key, rule, nearest="leave it out; runs_dir=FOLDER sets where runs are kept")
    if override.package is not None:
        rule = f"has a package (@{override.package}), but every group of nnlab has a fixed place"
        return ConfigProblem(key, rule, nearest=line.replace(f"@{override.package}", ""))
    value = override._value
    inside = value.list if isinstance(value, ChoiceSweep) else value
    if any(isinstance(item, Sweep | Glob) for item in _items(inside)):
        rule = f"has several values inside another value ({override.get_value_string()})"
        return ConfigProblem(key, rule, nearest=f"{key}=choice(..., ...) that lists every value")
    return None


def _items(value: Any) -> Iterator[Any]:
    """What a list or mapping holds, at any depth."""
    inner = value if isinstance(value, list) else list(value.values()) if isinstance(value, dict) else []
    for item in inner:
        yield item
        yield from _items(item)


def _unreadable(text: str, before: str, error: Exception, rules: Rules, *, is_secret: bool) -> ConfigProblem:
    _, sign, value = text.partition("=")
    bare = key_of(text)
    if not sign or not bare:
        joined = f"{before.partition('=')[2]} {text}"
        if is_secret or redacted(joined) != joined:
            nearest = f"'{key_of(before)}=\"ADDRESS\"'" if "=" in before else "seed=1"
            return ConfigProblem("command line", f"must be written as key=value, but got {HIDDEN}", nearest=nearest)
        whole = _quoted(key_of(before), joined, rules) if "=" in before else ""
        known = bare if bare in rules else nearest_key(bare, rules) if bare else ""
        nearest = whole or (f"{known}=VALUE" if known else "seed=1")
        return ConfigProblem(
            "command line", f"must be written as key=value, but got {text or 'an empty argument'}", nearest=nearest
        )
    if not re.fullmatch(r"[A-Za-z_][\w.]*(/[\w]+)*", bare, re.ASCII):
        near = nearest_key(bare, rules)
        rule = f"must start with a key of the configuration, but got {text}"
        return ConfigProblem("command line", rule, nearest=f"{near}={value}" if near else "seed=1")
    reason = " ".join(str(error).split()).rstrip(".")
    rule = GRAMMAR if redacted(value) != value else f"{GRAMMAR} ({reason})"  # it may show a piece of a password
    return ConfigProblem(bare, rule, value, _quoted(bare, value, rules) or _fitting(bare, rules))


def _quoted(key: str, text: str, rules: Rules) -> str:
    """The override that sets the text, quoted and ready to paste; empty if it is not valid for the key."""
    annotations = list(rules.get(key, {}).values())
    if str not in kinds_of(annotations) or all(problem_with(rule, text) for rule in annotations):
        return ""
    return to_paste(key, text)


def _fitting(key: str, rules: Rules) -> str:
    """What the key takes instead of such a text."""
    if key in groups():
        return f"{key}={choices_of(key)[0]}"
    if key not in rules:
        near = closest(key, groups()) or nearest_key(key, rules)
        return f"{near}=VALUE" if near else ""
    problem = next((found for rule in rules[key].values() if (found := problem_with(rule, object()))), None)
    return f"{key}=VALUE, which {problem.rule}" if problem else ""
