"""`strict=true`: a run that could not be reproduced is not started. All that stands in the way is told at once."""

from __future__ import annotations

import base64
import json
import re
import shlex
from collections.abc import Iterable, Iterator
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import numpy as np

import nnlab
from nnlab.config.schema import Config
from nnlab.errors import UserError
from nnlab.runs import code
from nnlab.runs.git import FOLDERS, GitState, git_state
from nnlab.runs.git_answers import GitError, git_answer
from nnlab.runs.git_diff import CONVERTED, LeftOut, names_in_diff, top_of
from nnlab.runs.outside import Outside
from nnlab.runs.provenance import PACKAGES, blas, packages

SHOWN = 5
"""How many files of one kind a message names."""


class Obstacle(NamedTuple):
    """What stands in the way of reproducing a run, and what to do about it."""

    fact: str
    remedy: str


def check_strict(configs: Iterable[Config]) -> None:
    """Check that runs could be reproduced, those that are to be strict.

    Raises:
        UserError: with everything that stands in the way.
    """
    strict = [config for config in configs if config.strict]
    if not strict:
        return
    found = list(obstacles(keeps_diff=all(config.tracking.diff for config in strict)))
    if found:
        lines = "\n".join(f"  {each.fact}. Remedy: {each.remedy}" for each in found)
        raise UserError(
            "strict=true starts only what can be reproduced from its record, but this could not; nothing was started.\n"
            f"{lines}\nOr leave out strict=true."
        )


def obstacles(*, keeps_diff: bool) -> Iterator[Obstacle]:
    """All that keeps a run of this process from being reproduced from what it would store.

    Args:
        keeps_diff: whether it stores what was changed since the commit.
    """
    now = code.code_now()
    if now.changed:
        fact = f"the code was changed after this process had loaded it ({_some(now.changed)})"
        yield Obstacle(fact, "start the command again")
    yield from _of_installed() if code.is_installed() else _of_source(now, keeps_diff=keeps_diff)
    for component in now.outside:
        yield from _of_outside(component)
    yield from _of_libraries()


def _of_source(now: code.CodeFacts, *, keeps_diff: bool) -> Iterator[Obstacle]:
    """The code is that of a commit and a diff."""
    source = code.PACKAGE.parent
    if now.git.why:
        yield Obstacle(f"the commit of {source} is not known: {now.git.why}", _to_know_the_commit(source, now.git.why))
        return
    try:
        top = top_of(source)
    except GitError as error:  # it has answered before
        yield Obstacle(f"the commit of {source} is not known: {error}", _to_know_the_commit(source, str(error)))
        return
    for left_out in now.git.left_out:
        yield Obstacle(f"the change of {left_out} cannot be kept", _pasted(left_out, top))
    if now.git.diff and not keeps_diff:  # told after what must not be committed
        fact = "there are changes since the commit, and tracking.diff=false does not keep them"
        yield Obstacle(fact, f"tracking.diff=true, or {_to_commit(source)}")
    yield from _of_what_git_hides(now.git, source, top)
    changed = {top / each.name for each in now.git.left_out}
    for path in (code.PACKAGE / name for name in code.source_files()):
        if path not in changed and not path.resolve().is_relative_to(top):
            remedy = f"cp --remove-destination {quoted(str(path.resolve()))} {quoted(str(path))}"
            yield Obstacle(f"{path} is a link to what is not in the repository", remedy)


def _of_what_git_hides(known: GitState, source: Path, top: Path) -> Iterator[Obstacle]:
    """Changes that git does not tell by itself. What was changed since this process asked it is none of them."""
    exact = git_state(source, is_exact=True)
    told = _names(known)
    if set(_names(exact)) - set(told):
        told = [*told, *_names(git_state(source))]
    if exact.why:
        fact = f"which files git was told to take for unchanged is not known: {exact.why}"
        yield Obstacle(fact, _to_know_the_commit(source, exact.why))
    converted = [each for each in exact.left_out if each.why == CONVERTED and each.name not in told]
    for left_out in converted:
        yield Obstacle(f"the file {left_out} cannot be kept", _pasted(left_out, top))
    told += [each.name for each in converted]
    if hidden := [name for name in _names(exact) if name not in told]:
        files = " ".join(map(quoted, hidden))
        fact = f"git was told to take files for unchanged that are not ({_some(hidden)})"
        yield Obstacle(fact, f"git -C {quoted(str(top))} update-index --no-assume-unchanged --no-skip-worktree {files}")


def _names(state: GitState) -> list[str]:
    return [*names_in_diff(state.diff), *(each.name for each in state.left_out)]


def _of_installed() -> Iterator[Obstacle]:
    """The code is that of a version, as it was installed."""
    again = f"python -m pip install --force-reinstall --no-deps nnlab=={nnlab.__version__}"
    found = metadata.distributions(name="nnlab", path=[str(code.PACKAGE.parent)])
    listed = {str(file): file.hash for distribution in found for file in distribution.files or ()}
    if not listed:
        yield Obstacle(f"{code.PACKAGE} has no list of what was installed, so its version says nothing", again)
        return
    changed = [f"nnlab/{name}" for name in code.source_files() if not _is_as_installed(listed, name)]
    if changed:
        yield Obstacle(f"files are not those that were installed ({_some(changed)})", again)


