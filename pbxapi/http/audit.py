"""Who did what, from where: an entry a change, a look at secrets and a refusal; never the secret itself.

An operation notes what it did by `record`; the entries are written when its answer is known, with its status. Whatever
nobody noted is seen here: a refusal, a change that failed, and a change that said nothing of itself.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import marshmallow as ma
from flask import Flask, Response, current_app, request

from pbxapi import request_id
from pbxapi.http import auth, idempotency, limits
from pbxapi.http.audit_actions import ACTS, COMMANDS, Act
from pbxapi.http.audit_often import Plays, Refusals
from pbxapi.http.audit_trail import Trail, entry
from pbxapi.http.context import state
from pbxapi.store.audit import DONE, FAILED, REFUSED, Entry

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from pbxapi.settings import Audit

log = logging.getLogger("pbxapi.http")

AUDIT = "pbxapi.audit"
# What the request that is being served has done, and what an older command is and came to.
_NOTED = "pbxapi.audit.noted"
_COMMAND = "pbxapi.audit.command"
_ANSWERED = "pbxapi.audit.answered"

READS = frozenset({"GET", "HEAD", "OPTIONS"})
FORBIDDEN = frozenset({401, 403, 429})
LARGEST = 64 * 1024
"""Bytes of a body that is looked at once more, for what it was about."""


class Auditor:
    """What this process knows of what it wrote lately."""

    def __init__(self, settings: Audit) -> None:
        self.trail = Trail(settings.days)
        # Apart, so that a flood of bad keys does not hide what the known ones try.
        self.of_strangers, self.of_keys = Refusals(), Refusals()
        self.plays = Plays()


def install(app: Flask, settings: Audit) -> None:
    """Write the audit log of this application."""
    extensions = app.extensions
    extensions[AUDIT] = Auditor(settings)

    @app.after_request
    def close(response: Response) -> Response:
        # Most requests are reads that leave no entry: they must cost nothing here.
        auditor, environ = extensions[AUDIT], request.environ
        if (
            environ["REQUEST_METHOD"] not in READS
            or _NOTED in environ
            or _ANSWERED in environ
            or auditor.of_strangers.windows
            or auditor.of_keys.windows
            or response.status_code >= 400
        ):
            _close(auditor, environ, response)
        return response


def record(
    action: str,
    target: str,
    *,
    detail: str | None = None,
    outcome: str = DONE,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Note what the request that is being served did: `action` such as `extension.create`, `target` `extension 200`.

    `before` and `after` may hold all of the thing, secrets too: only what differs is kept, and `***` for a secret,
    which is known by its name or as a `plan.Secret`. Never raises.
    """
    try:
        made = _entry(action, target, detail=detail, outcome=outcome, before=before, after=after)
        request.environ.setdefault(_NOTED, []).append(made)
    except Exception:
        log.exception("%s has no entry in the audit log", action)


def played(target: str, response: Response, *, detail: str | None = None) -> Response:
    """Note that a recording is heard: once for all parts that a player asks for within ten minutes."""
    if request.method == "GET" and response.status_code in {200, 206}:
        environ = request.environ
        if _auditor().plays.begins((_name(environ), environ.get("REMOTE_ADDR"), target)):
            record("recording.play", target, detail=detail)
    return response


def command(name: str, value: Callable[[str], str]) -> None:
    """Say which older command is served; `value` gives a parameter of it, empty where it has none."""
    request.environ[_COMMAND] = name, value


def answered(status: int, said: str) -> None:
    """Say what an older command came to, whose answer may say 200 all the same."""
    request.environ[_ANSWERED] = status, said


def _close(auditor: Auditor, environ: WSGIEnvironment, response: Response) -> None:
    try:
        found = [*auditor.of_strangers.ended(), *auditor.of_keys.ended(), *_entries(environ, response)]
        auditor.trail.write(state().store, found)
    except Exception:
        log.exception("what was done has no entry in the audit log")


