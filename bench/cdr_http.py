"""`GET /cdr` under load, behind nginx, beside the ORM's way and the old system's."""

from __future__ import annotations

import http.client
from datetime import timedelta
from urllib.parse import urlencode

from bench import load, servers
from bench.cdr_stage import FAST, PYMYSQL, Stage
from bench.report import Report, ratio, say

CONNECTIONS = (1, 8, 32)
ORM, PHP = "ORM", "PHP"
ORM_GOAL, CLOSED_GOAL = 7.0, 12.0
PHP_GOALS = {PYMYSQL: 0.7, FAST: 1.0}
KEY_HEADER = f"Authorization: Bearer {servers.KEY}"


def measure(stage: Stage, report: Report) -> None:
    """The newest 100 at 1, 8 and 32 clients; and a closed range that is asked for again."""
    targets = {
        name: load.Target(port, "/cdr?limit=100", (KEY_HEADER,)) for name, port in _served(stage, report).items()
    }
    end = stage.table.end - timedelta(days=7)
    start = end - timedelta(days=1)
    bounds = {"start": f"{start:%Y-%m-%d}", "end": f"{end:%Y-%m-%d}"}
    closed = f"/cdr?{urlencode({'limit': 100, **bounds})}"
    for driver in stage.pythons:
        port = targets[driver].port
        targets[f"{driver}, closed"] = load.Target(port, closed, (KEY_HEADER,))
        targets[f"{driver}, 304"] = load.Target(port, closed, (KEY_HEADER, f"If-None-Match: {_etag(port, closed)}"))
    if PHP in targets:
        targets[f"{PHP}, closed"] = load.Target(targets[PHP].port, closed)
    for connections in CONNECTIONS:
        _measure(stage, report, targets, connections)


def _served(stage: Stage, report: Report) -> dict[str, int]:
    """Start them, each behind an nginx of its own; their ports."""
    found: dict[str, int] = {}
    for driver, python in stage.pythons.items():
        port, _ = stage.closing.enter_context(servers.api(stage.environ, python))
        found[driver] = stage.closing.enter_context(servers.nginx(stage.folder / driver, "", port))
    port, _ = stage.closing.enter_context(servers.gunicorn("orm", dict(stage.environ)))
    found[ORM] = stage.closing.enter_context(servers.nginx(stage.folder / ORM, "", port))
    place = stage.table.place
    login = {
        "DB_USERNAME": place.user,
        "DB_PASSWORD": place.password,
        "DB_NAME": place.name,
        "DB_PORT": str(place.port),
    }
    try:
        port = stage.closing.enter_context(servers.php(stage.folder / PHP, "old_cdr.php", login))
        _ask(port, "/cdr?limit=1")
        found[PHP] = port
    except (LookupError, ValueError) as error:
        report.skip("beside the old way in PHP", f"{error} (apt install php-fpm php-mysql nginx)")
    return found


def _measure(stage: Stage, report: Report, targets: dict[str, load.Target], connections: int) -> None:
    say(f"GET /cdr, {connections} connections ...")
    loads = load.put_in_turn(targets, connections, stage.rounds, stage.seconds)
    rates = {name: [each.rate for each in found] for name, found in loads.items()}
    label = f"{connections} clients" if connections > 1 else "1 client"
    for driver in stage.pythons:
        what = f"GET /cdr, {label}, {driver}: rate beside"
        report.at_least(f"{what} the ORM and marshmallow", ratio(rates[driver], rates[ORM]), ORM_GOAL)
        if PHP in rates:
            report.at_least(f"{what} the old way in PHP", ratio(rates[driver], rates[PHP]), PHP_GOALS[driver])
        for again, words in (("closed", "from memory"), ("304", "304")):
            ours, first = rates[f"{driver}, {again}"], rates[driver]
            what = f"GET /cdr, {label}, {driver}: a closed range again, {words}, rate beside"
            if PHP in rates:
                report.at_least(f"{what} PHP", ratio(ours, rates[f"{PHP}, closed"]), CLOSED_GOAL)
            report.note(f"{what} our first answer", f"{ratio(ours, first):.2f} x", ratio(ours, first))
    for name, found in loads.items():
        report.note(f"{label}, {name}: requests/s, p50, p99", load.speed(found))
    report.samples[f"GET /cdr, {label}"] = load.samples(loads)


def _etag(port: int, path: str) -> str:
    found = _ask(port, path).headers["ETag"]
    assert isinstance(found, str)
    return found


def _ask(port: int, path: str) -> http.client.HTTPResponse:
    """Raises ValueError for an answer that is not 200."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", path, headers={"Authorization": f"Bearer {servers.KEY}"})
    response = connection.getresponse()
    response.read()
    connection.close()
    if response.status != 200:
        raise ValueError(f"{path} answers {response.status}")
    return response
