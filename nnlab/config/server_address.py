"""Addresses of servers: what their drivers would misread is refused, since they then show pieces of the password."""

from __future__ import annotations

import re

from nnlab.errors import UserError
from nnlab.redaction import HIDDEN, redacted

_ADDRESS = re.compile(
    r"[a-z][\w+.\-]*://(?P<user>[^@?]*@)?(?P<host>\[[^\]@]*\]|[^:/@\[\]?#]*)(?::\d*)?(?:[/?#][^@]*)?", re.I
)


def check_server_address(key: str, address: str) -> None:
    """Refuse an address that a driver would take apart at the wrong places.

    Args:
        key: of the configuration.
        address: of a server.

    Raises:
        UserError: if it is none, or a special character in its password is not percent-encoded.
    """
    if not _ADDRESS.fullmatch(address):
        # The addresses come last: an @ after them would be read as the end of a password, and hide what is before it.
        raise UserError(
            f"{key}, in whose user, password and name @ is written as %40, / as %2F, : as %3A, # as %23 and ? as %3F, "
            f"must be an address like scheme://USER:PASSWORD@HOST:PORT/NAME, whose port is a number, but "
            f"{without_password(address)} is not."
        )


def without_password(address: str) -> str:
    """The address to show in a message, also where it is none."""
    shown = redacted(address)
    at = shown.rfind("@")
    return shown if at < 0 or HIDDEN in shown else f"{HIDDEN}{shown[at:]}"