def _entries(environ: WSGIEnvironment, response: Response) -> list[Entry]:
    status, said = environ.pop(_ANSWERED, None) or (response.status_code, None)
    noted = [replace(each, status=status) for each in environ.pop(_NOTED, ())]
    if any(each.outcome != DONE for each in noted):
        return noted
    if status in FORBIDDEN:
        return [*noted, *_refused(environ, status, said or environ.get(auth.REFUSED) or _said(response))]
    act = _act(environ)
    if act is None or auth.PRINCIPAL not in environ:
        return noted
    if status >= 500:
        return [*noted, _of_act(act, FAILED, status, said or _said(response))]
    if status < 400 and not noted and _COMMAND not in environ and not _is_dry_run():
        return [_of_act(act, DONE, status, _whereabouts(response))]
    return noted


def _refused(environ: WSGIEnvironment, status: int, why: str | None) -> list[Entry]:
    """An entry for the first of many that are alike. Nothing of a stranger's body is looked at."""
    act = _act(environ)
    known = _name(environ)
    if act is None:
        made = _entry("request", f"{request.method} {request.path}", outcome=REFUSED, status=status, detail=why)
    else:
        made = _of_act(act, REFUSED, status, why, look=known is not None and status == 403)
    auditor = _auditor()
    if known is None:
        return auditor.of_strangers.note((limits.network_of(environ.get("REMOTE_ADDR", "")), status), made)
    what = (made.action, made.target) if act else "request"
    return auditor.of_keys.note((known, status, what), made)


def _act(environ: WSGIEnvironment) -> Act | None:
    """What the request was to do, if it was to change something."""
    older = environ.get(_COMMAND)
    if older is not None:
        return COMMANDS.get(older[0])
    if request.method in READS or request.endpoint is None:
        return None
    return ACTS.get(request.endpoint) or Act(request.endpoint.rpartition(".")[2], " ".join(_path_values().values()))


def _of_act(act: Act, outcome: str, status: int, detail: str | None, *, look: bool = True) -> Entry:
    values = _Values(_path_values(), look=look)
    after = {name: values.body[name] for name in act.said if name in values.body} or None
    target = act.target.format_map(values)
    return _entry(act.action, target, outcome=outcome, status=status, detail=detail, after=after)


class _Values(dict[str, str]):
    """What the request says by these names: in its path, in its body if that may be looked at, or `?`."""

    def __init__(self, path: Mapping[str, str], *, look: bool) -> None:
        super().__init__(path)
        self._older = request.environ.get(_COMMAND) if look else None
        self.body = _body() if look else {}

    def __missing__(self, name: str) -> str:
        found = self._older[1](name) if self._older else self.body.get(name)
        return found if isinstance(found, str) and found else "?"


def _body() -> dict[str, Any]:
    if not request.is_json or (request.content_length or LARGEST) >= LARGEST:
        return {}
    found = request.get_json(silent=True)
    return found if isinstance(found, dict) else {}


def _path_values() -> dict[str, str]:
    return {name: str(value) for name, value in (request.view_args or {}).items()}


def _entry(action: str, target: str, **said: Any) -> Entry:
    environ = request.environ
    return entry(
        action,
        target,
        key=_name(environ),
        remote=environ.get("REMOTE_ADDR") or None,
        request_id=request_id.current(),
        **said,
    )


def _name(environ: WSGIEnvironment) -> str | None:
    caller = environ.get(auth.PRINCIPAL)
    return caller.name if caller else None


def _said(response: Response) -> str | None:
    """What a problem says of itself."""
    if response.mimetype != "application/problem+json":
        return None
    document = json.loads(response.get_data())
    return "; ".join([document["detail"], *map(str, document.get("steps", ()))])


def _whereabouts(response: Response) -> str | None:
    if idempotency.REPLAYED in response.headers:
        return "The answer of before was given again, and nothing was done."
    return response.headers.get("Location")


def _is_dry_run() -> bool:
    return request.args.get("dry_run") in ma.fields.Boolean.truthy


def _auditor() -> Auditor:
    found: Auditor = current_app.extensions[AUDIT]
    return found
