from __future__ import annotations

import logging
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from flask import Response, abort
from werkzeug.exceptions import BadRequest
from werkzeug.test import TestResponse

from pbxapi import errors
from pbxapi.ami import errors as ami
from pbxapi.http.problem_kinds import KINDS
from pbxapi.http.problems import TABLE, field_errors, kind_of
from pbxapi.store import Store
from tests.things import WITH_KEY, app_with_things, client

HIDDEN = "secret-host.example /etc/secret SELECT"


def family(root: type[BaseException]) -> Iterator[type[BaseException]]:
    yield root
    for child in root.__subclasses__():
        yield from family(child)


def get(path: str, **options: str) -> TestResponse:
    return client().get(path, headers=WITH_KEY, **options)


class Failing:
    """An application that raises what it is told, made once."""

    def __init__(self) -> None:
        self.error: BaseException = RuntimeError()
        self.client = app_with_things(self.fail).test_client()

    def fail(self) -> None:
        raise self.error


@cache
def failing() -> Failing:
    return Failing()


def raised(error: BaseException) -> TestResponse:
    failing().error = error
    return failing().client.get("/raise", headers={"X-Request-ID": "id-1"})


@pytest.mark.parametrize("kind", [*family(errors.PbxError), *family(ami.AmiError)])
def test_every_error_has_its_row(kind: type[BaseException]) -> None:
    assert kind in TABLE


def test_every_kind_has_a_page_where_its_type_points() -> None:
    for kind in KINDS.values():
        page = client().get(kind.type)
        assert (page.status_code, page.mimetype) == (200, "text/html")
        assert kind.title.split("'")[0] in page.text
    assert client().get("/problems/other").status_code == 404


@pytest.mark.parametrize(
    ("error", "status", "slug"),
    [
        (errors.NotFound("x"), 404, "not-found"),
        (errors.Conflict("x"), 409, "conflict"),
        (errors.Invalid("x"), 422, "invalid"),
        (errors.NotSupported("x"), 501, "not-supported"),
        (errors.Refused("x"), 502, "refused"),
        (errors.Unavailable("x", part="ami"), 503, "ami-unavailable"),
        (errors.Unavailable("x", part="ari"), 503, "ari-unavailable"),
        (errors.Unavailable("x", part="store"), 503, "store-unavailable"),
        (errors.Unavailable("x", part="database"), 503, "database-unavailable"),
        (errors.Timeout("x"), 504, "timeout"),
        (errors.Inconsistent("x", ["row 1"]), 500, "inconsistent"),
        (ami.AmiInvalid("x", "Channel"), 422, "invalid"),
        (ami.AmiRefused("Originate", "No such extension"), 502, "refused"),
        (ami.AmiUnknownAction("PJSIPShowEndpoints", "Invalid/unknown command"), 501, "not-supported"),
        (ami.AmiDenied("Originate", "Permission denied"), 501, "not-permitted"),
        (ami.AmiTimeout("x"), 504, "timeout"),
        (ami.AmiUnavailable("x"), 503, "ami-unavailable"),
        (ami.AmiLoginRefused("x"), 503, "ami-login-refused"),
        (ami.AmiProtocolError("x"), 503, "ami-unavailable"),
        (RuntimeError("x"), 500, "internal-error"),
    ],
)
def test_an_error_becomes_problem_details(error: Exception, status: int, slug: str) -> None:
    response = raised(error)
    assert response.mimetype == "application/problem+json"
    assert response.status_code == status
    document = response.json
    assert document is not None
    assert document["type"] == f"/problems/{slug}"
    assert document["status"] == status
    assert document["instance"] == "/raise"
    assert document["request_id"] == response.headers["X-Request-ID"] == "id-1"
    assert document["title"]
    assert document["detail"]
    assert response.headers["Cache-Control"] == "no-store"


def test_an_error_of_a_class_of_its_own_takes_its_parents_row() -> None:
    class Busy(errors.Conflict):
        pass

    assert kind_of(Busy("x")).slug == "conflict"


