"""What describes the API, open to everybody: the OpenAPI document, a page to read it on, and a page a kind of problem.

The page is Swagger UI as the package flask-swagger-ui brings it. All that it loads comes from this application; its
Content-Security-Policy keeps a browser from asking anybody else. Links are relative, so that any mount path works.
"""

from __future__ import annotations

from html import escape
from importlib.resources import files

from flask import Blueprint, Response, current_app, redirect, request, send_from_directory
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as BaseResponse

from pbxapi.http.body import respond
from pbxapi.http.problem_kinds import KINDS

blueprint = Blueprint("docs", __name__)

ASSETS = frozenset({"index.css", "swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"})
_A_DAY = 24 * 3600
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>pbxapi</title>
<link rel="stylesheet" href="docs/index.css">
<link rel="stylesheet" href="docs/swagger-ui.css">
<link rel="icon" type="image/png" href="docs/favicon-32x32.png">
</head>
<body>
<div id="swagger-ui"></div>
<noscript>This page needs JavaScript; <a href="openapi.json">openapi.json</a> says the same without.</noscript>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""
_START = """\
SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#swagger-ui",
  validatorUrl: null,
  deepLinking: true,
  displayRequestDuration: true,
  tryItOutEnabled: true,
});
"""


@blueprint.get("/openapi.json")
def openapi() -> Response:
    """Give the OpenAPI document, its server being where this application is mounted."""
    return respond(current_app.extensions["pbxapi.api"].encoded(request.root_path))


@blueprint.get("/docs")
def page() -> Response:
    """Give the page."""
    response = Response(_PAGE, content_type="text/html; charset=utf-8")
    return _guarded(response)


@blueprint.get("/docs/")
def page_with_slash() -> BaseResponse:
    """Lead to the page, whose relative links would be wrong here."""
    return redirect("../docs", 308)


@blueprint.get("/docs/start.js")
def start() -> Response:
    """Give the script that starts it: the policy forbids scripts inside of the page."""
    return _guarded(Response(_START, content_type="text/javascript; charset=utf-8"))


@blueprint.get("/docs/<name>")
def asset(name: str) -> Response:
    """Give one of Swagger UI's own files."""
    if name not in ASSETS:
        raise NotFound
    folder = str(files("flask_swagger_ui") / "dist")
    return _guarded(send_from_directory(folder, name, max_age=_A_DAY))


@blueprint.get("/problems/<slug>")
def problem(slug: str) -> Response:
    """Explain the kind of problem whose `type` this path is."""
    kind = KINDS.get(slug)
    if kind is None:
        raise NotFound
    text = f"<!doctype html>\n<title>{kind.title}</title>\n<h1>{kind.title}</h1>\n<p>{escape(kind.meaning)}</p>\n"
    text += f"<p>Comes with the HTTP status {kind.status}.</p>\n"
    return _guarded(Response(text, content_type="text/html; charset=utf-8"))


def _guarded(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response
