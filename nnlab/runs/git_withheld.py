"""What no stored diff may have: files that usually hold secrets, and what looks like one wherever it stands."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from pathlib import PurePath

NAMES = (
    *(".env*", "*.env", "*.env.*", ".netrc", "_netrc", ".pypirc", ".npmrc", ".pgpass", ".htpasswd", ".git-credentials"),
    *(".my.cnf", ".boto", ".s3cfg", ".dockercfg", ".vault*", "kubeconfig*", "auth.ini", "*.tfvars", "*.tfstate*"),
    *("*.pem", "*.pem.*", "*.key", "*.key.*", "*.p8", "*.p12", "*.pfx", "*.der", "*.jks", "*.keystore", "*.keytab"),
    *("*.kdbx", "*.ppk", "*.gpg", "*.ovpn", "id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*"),
    *("*secret*", "*credential*", "*password*", "*passwd*", "*api[_-]key*", "*apikey*", "*service[_-]account*"),
    *("token", "token.*", "tokens.*", "*[_-]token", "*[_-]token.*", ".*token*"),
)
"""Names, in small letters, of files that usually hold secrets: no diff has them, whatever happened to them."""

FOLDERS = (".env*", ".aws", ".azure", ".config", ".docker", ".gnupg", ".kube", ".ssh", "*secret*", "*credential*")
"""Names of folders, all of whose files usually do."""

PRIVATE_KEY = re.compile(rb"-----BEGIN [A-Z0-9 ]*PRIVATE KEY|PuTTY-User-Key-File-\d")

_NAMED = rb"pass(?:word|wd|phrase)|secret|credential|(?:api|access|private|auth|account)[_-]?key"
_PLACEHOLDER = rb"(?:pass\w*|pw|null|none|true|false|[*{$<%?|>].*)"

_PASSWORDS = (
    # An address with user and password.
    re.compile(rb"(?i)://[^\s/:@'\"]{0,200}:(?!" + _PLACEHOLDER + rb"@)[^\s/@'\"]{1,200}@[\w\[]"),
    # Tokens as their makers mark them.
    re.compile(
        rb"(?<![A-Za-z0-9])(?:(?:AKIA|ASIA)[0-9A-Z]{16}(?![0-9A-Za-z])|gh[oprsu]_\w{30}|github_pat_\w{30}|hf_\w{30}"
        rb"|glpat-[\w\-]{20}|xox[abprs]-[\w\-]{10}|sk-[\w\-]{20}|AIza[\w\-]{35}|eyJ[\w\-]{10,}\.eyJ[\w\-]{10,}\.)"
    ),
    # A text in quotes that is called so.
    re.compile(
        rb"(?i)(?:"
        + _NAMED
        + rb"|token)\w{0,40}['\"]?\s{0,9}[:=]\s{0,9}(['\"])(?!"
        + _PLACEHOLDER
        + rb"\1)[^\s'\"]{4,500}\1"
    ),
)
_WITHOUT_QUOTES = re.compile(
    rb"(?im)^[+\- ]?[ \t]*(?:export[ \t]+)?[\w.\-]{0,60}(?:" + _NAMED + rb"|token)[\w.\-]{0,60}[ \t]*[:=][ \t]*"
    rb"(?!" + _PLACEHOLDER + rb"\s*$)[^\s'\"]{4,}\s*$"
)
"""A line that sets one, where texts need no quotes: not in Python."""


def usually_holds_secrets(name: str) -> bool:
    """Whether a file is one of those that usually hold secrets.

    Args:
        name: from the top of the source tree.
    """
    path = PurePath(name.lower())
    return any(fnmatchcase(path.name, pattern) for pattern in NAMES) or any(
        fnmatchcase(folder, pattern) for folder in path.parts[:-1] for pattern in FOLDERS
    )


def secret_in(content: bytes, name: str) -> str | None:
    """What a file, or the part of a diff that is of it, holds that nobody else may have, in words; None if nothing."""
    content = content.replace(b"\0", b"")  # of UTF-16
    if PRIVATE_KEY.search(content):
        return "holds a private key"
    if any(pattern.search(content) for pattern in _PASSWORDS):
        return "holds a password or a token"
    if not name.endswith(".py") and _WITHOUT_QUOTES.search(content):
        return "holds a password or a token"
    return None