@pytest.mark.parametrize(
    "error",
    [
        ami.AmiError,
        ami.AmiInvalid,
        ami.AmiTimeout,
        ami.AmiUnavailable,
        ami.AmiLoginRefused,
        ami.AmiProtocolError,
        OSError,
    ],
)
def test_words_that_may_name_a_host_are_not_shown(error: type[Exception]) -> None:
    assert HIDDEN not in raised(error(HIDDEN)).text


def test_asterisks_own_words_are_shown() -> None:
    document = raised(ami.AmiRefused("Redirect", "No such channel: PJSIP/200")).json
    assert document is not None
    assert "No such channel: PJSIP/200" in document["detail"]


def test_what_was_sent_before_the_session_was_lost_may_have_run() -> None:
    document = raised(ami.AmiUnavailable("x", may_have_run=True)).json
    assert document is not None
    assert "may have happened" in document["detail"]


@pytest.mark.parametrize(("seconds", "header"), [(0.05, "1"), (4.2, "5")])
def test_unavailable_says_when_to_come_back(seconds: float, header: str) -> None:
    assert raised(errors.Unavailable("x", part="ami", retry_after=seconds)).headers["Retry-After"] == header
    assert raised(ami.AmiUnavailable("x", retry_after=seconds)).headers["Retry-After"] == header


@pytest.mark.parametrize("status", [429, 503])
def test_a_bare_status_says_when_to_come_back(status: int) -> None:
    assert app_with_things(lambda: abort(status)).test_client().get("/raise").headers["Retry-After"] == "1"


def test_a_status_with_no_kind_of_its_own_is_about_blank() -> None:
    document = app_with_things(lambda: abort(418)).test_client().get("/raise").json
    assert document is not None
    assert (document["type"], document["title"], document["status"]) == ("about:blank", "I'm a Teapot", 418)


def test_fields_and_steps_are_members() -> None:
    invalid = raised(errors.Invalid("x", {"to": ["No such extension."]})).json
    assert invalid is not None
    assert invalid["errors"] == {"to": ["No such extension."]}
    halfway = raised(errors.Inconsistent("x", ["row 1"])).json
    assert halfway is not None
    assert halfway["steps"] == ["row 1"]


def test_what_nobody_meant_is_logged_with_its_traceback_and_not_shown(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR, "pbxapi"):
        response = raised(ZeroDivisionError(HIDDEN))
    assert response.status_code == 500
    assert HIDDEN not in response.text
    assert "ZeroDivisionError" in caplog.text
    assert HIDDEN in caplog.text


