from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Response, abort
from sqlalchemy import delete, select, update
from werkzeug.test import TestResponse

from pbxapi import errors
from pbxapi.ami import errors as ami
from pbxapi.http import auth, idempotency
from pbxapi.http.auth import Principal, require
from pbxapi.http.blueprint import Blueprint
from pbxapi.http.body import respond
from pbxapi.store.migrate import migrate
from pbxapi.store.tables import idempotency as rows
from tests.things import WITH_KEY, FlagQuery, ThingSchema, app_with_things

THING = {"name": "one", "size": 1}


class Maker:
    """An application in which POST /things does what the test says, and counts how often."""

    def __init__(self, folder: Path) -> None:
        self.begin_anew()
        self.app = app_with_things(STORE_URL=f"sqlite:///{folder}/store.db", RATE_LIMIT_BAD_KEYS="off")
        self.store = self.app.extensions["pbxapi"].store
        migrate(self.store)
        self._serve(self.app)

    def begin_anew(self) -> None:
        self.done = 0
        self.doing: Callable[[], Response] = lambda: respond(THING, status=201, headers={"Location": "/things/one"})

    def _serve(self, app: Flask) -> None:
        blp = Blueprint("made", __name__, description="Made")

        def made(*_: object, **__: object) -> Response:
            self.done += 1
            return self.doing()

        @blp.post("/made")
        @require("calls")
        @blp.arguments(ThingSchema)
        @blp.response(201, ThingSchema)
        def post_made(body: dict[str, Any]) -> Response:
            """Make a thing"""
            return made()

        @blp.post("/made/<name>")
        @require("calls")
        @blp.response(201, ThingSchema)
        def post_named(name: str) -> Response:
            """Make a thing of this name"""
            return made()

        @blp.post("/asked")
        @require("calls")
        @blp.arguments(FlagQuery, location="query")
        @blp.response(201, ThingSchema)
        def post_asked(query: dict[str, Any]) -> Response:
            """Make a thing as the query says"""
            return made()

        @blp.put("/made/<name>")
        @require("calls")
        @blp.response(200, ThingSchema)
        def put_named(name: str) -> Response:
            """Change a thing of this name"""
            return made()

        app.extensions["pbxapi.api"].register(blp)

    def post(self, key: str | None = "k-1", path: str = "/made", **options: Any) -> TestResponse:
        headers = {**WITH_KEY, **({} if key is None else {"Idempotency-Key": key}), **options.pop("headers", {})}
        if not {"json", "data"} & set(options):
            options["json"] = THING
        return self.app.test_client().post(path, headers=headers, **options)

    def row(self) -> Any:
        with self.store.begin() as connection:
            return connection.execute(select(rows)).one_or_none()

    def alter(self, **values: object) -> None:
        with self.store.begin() as connection:
            connection.execute(update(rows).values(**values))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Maker]:
    """Made once: it takes 0.2 s."""
    maker = Maker(tmp_path_factory.mktemp("made"))
    yield maker
    maker.store.close()


@pytest.fixture
def maker(made: Maker) -> Maker:
    made.begin_anew()
    migrate(made.store)
    with made.store.begin() as connection:
        connection.execute(delete(rows))
    return made


def slug(response: TestResponse) -> str:
    assert response.json is not None
    return str(response.json["type"]).removeprefix("/problems/")


def test_what_comes_twice_is_done_once_and_answered_alike(maker: Maker) -> None:
    first, again = maker.post(), maker.post()
    assert maker.done == 1
    assert (again.status_code, again.data) == (first.status_code, first.data) == (201, first.data)
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    own = {"X-Request-ID", "RateLimit", "Idempotency-Replayed"}
    assert [h for h in again.headers if h[0] not in own] == [h for h in first.headers if h[0] not in own]
    assert again.headers["Location"] == "/things/one"


def test_without_the_header_everything_is_done_each_time(maker: Maker) -> None:
    maker.post(None)
    maker.post(None)
    assert (maker.done, maker.row()) == (2, None)


def test_other_methods_take_no_notice_of_it(maker: Maker) -> None:
    for _ in range(2):
        headers = {**WITH_KEY, "Idempotency-Key": "k-1"}
        assert maker.app.test_client().put("/made/x", headers=headers).status_code == 201
    assert (maker.done, maker.row()) == (2, None)


