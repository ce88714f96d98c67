"""No password is left in a text, whatever address it stands in; and what is no password stays."""

from __future__ import annotations

import io
import re
import string
from urllib.parse import quote

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from nnlab.redaction import Redacting, redacted, redacted_tree

SCHEMES = ("postgresql", "postgresql+psycopg", "mysql+pymysql", "mssql", "http", "https", "redis", "mongodb", "mysql")
HOSTS = ("host", "db.example.org", "127.0.0.1:5432", "[::1]:5432", "h:80/path", "h/db?sslmode=require", "h/a@b", "")

MARKS = ("://", ":/", ":///", ":\\\\", ":")
FIELDS = ("password", "passwd", "PGPASSWORD", "sslpassword", "token", "api_key", "access-key", "secret")
AROUND = ("'{}'", "at {} (refused). Start", "{}")

signs = string.ascii_letters + string.digits + " @/:\\?#%&=+.,;!$'\"()[]{}<>|~^*-_äß€"
passwords = st.text(signs, min_size=3, max_size=20)
names = st.text(string.ascii_letters + string.digits + "_.-+", max_size=8)


def hides(text: str, password: str) -> bool:
    """Whether nothing of a password is left: not the whole, and no long piece of it."""
    shown = redacted(text)
    pieces = [piece for piece in re.split(r"[^\w]+", password) if len(piece) >= 6]
    return password not in shown and not any(piece in shown for piece in pieces)


@settings(max_examples=300)
@given(
    st.sampled_from(SCHEMES),
    st.sampled_from(MARKS),
    names,
    passwords,
    st.sampled_from(HOSTS),
)
def test_an_address_never_shows_its_password(scheme: str, mark: str, user: str, password: str, host: str) -> None:
    address = f"{scheme}{mark}{user}:{password}@{host}"
    assume(password.strip() == password and not password.startswith("/") and password not in f"{scheme}{host}***")
    assert hides(address, password)


@settings(max_examples=300)
@given(
    st.sampled_from(SCHEMES),
    names,
    passwords,
    st.sampled_from(HOSTS),
    st.sampled_from(AROUND),
)
def test_a_text_never_shows_the_password_of_an_address_in_it(
    scheme: str, user: str, password: str, host: str, around: str
) -> None:
    assume(not re.search(r"^\d+.*\s['\"]?[\w.]+=", password))  # a port and an override look the same
    text = f"tracking.uri={around.format(f'{scheme}://{user}:{password}@{host}')}"
    assume(text.count(password) == 1)  # "tra" stands in "tracking", and stays there
    assume(password.strip() == password and password not in redacted(text.replace(password, "x" * 30)))
    assert hides(text, password)


@settings(max_examples=300)
@given(
    passwords,
    st.sampled_from(FIELDS),
)
def test_an_address_never_shows_a_secret_field_of_its_query(password: str, name: str) -> None:
    value = quote(password, safe="")
    assume(value not in f"{name}postgresql:host/db?user=nn&=***&ssl1")
    assert value not in redacted(f"postgresql://host/db?user=nn&{name}={value}&ssl=1")
    assert value not in redacted(f"at postgresql://host/db?{name}={value}: refused")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgresql://nnlab:s3cret@db/runs", "postgresql://***@db/runs"),
        ("failed: https://me:pa/ss@word@host:5000/api again", "failed: https://***@host:5000/api again"),
        ("https://token@host", "https://***@host"),
        ("http://:s3cret@host", "http://***@host"),
        ("mysql://host/db?user=me&password=s3cret&ssl=1", "mysql://host/db?user=me&password=***&ssl=1"),
        ("postgresql:/nn:PW@host", "postgresql:/***@host"),
        ("postgresql:nn:PW@host", "postgresql:***@host"),
        ("postgresql:\\\\nn:PW@host", "postgresql:\\\\***@host"),
        ("postgresql://nn:my secret@host/db", "postgresql://***@host/db"),
        ("at postgresql://nn:my secret@host/db (refused)", "at postgresql://***@host/db (refused)"),
        ("postgresql://nn:12 34@host/db", "postgresql://***@host/db"),
        ("postgresql://nn:PW", "postgresql://nn:***"),
        ("postgresql://nn:PW@[::1]:5432/db", "postgresql://***@[::1]:5432/db"),
        ("at http://a:b@c, then http://d:e@f", "at http://***@c, then http://***@f"),
        ("Authorization: Basic QWxhZGRpbjpvcGVu, 401", "Authorization: ***, 401"),
        ("{'Authorization': 'Bearer abcdefgh'}", "{'Authorization': '***'}"),
        ("curl -H 'x: Bearer abcdefgh'", "curl -H 'x: Bearer ***'"),
        ("MLFLOW_TRACKING_PASSWORD=s3cret make run", "MLFLOW_TRACKING_PASSWORD=*** make run"),
        ("host=db password='a b' user=nn", "host=db password='***' user=nn"),
        ('{"password": "a b", "user": "nn"}', '{"password": "***", "user": "nn"}'),
        ("http://h/?X-Amz-Date=1&X-Amz-Signature=s3cr3t", "http://h/?X-Amz-Date=1&X-Amz-Signature=***"),
        ("at http://h/?key=s3cr3t&page=2", "at http://h/?key=***&page=2"),
    ],
)
def test_passwords_are_taken_out(text: str, expected: str) -> None:
    assert redacted(text) == expected
    assert redacted(expected) == expected


@pytest.mark.parametrize(
    "text",
    [
        "http://127.0.0.1:5000",
        "waiting for MLflow at http://127.0.0.1:5000: 0 of 1 runs have arrived",
        "http://[::1]:5000/#/experiments/1?workflowType=machine_learning",
        "use http://HOST:PORT or postgresql://...",
        "sqlite:////a folder/mlflow.db",
        "sqlite:////home/me@work/runs/mlflow.db",
        "at sqlite:////home/me@work/a:b/mlflow.db",
        "sqlite:///file:/home/me@work/mlflow.db?mode=ro",
        "a mail to me@example.org",
        "python -m nnlab.run tracking.uri=http://127.0.0.1:5000 data.root=/data/me@work",
        "The password of user nn was refused. Set another.",
        "optimizer.lr=0.1 'model.hidden=[300,50]'",
        "Unexpected token: found 'x' at 1:2",
        "sort(key=1)",
        "http://h/?monkey=1",
        "a basic configuration: see https://example.org/docs",
    ],
)
def test_what_is_no_password_stays(text: str) -> None:
    assert redacted(text) == text


def test_passwords_are_taken_out_of_nested_values() -> None:
    tree = {"uri": "http://a:b@c", "list": ["http://a:b@c", 1, None], "deep": {"pair": ("x", 0.5)}}
    expected = {"uri": "http://***@c", "list": ["http://***@c", 1, None], "deep": {"pair": ["x", 0.5]}}
    assert redacted_tree(tree) == expected


def test_a_stream_that_redacts_passes_on_all_else() -> None:
    stream = io.StringIO()
    print("at http://a:b@c:", 1, file=Redacting(stream))
    assert stream.getvalue() == "at http://***@c: 1\n"
