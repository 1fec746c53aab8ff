"""The older interface on its paths: the key, the command, the envelope. Whatever happens is answered here."""

from __future__ import annotations

import logging
from urllib.parse import quote

from flask import Blueprint, Flask, Response, current_app, request
from werkzeug.exceptions import HTTPException

from pbxapi.http import audit
from pbxapi.http.auth import KeyRefused, Principal, ScopeLacking, admit
from pbxapi.http.body import PATH_SAFE
from pbxapi.http.context import state
from pbxapi.legacy import cdr_report, envelope, extensions, follow_me, queues, recordings, system  # noqa: F401 (they add commands)
from pbxapi.legacy.commands import COMMANDS, Asked, Command, Text
from pbxapi.legacy.envelope import Failure
from pbxapi.legacy.parameters import Parameters
from pbxapi.legacy.usage import Usage
from pbxapi.metrics import ROUTE

log = logging.getLogger("pbxapi.legacy")

blueprint = Blueprint("legacy", __name__)

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
USAGE = "pbxapi.legacy_usage"


def register(app: Flask) -> None:
    """Serve the older interface."""
    app.extensions[USAGE] = Usage()
    # What still calls what, and why a key was refused, is asked for on installations that log errors only.
    log.setLevel(logging.INFO)
    app.register_blueprint(blueprint)


@blueprint.before_app_request
def root() -> Response | None:
    """Take `/?cmd=`; the bare `/` is not ours."""
    return answer() if request.path == "/" and "cmd" in request.args else None


@blueprint.route("/api.php", methods=METHODS)
@blueprint.route("/api/api.php", methods=METHODS)
def answer() -> Response:
    """Answer, whatever comes of it. The older system never looked at the method."""
    name = request.args.get("cmd", "")
    command = COMMANDS.get(name)
    request.environ[ROUTE] = f"?cmd={command.name if command else 'unknown'}"
    if "Access-Control-Request-Method" in request.headers and request.method == "OPTIONS":
        response = _preflight()
    else:
        classic = state().settings.legacy.mode == "classic"
        try:
            response = _serve(command, name, classic=classic)
        except Exception as error:
            found = envelope.understood(error, name)
            audit.answered(found.status, str(error.description) if isinstance(error, HTTPException) else found.text)
            response = envelope.failure(found, classic=classic)
    _mark(response, command)
    return response


def _serve(command: Command | None, name: str, *, classic: bool) -> Response:
    if classic and "cmd" not in request.args:
        raise Failure(400, "cmd parameter is required", classic="test")
    caller = _caller()
    if not name and not classic:
        raise Failure(400, "cmd parameter is required")
    given = Parameters(request)
    audit.command(name, given.text)
    if command is None:
        raise Failure(404, f"Unknown command: {name}", classic="cmd not matched")
    usage: Usage = current_app.extensions[USAGE]
    usage.count(caller.name, command.name, command.successor)
    if caller.scopes.isdisjoint((command.scope, *command.others)):
        raise ScopeLacking(caller, command.scope, *command.others)
    asked = Asked(state().pbx, state().settings, given, caller.name, request.remote_addr or "")
    result = command.function(asked)
    if isinstance(result, Response):
        return result
    return envelope.plain(result) if isinstance(result, Text) else envelope.success(result)


def _caller() -> Principal:
    try:
        return admit(request.environ)
    except KeyRefused as error:
        log.info("no access from %s: %s", request.remote_addr, error.reason)
        if "Authorization" in request.headers or "X-API-Key" in request.headers:
            raise
        headers = {"WWW-Authenticate": error.challenge}
        raise Failure(401, "Unauthorized", classic="key not found", headers=headers) from None


def _preflight() -> Response:
    """A browser asks before it sends the header with the key, and sends none with the question."""
    headers = {
        "Access-Control-Allow-Methods": ", ".join(METHODS),
        "Access-Control-Allow-Headers": "Authorization, Content-Type, X-API-Key",
        "Access-Control-Max-Age": "600",
    }
    return Response(status=204, headers=headers)


def _mark(response: Response, command: Command | None) -> None:
    """Say on every answer that this interface is old, and what takes its place."""
    successor = quote(request.root_path + (command.successor if command else "/docs"), safe=PATH_SAFE)
    response.headers["Deprecation"] = "true"
    response.headers["Link"] = f'<{successor}>; rel="successor-version"'
    response.headers["Cache-Control"] = "no-store"
    allowed = [origin.strip() for origin in state().settings.legacy.cors_origins.split(",")]
    origin = request.headers.get("Origin") if len(allowed) > 1 else allowed[0]
    if origin in allowed or "*" in allowed:
        response.headers["Access-Control-Allow-Origin"] = "*" if "*" in allowed else origin
    if len(allowed) > 1:
        response.headers["Vary"] = "Origin"