@pytest.mark.parametrize(
    "other",
    [
        {"path": "/made", "json": {**THING, "size": 2}},
        {"path": "/made/x"},
        {"path": "/asked"},
        {"path": "/asked?flag=false"},
        {"path": "/asked?flag=true", "data": b" "},
    ],
)
def test_the_same_value_for_something_else_is_refused(maker: Maker, other: dict[str, Any]) -> None:
    assert maker.post(path="/asked?flag=true").status_code == 201
    response = maker.post(**other)
    assert (response.status_code, slug(response)) == (422, "idempotency-key-reused")
    assert maker.done == 1


def test_where_the_path_ends_and_the_body_begins_is_told_apart(maker: Maker) -> None:
    maker.post(path="/made/xy", data=b"")
    assert slug(maker.post(path="/made/x", data=b"y")) == "idempotency-key-reused"


def test_two_keys_may_use_the_same_value(maker: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    maker.post()
    monkeypatch.setattr(auth, "OWNER", Principal("another", frozenset({"calls"})))
    assert maker.post().status_code == 201
    assert maker.done == 2


@pytest.mark.parametrize("value", ["", "x" * 256, "ä", "a\tb", "a\x7fb"])
def test_a_value_that_is_none_is_refused_before_anything_is_done(maker: Maker, value: str) -> None:
    response = maker.post(value)
    assert response.status_code == 422
    assert response.json is not None
    assert list(response.json["errors"]) == ["Idempotency-Key"]
    assert (maker.done, maker.row()) == (0, None)


@pytest.mark.parametrize("value", ["x", '"8e03978e-40d5-43dd-bc93-6894a57f9324"', "x" * 255, "a b ~!"])
def test_any_printable_value_is_taken(maker: Maker, value: str) -> None:
    assert maker.post(value).status_code == 201


def lost(may_have_run: bool) -> Exception:
    return ami.AmiUnavailable("lost", may_have_run=may_have_run)


def lost_and_told_so() -> Response:
    """As placing a call does."""
    try:
        raise lost(True)
    except ami.AmiUnavailable as error:
        raise errors.Unavailable("The call may be on its way", part="ami") from error


@pytest.mark.parametrize(
    ("what", "status"),
    [
        (RuntimeError("nobody meant it"), 500),
        (errors.Inconsistent("half done", ["a step"]), 500),
        (errors.Refused("no"), 502),
        (errors.Timeout("late"), 504),
        (ami.AmiTimeout("late"), 504),
        (lost(True), 503),
        (lost_and_told_so, 503),
        (lambda: respond(THING, status=202), 202),
        (lambda: Response(status=204), 204),
        (lambda: abort(500), 500),
    ],
)
def test_after_what_may_have_happened_the_answer_stays(maker: Maker, what: Any, status: int) -> None:
    maker.doing = what if callable(what) else raising(what)
    first, again = maker.post(), maker.post()
    assert (first.status_code, again.status_code) == (status, status)
    assert again.data == first.data
    assert again.headers.get("Retry-After") == first.headers.get("Retry-After")
    assert again.headers["Idempotency-Replayed"] == "true"
    assert maker.done == 1


@pytest.mark.parametrize(
    ("what", "status"),
    [
        (lambda: abort(400), 400),
        (errors.NotFound("no such thing"), 404),
        (errors.Conflict("it is there"), 409),
        (lambda: abort(412), 412),
        (errors.Invalid("not usable"), 422),
        (errors.NotSupported("it cannot"), 501),
        (errors.Unavailable("down", part="database"), 503),
        (lost(False), 503),
    ],
)
def test_after_what_changed_nothing_the_next_one_may_try(maker: Maker, what: Any, status: int) -> None:
    good, maker.doing = maker.doing, what if callable(what) else raising(what)
    assert maker.post().status_code == status
    assert maker.row() is None
    maker.doing = good
    assert maker.post().status_code == 201


def raising(error: Exception) -> Callable[[], Response]:
    def doing() -> Response:
        raise error

    return doing


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"data": "{", "content_type": "application/json"}, 400),
        ({"data": "a=b"}, 415),
        ({"json": {"size": "large"}}, 422),
        ({"headers": {"Authorization": "Bearer wrong"}}, 401),
        ({"path": "/made?x=1"}, 422),
        ({"data": b"x" * (5 * 1024 * 1024), "content_type": "application/json"}, 413),
    ],
)
def test_what_never_came_to_the_operation_is_not_kept(maker: Maker, options: dict[str, Any], status: int) -> None:
    assert maker.post(**options).status_code == status
    assert (maker.done, maker.row()) == (0, None)
    assert maker.post().status_code == 201