def test_what_the_store_said_is_in_the_log_alone(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = Store(f"sqlite:///{tmp_path}/store.db")
    with pytest.raises(errors.Unavailable) as caught:
        store.changes.newest()
    response = raised(caught.value)
    assert (response.status_code, "no such table" in response.text) == (503, False)
    assert "no such table: changes" in caplog.text
    store.close()


def test_no_such_path_needs_no_key() -> None:
    document = client().get("/nothing/here?a=1").json
    assert document is not None
    assert (document["type"], document["instance"]) == ("/problems/no-such-path", "/nothing/here")


def test_an_instance_is_a_uri_even_where_the_path_is_not() -> None:
    document = client().get("/n\N{LATIN SMALL LETTER O WITH DIAERESIS} <b>").json
    assert document is not None
    assert document["instance"] == "/n%C3%B6%20%3Cb%3E"


def test_a_wrong_method_says_which_are_right() -> None:
    response = client().delete("/things/x")
    assert response.status_code == 405
    assert response.mimetype == "application/problem+json"
    assert set(response.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS", "PUT"}


@pytest.mark.parametrize(
    "body",
    [b"{", b"[1,]", b'{"name": NaN}', b'{"name": "\\ud800"}', b"\xff\xfe", b"1" * 5000, b"[" * 100_000, b"nonsense"],
)
def test_a_body_that_is_not_json_is_malformed(body: bytes) -> None:
    response = client().put("/things/x", data=body, headers=WITH_KEY, content_type="application/json")
    assert response.status_code == 400
    assert response.json is not None
    assert response.json["type"] == "/problems/malformed"


def test_a_body_of_another_type_is_refused() -> None:
    response = client().put(
        "/things/x", data="name=x", headers=WITH_KEY, content_type="application/x-www-form-urlencoded"
    )
    assert response.status_code == 415


def test_a_body_that_is_too_large_is_refused() -> None:
    response = client().put("/things/x", data=b" " * 5_000_000, headers=WITH_KEY, content_type="application/json")
    assert response.status_code == 413
    assert response.mimetype == "application/problem+json"


@pytest.mark.parametrize(
    "body",
    [
        {"operations": [1] * 1001},
        {"operations": [{"op": "create", "extension": dict.fromkeys(map(str, range(1001)))}]},
        {"operations": [dict.fromkeys(map(str, range(200)))] * 501},
    ],
)
def test_a_body_with_too_many_entries_is_refused_before_each_is_looked_at(body: dict[str, object]) -> None:
    problem = client().post("/extensions/batch", json=body, headers=WITH_KEY)
    assert problem.status_code == 422
    assert list(problem.get_json()["errors"].values()) == [["Too long: 1000 entries at most, and 100000 in a body."]]


def test_of_many_faults_the_first_hundred_are_told() -> None:
    problem = client().post("/extensions/batch", json={"operations": [1] * 999}, headers=WITH_KEY)
    assert (problem.status_code, len(problem.get_json()["errors"])) == (422, 100)


def test_every_wrong_field_is_named_with_its_place() -> None:
    body = {"size": "2", "colour": "red", "parts": [{"name": "a"}, {"name": 1, "size": 0}]}
    response = client().put("/things/x", json=body, headers=WITH_KEY)
    assert response.status_code == 422
    assert response.json is not None
    assert response.json["type"] == "/problems/invalid"
    assert sorted(response.json["errors"]) == ["colour", "name", "parts.1.name", "parts.1.size", "size"]


def test_a_body_that_is_no_object_is_named_as_a_whole() -> None:
    response = client().put("/things/x", json=[], headers=WITH_KEY)
    assert response.status_code == 422
    assert response.json is not None
    assert list(response.json["errors"]) == ["body"]


def test_an_unknown_query_parameter_is_named() -> None:
    for path in ("/things?limt=1", "/things/x?limt=1"):
        response = get(path)
        assert response.status_code == 422
        assert response.json is not None
        assert list(response.json["errors"]) == ["limt"]


def test_a_wrong_query_parameter_is_named() -> None:
    response = get("/things?limit=ten&cursor=a&cursor=b")
    assert response.status_code == 422
    assert response.json is not None
    assert list(response.json["errors"]) == ["limit"]


def test_what_is_asked_for_by_no_query_is_the_same_every_time() -> None:
    answers = [client().get(path, headers=WITH_KEY).json for path in ("/flag", "/flag", "/flag?flag=true", "/flag")]
    assert answers == [{"flag": False}, {"flag": False}, {"flag": True}, {"flag": False}]


def test_one_message_that_is_no_list_is_a_list_of_one() -> None:
    assert field_errors({"query": {"limit": "Wrong."}}) == {"limit": ["Wrong."]}


def test_a_problem_for_head_has_no_body() -> None:
    response = client().head("/nothing")
    assert (response.status_code, response.data) == (404, b"")


def test_an_answer_that_is_raised_ready_made_is_given_as_it_is() -> None:
    response = raised(BadRequest(response=Response("ready", 202)))
    assert (response.status_code, response.text) == (202, "ready")


def test_a_redirection_is_no_problem() -> None:
    response = client().get("/docs/")
    assert (response.status_code, response.headers["Location"]) == (308, "../docs")
