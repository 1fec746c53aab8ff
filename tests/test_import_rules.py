"""Who may import whom: the layers hold as long as this passes."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "pbxapi"
FILES = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.py"))

# What both interfaces may import: of the exchange only what it can do and answers with, and what names look like.
SEEN_BY_BOTH = (
    "pbx.interfaces",
    "pbx.history",
    "pbx.plan",
    "pbx.provisioning",
    "pbx.call_policy",
    "pbx.extension_checks",
    "pbx.host_state",
    "pbx.live",
    "pbx.queueing",
    "pbx.queue_checks",
    "pbx.voicemail",
    "pbx.follow_me_numbers",
    "pbx.text",
    "store",
    "store.*",
    "errors",
    "settings",
    "request_id",
    "scopes",
)
# Which of our own modules the files of a part may import, as patterns; a part may always import itself.
# The first row whose pattern fits a file counts.
LAYERS = {
    "errors.py": (),
    "request_id.py": (),
    "scopes.py": (),
    "variables.py": (),
    "settings.py": ("variables",),
    "environment.py": ("settings",),
    "logs.py": ("settings", "request_id"),
    "ami/*": (),
    "db/*": ("errors", "settings"),
    "store/*": ("db.*", "errors", "scopes", "pbx.call_policy", "pbx.interfaces", "pbx.history", "pbx.provisioning"),
    "pbx/*": ("ami", "ami.*", "db.*", "errors"),
    "drivers/*": ("pbx.*", "ami", "ami.*", "db.*", "store", "store.*", "settings", "errors", "request_id"),
    "http/problems.py": ("ami.errors", "errors", "request_id"),
    "http/*": (*SEEN_BY_BOTH, "variables", "logs", "metrics"),
    "legacy/*": (*SEEN_BY_BOTH, "http.*", "metrics"),
    "app.py": (
        "http.*",
        "legacy",
        "legacy.*",
        "drivers.*",
        "pbx.interfaces",
        "store",
        "store.*",
        "settings",
        "logs",
        "metrics",
        "tracing",
    ),
    # The commands stand above the application.
    "*": ("*",),
}
# What comes from elsewhere, and the parts that may import it; what is not named here, nobody may.
OTHERS = {
    "flask": ("app.py", "http/*", "legacy/*", "metrics.py", "tracing.py", "serve.py", "demo/command.py"),
    "flask_cors": ("http/*",),
    "cryptography": ("http/sealing.py",),
    "flask_smorest": ("http/*",),
    "apispec": ("http/*",),
    "webargs": ("http/*",),
    "marshmallow": ("http/*",),
    "itsdangerous": ("http/*",),
    "psycopg": ("store/postgresql.py",),
    "redis": ("http/shared_rates.py",),
    "prometheus_client": ("metrics.py", "metrics_folder.py", "http/*", "serve.py"),
    "opentelemetry": ("tracing.py",),
    "psutil": ("pbx/*",),
    "werkzeug": ("http/*", "legacy/*", "demo/command.py"),
    "_typeshed": ("*",),
    "pymysql": ("db/*",),
    "sqlalchemy": ("db/*", "store/*", "pbx/*", "metrics.py"),
    "alembic": ("store/*", "migrate.py"),
    "requests": ("pbx/*",),
    "dotenv": ("environment.py",),
    "gunicorn": ("serve.py", "serve_worker.py", "demo/*"),
    # Of the standard library, what only some may have.
    "socket": ("ami/*", "serve_worker.py", "demo/*"),
    "ssl": ("ami/*",),
    "subprocess": ("pbx/*", "demo/*"),
}


def fits(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def imported(file: str) -> Iterator[str]:
    """Every module that a file imports, also inside of functions and for the type checker alone."""
    for node in ast.walk(ast.parse((ROOT / file).read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: a relative import"
            assert node.module is not None
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            # `from pbxapi.pbx import peers` imports a module, `from pbxapi.errors import NotFound` a name of one.
            yield from (name if is_module(name) else node.module for name in names)


def is_module(name: str) -> bool:
    path = ROOT.parent.joinpath(*name.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


def ours(name: str, file: str) -> bool:
    allowed = next(patterns for part, patterns in LAYERS.items() if fnmatchcase(file, part))
    folder, slash, _ = file.partition("/")
    return bool(slash and f"{name}.".startswith(f"{folder}.")) or fits(name, allowed)


@pytest.mark.parametrize("file", FILES)
def test_a_file_imports_only_what_its_layer_may(file: str) -> None:
    wrong = []
    for name in imported(file):
        top, _, rest = name.partition(".")
        if top == "pbxapi":
            allowed = not rest or ours(rest, file)
        elif top in OTHERS:
            allowed = fits(file, OTHERS[top])
        else:
            allowed = top in sys.stdlib_module_names
        if not allowed:
            wrong.append(name)
    assert wrong == []


def test_the_rules_see_what_they_are_for() -> None:
    assert not ours("drivers.asterisk", "http/peers.py")
    assert not ours("ami.client", "http/peers.py")
    assert not ours("ami.errors", "http/peers.py")
    assert ours("ami.errors", "http/problems.py")
    assert not ours("errors", "ami/client.py")
    assert not ours("settings", "pbx/peers.py")
    assert not ours("http.auth", "pbx/peers.py")
    assert not fits("pbx/peers.py", OTHERS["flask"])
    assert "pbxapi.ami.errors" in set(imported("http/problems.py"))
    assert "pbxapi.errors" in set(imported("http/problems.py"))