def test_one_that_comes_while_the_first_is_under_way_is_told_to_wait(maker: Maker) -> None:
    began, go_on = threading.Event(), threading.Event()
    good = maker.doing

    def doing() -> Response:
        began.set()
        assert go_on.wait(10)
        return good()

    maker.doing = doing
    with ThreadPoolExecutor() as threads:
        first = threads.submit(maker.post)
        assert began.wait(10)
        second = maker.post()
        go_on.set()
        assert first.result(10).status_code == 201
    assert (second.status_code, slug(second)) == (409, "idempotency-key-in-use")
    assert second.headers["Retry-After"] == "1"
    assert maker.post().data == first.result().data
    assert maker.done == 1


def test_many_at_once_are_done_once(maker: Maker) -> None:
    with ThreadPoolExecutor(16) as threads:
        found = list(threads.map(lambda _: maker.post().status_code, range(64)))
    assert maker.done == 1
    assert set(found) <= {201, 409}


def test_what_was_killed_is_never_done_again(maker: Maker) -> None:
    class Killed(BaseException):
        pass

    def doing() -> Response:
        raise Killed

    maker.doing = doing
    with pytest.raises(Killed):
        maker.post()
    assert slug(maker.post()) == "idempotency-key-in-use"
    maker.alter(created_at=datetime.now(UTC) - timedelta(hours=23))
    late = maker.post()
    assert (late.status_code, slug(late)) == (409, "idempotency-key-in-use")
    assert "Retry-After" not in late.headers
    assert late.json is not None
    assert "nobody knows how it ended" in late.json["detail"]
    assert maker.done == 1


def test_after_a_day_it_is_done_anew(maker: Maker) -> None:
    maker.post()
    maker.alter(created_at=datetime.now(UTC) - timedelta(hours=24, seconds=1))
    assert "Idempotency-Replayed" not in maker.post().headers
    assert maker.done == 2
    assert "Idempotency-Replayed" in maker.post().headers


@pytest.mark.parametrize("body", ["long", "stream"])
def test_an_answer_that_is_not_kept_is_not_made_again(maker: Maker, body: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idempotency, "LARGEST", 100)
    maker.doing = {
        "long": lambda: respond({"name": "x" * 100}, status=201),
        "stream": lambda: Response(iter([b"a", b"b"]), status=201),
    }[body]
    first = maker.post()
    assert first.status_code == 201
    assert first.data
    again = maker.post()
    assert (again.status_code, slug(again)) == (409, "idempotency-answer-not-kept")
    assert again.json is not None
    assert "201" in again.json["detail"]
    assert maker.done == 1


def test_no_secret_lies_in_the_store(maker: Maker) -> None:
    maker.doing = lambda: respond({"secret": "hush-hush-hush"}, status=201)
    body = {"name": "my-own-secret"}
    first = maker.post("value-of-the-header", json=body)
    maker.store.close()
    stored = b"".join(file.read_bytes() for file in Path(maker.store.file or "").parent.iterdir())
    for word in (b"hush-hush", b"my-own-secret", b"value-of-the-header"):
        assert word not in stored
    assert maker.post("value-of-the-header", json=body).data == first.data


def test_a_store_that_cannot_be_had_is_said_before_anything_is_done(maker: Maker) -> None:
    migrate(maker.store, "base")
    response = maker.post()
    assert (response.status_code, slug(response)) == (503, "store-unavailable")
    assert maker.done == 0
    assert maker.post(None).status_code == 201


def test_a_store_that_is_lost_in_between_makes_no_other_answer(maker: Maker) -> None:
    good = maker.doing

    def doing() -> Response:
        migrate(maker.store, "base")
        return good()

    maker.doing = doing
    assert maker.post().status_code == 201


def test_the_document_has_it_for_every_post_behind_a_key(maker: Maker) -> None:
    document = maker.app.test_client().get("/openapi.json").get_json()
    named = {"$ref": "#/components/parameters/Idempotency-Key"}
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method in {"get", "post", "put", "patch", "delete"}:
                expected = method == "post" and bool(operation["security"])
                assert (named in operation.get("parameters", [])) == expected, (method, path)
                if expected:
                    assert {"409", "413", "422", "503"} <= set(operation["responses"]), path
