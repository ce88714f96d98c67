"""Opening what lies in a run directory: plain files alone, and no link is followed.

A runs folder may be shared, and what another user has put there may carry the names that nnlab uses: links to one's
private files, pipes without an end, devices. So a file is opened relative to its folder, which is opened first, and
only if it is a plain file that belongs to the owner of the folder. One that is written must also have no second name.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from nnlab.errors import UserError

_ALWAYS = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
_WRITING = os.O_WRONLY | os.O_RDWR

_KINDS = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
    stat.S_IFREG: "a file",
}


class UnsafeFileError(UserError, PermissionError):
    """Something in a run directory is not what nnlab puts there: a link, a pipe, or a file of somebody else.

    Whoever handles damaged files of a run (`UserError`) or files that cannot be opened (`OSError`) handles this, too.
    """

    def __init__(self, path: Path | str, fact: str) -> None:
        PermissionError.__init__(self, errno.EPERM, fact, str(path))

    def __str__(self) -> str:
        return f"{self.filename} cannot be used: {self.strerror}. Move it away."

    def __reduce__(self) -> tuple[object, ...]:  # it passes between processes
        return type(self), (self.filename, self.strerror)


def open_descriptor(path: Path, flags: int) -> int:
    """A descriptor of the plain file `path`.

    Args:
        path: of a file in a folder that exists; the file too, unless the flags have `os.O_CREAT`.
        flags: `os.O_RDONLY`, `os.O_RDWR | os.O_CREAT` and so on; links are never followed.

    Raises:
        UnsafeFileError: if it is no plain file, or of another user than its folder is; for writing also if it has a
            second name.
        OSError: if it cannot be opened.
    """
    with opened_folder(path.parent) as folder:
        try:
            # Before it is opened: that may do something to a device, or cut a file.
            _check(path, folder, os.stat(path.name, dir_fd=folder, follow_symlinks=False), flags)
        except FileNotFoundError:
            if not flags & os.O_CREAT:
                raise
        descriptor = os.open(path.name, flags | _ALWAYS, 0o666, dir_fd=folder)
        try:
            _check(path, folder, os.fstat(descriptor), flags)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor


@contextmanager
def opened_folder(path: Path) -> Iterator[int]:
    """A descriptor of the folder `path`, which is a link only if the user or the system's owner made it."""
    link = os.lstat(path)
    if stat.S_ISLNK(link.st_mode) and link.st_uid not in (os.geteuid(), 0):
        raise UnsafeFileError(path, f"it is a symbolic link of another user, uid {link.st_uid}")
    follow = 0 if stat.S_ISLNK(link.st_mode) else os.O_NOFOLLOW
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC | follow)
    try:
        yield descriptor
    except OSError as error:
        if isinstance(error.filename, str) and os.sep not in error.filename:
            error.filename = str(path / error.filename)
        raise
    finally:
        os.close(descriptor)


def check_one_name(path: Path, found: os.stat_result) -> None:
    """Refuse a file that is there under another name too.

    Raises:
        UnsafeFileError: if it is.
    """
    if found.st_nlink > 1:
        raise UnsafeFileError(path, f"it has {found.st_nlink} names (hard links), of which others may be private")


def kind_of(found: os.stat_result) -> str:
    """What lies there, in words."""
    return _KINDS.get(stat.S_IFMT(found.st_mode), "something else")


def _check(path: Path, folder: int, found: os.stat_result, flags: int) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise UnsafeFileError(path, f"it must be a plain file, but is {kind_of(found)}")
    owners = {os.fstat(folder).st_uid, 0}  # one's own file in another user's folder is a second name, made by them
    if flags & _WRITING:
        check_one_name(path, found)
        owners |= {os.geteuid()}
    if found.st_uid not in owners:
        raise UnsafeFileError(path, f"it belongs to uid {found.st_uid}, and its folder to another user")
