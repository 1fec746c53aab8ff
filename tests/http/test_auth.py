from __future__ import annotations

import dataclasses

import pytest
from werkzeug.test import TestResponse

from pbxapi.http import auth
from pbxapi.http.auth import Principal
from tests.things import KEY, WITH_KEY, app_with_things, client

WIRE_KEY = KEY.encode().decode("latin-1")


def ask(path: str = "/whoami", **headers: str) -> TestResponse:
    return client().get(path, headers={name.replace("_", "-"): text for name, text in headers.items()})


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": f"Bearer {WIRE_KEY}"},
        {"Authorization": f"bearer  {WIRE_KEY}"},
        {"Authorization": WIRE_KEY},
        {"X_API_Key": WIRE_KEY},
        {"Authorization": "Basic dXNlcjpwYXNz", "X_API_Key": WIRE_KEY},
    ],
)
def test_a_key_is_taken_in_each_of_its_forms(headers: dict[str, str]) -> None:
    response = ask(**headers)
    assert response.status_code == 200
    assert response.json is not None
    assert response.json["name"] == "API_SECRET_KEY"


def test_a_key_with_a_blank_in_it_can_be_sent_bare() -> None:
    app = app_with_things(API_SECRET_KEY="old key with blanks in it")
    assert app.test_client().get("/whoami", headers={"Authorization": "old key with blanks in it"}).status_code == 200


@pytest.mark.parametrize(
    ("path", "headers", "error", "why"),
    [
        ("/whoami", {}, "invalid_request", "there is no header"),
        ("/whoami?api_key=x", {}, "invalid_request", "a key in the URL is not taken"),
        ("/whoami?%74oken=x", {}, "invalid_request", "a key in the URL is not taken"),
        ("/whoami", {"Authorization": "Bearer"}, "invalid_request", "brings no key"),
        ("/whoami", {"Authorization": "Basic abc"}, "invalid_request", "the scheme must be Bearer"),
        ("/whoami", {"Authorization": "Bearer wrong"}, "invalid_token", "not known"),
        ("/whoami", {"Authorization": "wrong"}, "invalid_token", "not known"),
        ("/whoami", {"Authorization": "YOUR_SECRETKEY_50_RANDOM_CHARS"}, "invalid_token", "a placeholder"),
        ("/whoami", {"Authorization": f"Bearer {WIRE_KEY}x"}, "invalid_token", "not known"),
        ("/whoami", {"X_API_Key": "wrong"}, "invalid_token", "not known"),
        ("/whoami", {"Authorization": "Bearer \xff\xfe\x80"}, "invalid_token", "not known"),
        ("/whoami", {"X_API_Key": "\xe4"}, "invalid_token", "not known"),
    ],
)
def test_a_refusal_says_why(path: str, headers: dict[str, str], error: str, why: str) -> None:
    response = ask(path, **headers)
    assert response.status_code == 401
    assert response.mimetype == "application/problem+json"
    challenge = response.headers["WWW-Authenticate"]
    assert challenge.startswith(f'Bearer realm="pbxapi", error="{error}", error_description="')
    assert why in challenge
    assert response.json is not None
    assert why in response.json["detail"]


def test_a_key_in_the_url_does_not_authenticate() -> None:
    assert client().get("/whoami", query_string={"api_key": KEY}).status_code == 401


def test_the_key_is_looked_at_before_the_body_the_query_and_the_name() -> None:
    assert client().put("/things/x", data="{", content_type="application/json").status_code == 401
    assert client().put("/things/x", data="a=b").status_code == 401
    assert client().get("/things?nonsense=1").status_code == 401
    assert client().get("/things/unknown?nonsense=1").status_code == 401


def test_a_key_that_lacks_the_scope_is_forbidden(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = Principal("wallboard", frozenset({"read"}))
    monkeypatch.setattr(auth, "OWNER", reader)
    assert client().get("/things/x", headers=WITH_KEY).status_code == 200
    response = client().get("/whoami", headers=WITH_KEY)
    assert response.status_code == 403
    assert response.json is not None
    assert "admin" in response.json["detail"]
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="pbxapi", error="insufficient_scope", scope="admin"'


def test_a_scope_that_does_not_exist_is_a_fault_of_the_program() -> None:
    with pytest.raises(ValueError, match="everything"):
        auth.require("everything")


def test_a_principal_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        auth.OWNER.name = "x"  # type: ignore[misc]


def test_one_of_several_scopes_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    app = app_with_things()
    app.add_url_rule("/either", view_func=auth.require("agents", "provision")(lambda: "in"))
    for scope in ("agents", "provision"):
        monkeypatch.setattr(auth, "OWNER", Principal("desk", frozenset({scope})))
        assert app.test_client().get("/either", headers=WITH_KEY).text == "in"
    monkeypatch.setattr(auth, "OWNER", Principal("wallboard", frozenset({"read"})))
    response = app.test_client().get("/either", headers=WITH_KEY)
    assert response.status_code == 403
    assert response.json is not None
    assert response.json["detail"] == "The key wallboard lacks the scope agents or provision."
    assert 'scope="agents"' in response.headers["WWW-Authenticate"]
