from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask, Response
from werkzeug.exceptions import NotAcceptable

from pbxapi.http.cdr_export import respond_export, wanted_form

APP = Flask(__name__)


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        (None, "json"),
        ("*/*", "json"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "json"),
        ("application/json", "json"),
        ("text/csv", "csv"),
        ("text/*", "csv"),
        ("text/csv;q=0.5, application/x-ndjson", "ndjson"),
        ("application/json;q=0.1, text/csv;q=0.2", "csv"),
        ("text/csv, */*;q=0.1", "csv"),
        ("text/csv, application/json", "json"),
        ("application/json;q=0, */*", "csv"),
    ],
)
def test_the_form_is_what_accept_likes_best_and_json_among_equals(accept: str | None, form: str) -> None:
    with APP.test_request_context(headers={"Accept": accept} if accept else {}):
        assert wanted_form(None) == form


def test_the_query_goes_before_accept() -> None:
    with APP.test_request_context(headers={"Accept": "image/png"}):
        assert wanted_form("csv") == "csv"


@pytest.mark.parametrize("accept", ["image/png", "text/html", "application/json;q=0"])
def test_a_type_that_there_is_not_is_not_acceptable(accept: str) -> None:
    with APP.test_request_context(headers={"Accept": accept}), pytest.raises(NotAcceptable):
        wanted_form(None)


class Chunks:
    """A stream that knows whether it was closed."""

    def __init__(self) -> None:
        self.closed = False

    def __iter__(self) -> Iterator[bytes]:
        yield b"calldate\r\n"
        yield b"1\r\n"

    def close(self) -> None:
        self.closed = True


def answer(form: str, chunks: Chunks, total: int | None = None) -> Response:
    with APP.test_request_context():
        return respond_export(chunks, form, "cdr", total)  # type: ignore[arg-type]


def test_the_headers_say_what_it_is_and_that_it_is_to_be_saved() -> None:
    response = answer("csv", Chunks(), total=7)
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8; header=present"
    assert response.headers["Content-Disposition"] == 'attachment; filename="cdr.csv"'
    assert response.headers["X-Total-Count"] == "7"
    assert (response.headers["Vary"], response.headers["Cache-Control"]) == ("Accept", "private, no-store")
    assert "Content-Length" not in response.headers
    assert response.data == b"calldate\r\n1\r\n"
    plain = answer("ndjson", Chunks())
    assert plain.headers["Content-Type"] == "application/x-ndjson"
    assert plain.headers["Content-Disposition"] == 'attachment; filename="cdr.ndjson"'
    assert "X-Total-Count" not in plain.headers


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_the_stream_is_closed_with_the_answer_also_when_nothing_of_it_was_sent(method: str) -> None:
    chunks = Chunks()
    environ = {"REQUEST_METHOD": method, "wsgi.url_scheme": "http", "SERVER_NAME": "x", "SERVER_PORT": "80"}
    body = answer("csv", chunks)(environ, lambda status, headers, info=None: lambda data: None)
    body.close()  # type: ignore[attr-defined]
    assert chunks.closed