def _is_as_installed(listed: dict[str, metadata.FileHash | None], name: str) -> bool:
    known = listed.get(f"nnlab/{name}")
    if known is None or known.mode != "sha256":
        return False
    return base64.urlsafe_b64encode(code.file_sha256(name)).decode().rstrip("=") == known.value


def _of_outside(component: Outside) -> Iterator[Obstacle]:
    """A component from outside is kept where the commit and the diff are."""
    place = code.PACKAGE.parent / "experiments"
    if code.is_installed():
        fact = f"{component.place} is from outside nnlab, and an installed nnlab keeps no code of others"
        yield Obstacle(fact, "work in a checkout of nnlab, and put the component into a file of its folder experiments")
    elif component.file is None:
        fact = f"{component.place} is from outside nnlab, and {component.why}"
        yield Obstacle(fact, f"put it into a file in {place}, and import it from there")
    elif not any(component.file.is_relative_to(code.PACKAGE.parent / folder) for folder in FOLDERS):
        fact = f"{component.place} is from {component.file}, which neither the commit nor the diff has"
        yield Obstacle(fact, f"cp {quoted(str(component.file))} {quoted(str(place))}, and import it from there")
    elif _is_ignored(component.file):
        here, file = quoted(str(code.PACKAGE.parent)), quoted(str(component.file))
        fact = f"{component.place} is from {component.file}, which git ignores"
        yield Obstacle(fact, f"git -C {here} add -f {file} && git -C {here} commit -m code -- {file}")


def _is_ignored(file: Path) -> bool:
    """Whether no commit and no diff has a file, since git ignores it; of those of the package, diffs have Python's."""
    if not file.is_relative_to(code.PACKAGE.parent / "experiments"):
        return False
    ignored = ("--others", "--ignored", "--exclude-standard", "--", str(file))
    try:
        return bool(git_answer(code.PACKAGE.parent, "ls-files", *ignored))
    except GitError:  # then its commit is not known either
        return False


def _of_libraries() -> Iterator[Obstacle]:
    versions = packages()
    if missing := [name for name in PACKAGES if name not in versions]:
        fact = f"the versions of {', '.join(missing)} are not known: they were not installed as packages"
        yield Obstacle(fact, f"python -m pip install --force-reinstall {' '.join(missing)}")
    for name in versions:
        if folder := _editable(name):
            fact = f"{name} is used from {folder}, so that its version does not say what it is"
            yield Obstacle(fact, f"python -m pip install --force-reinstall --no-deps {name}")
    if "threads=" not in (used := blas()):
        fact = f"the BLAS that NumPy multiplies with is not known (found: {used})"
        yield Obstacle(fact, "python -m pip install --force-reinstall --only-binary :all: numpy")
    if not (np.array([2e-38], np.float32) / np.float32(4)).any():
        yield Obstacle(
            "some library that is loaded makes the processor take numbers below 1e-38 for zero",
            "do not import it: it was compiled with -ffast-math",
        )


def _editable(name: str) -> str:
    """The folder that a package is used from, if it is not installed but its source is."""
    text = metadata.distribution(name).read_text("direct_url.json")
    facts = json.loads(text) if text else {}
    return str(facts.get("url", "")) if facts.get("dir_info", {}).get("editable") else ""


def _to_know_the_commit(source: Path, why: str) -> str:
    here = quoted(str(source))
    if "not installed" in why:
        return "install git, or nnlab as a package"
    if "dubious ownership" in why:
        place = re.search("'(.*)'", why)
        return f"git config --global --add safe.directory {quoted(place[1] if place else str(source))}"
    if "no commit" in why:
        return _to_commit(source)
    if "not a git repository" in why:
        return f"git -C {here} init && {_to_commit(source)}"
    return f"see what git says: git -C {here} status"


def _to_commit(source: Path) -> str:
    there = " ".join(folder for folder in FOLDERS if (source / folder).is_dir())
    return f"git -C {quoted(str(source))} add {there} && git -C {quoted(str(source))} commit -m code"


def _pasted(left_out: LeftOut, top: Path) -> str:
    remedy = left_out.remedy.format(file=quoted(left_out.name))
    return f"cd {quoted(str(top))} && {remedy}"


def quoted(name: str) -> str:
    """A name as a shell takes it, whatever bytes it has."""
    if name.isprintable():
        return shlex.quote(name)
    data = name.encode(errors="surrogateescape")
    signs = (chr(byte) if 32 <= byte < 127 and byte not in b"'\\" else f"\\x{byte:02x}" for byte in data)
    return f"$'{''.join(signs)}'"


def _some(names: Iterable[str]) -> str:
    names = [name if name.isprintable() else ascii(name) for name in names]
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return f"{', '.join(names[:SHOWN])}{more}"
