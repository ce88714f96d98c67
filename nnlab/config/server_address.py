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
        raise UserError(
            f"{key} must be an address like scheme://USER:PASSWORD@HOST:PORT/NAME, whose port is a number, but "
            f"{without_password(address)} is not. In user, password and name write @ as %40, / as %2F, : as %3A, "
            "# as %23 and ? as %3F."
        )


def without_password(address: str) -> str:
    """The address to show in a message, also where it is none."""
    shown = redacted(address)
    at = shown.rfind("@")
    return shown if at < 0 or HIDDEN in shown else f"{HIDDEN}{shown[at:]}"
