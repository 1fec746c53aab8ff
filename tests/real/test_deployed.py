"""What is installed in production, as it is shipped: the wheel, and the files of deploy/ for nginx and systemd."""

from __future__ import annotations

import os
import signal
import socket
import ssl
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pbxapi.demo.history import make_history
from pbxapi.demo.history_paths import database_path, queue_log_path, recordings_path
from pbxapi.serve import THREADS
from tests.real.api import KEY, Api
from tests.real.certificate import make_certificate
from tests.real.deadline import eventually
from tests.real.deployed import Deployed, Layout, Nginx, Service, Through, install
from tests.real.exchange import Exchange, start_demo

# Some of the conformance tests of both interfaces, here through nginx, by the fixtures `_exchange` and `api` below.
from tests.real.test_live_resources import (  # noqa: F401
    talking,
    test_a_blind_transfer_sends_the_party_on_and_releases_the_other,
    test_a_channel_can_be_hung_up_with_a_cause,
    test_a_small_collection_can_be_paged,
    test_live_reads_carry_an_age_and_an_etag,
    test_no_password_leaves_the_process,
    test_what_is_not_there_is_404,
)
from tests.real.test_placing_calls import (  # noqa: F401
    test_a_call_is_followed_from_queued_to_completed,
    test_a_call_that_is_hung_up_before_the_answer_is_canceled,
    test_variables_and_caller_id_arrive_as_they_were_sent,
    test_what_may_not_be_dialled_is_refused_and_nothing_rings,
)
from tests.real.test_shim import *  # noqa: F403
from tests.things_recordings import put, wav

SOUND = wav(60)
CLIENTS = 64


@pytest.fixture(scope="module")
def _exchange() -> Iterator[Exchange]:
    with start_demo() as demo:
        yield demo


@pytest.fixture(params=["own", "below"])
def api(request: pytest.FixtureRequest, exchange: Exchange, deployed: Deployed) -> Api:
    return Api(Through(deployed, getattr(deployed, request.param)))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def deployed(nginx: Path, _exchange: Exchange, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    folder = tmp_path_factory.mktemp("deployed")
    past = folder / "past"
    past.mkdir()
    make_history(past, seed=1, until=datetime.now(UTC), zone=UTC, days=60)
    put(recordings_path(past), data=SOUND)
    make_certificate(folder)
    layout = Layout(folder, install(folder), recordings_path(past))
    layout.write(
        KEY,
        AMI_PORT=str(_exchange.ami_port), AMI_USERNAME="demo", AMI_SECRET="demo", LIVE_TTL="0", PBX_TIMEZONE="UTC",
        CDR_DATABASE_URL=f"sqlite:///{database_path(past)}", RECORDINGS_PATH=str(recordings_path(past)),
        QUEUE_LOG_PATH=str(queue_log_path(past)), RATE_LIMIT_KEY="off", RATE_LIMIT_ADDRESS="off",
    )  # fmt: skip
    with closing(Service(layout)) as service:
        service.run("migrate")
        service.start()
        with closing(Nginx(nginx, layout)) as server:
            found = Deployed(layout, service, server)
            eventually(found.answers, "it serves", seconds=20)
            yield found


def test_plain_http_leads_to_tls_and_a_post_stays_one(deployed: Deployed) -> None:
    answer = deployed.ask(f"http://localhost:{deployed.layout.ports[0]}/calls?x=1", "POST")
    assert (answer.status_code, answer.headers["Location"]) == (308, "https://localhost/calls?x=1")


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_no_tls_is_older_than_1_2(deployed: Deployed) -> None:
    context = ssl.create_default_context(cafile=str(deployed.layout.folder / "ca.pem"))
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(ssl.SSLError), ssl_connection(deployed, context):
        pass
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with ssl_connection(deployed, context) as secured:
        cipher = secured.cipher()
    assert cipher is not None
    assert cipher[0].startswith("ECDHE-")


def ssl_connection(deployed: Deployed, context: ssl.SSLContext) -> ssl.SSLSocket:
    return context.wrap_socket(
        socket.create_connection(("127.0.0.1", deployed.layout.ports[1]), timeout=10), server_hostname="localhost"
    )


def test_answers_name_no_version_and_forbid_plain_http(deployed: Deployed) -> None:
    headers = deployed.ask(f"{deployed.own}/peers").headers
    assert headers["Server"] == "nginx"
    assert headers["Strict-Transport-Security"] == "max-age=31536000"
    assert headers["X-Content-Type-Options"] == "nosniff"


def test_below_a_path_every_link_has_it(deployed: Deployed) -> None:
    placed = deployed.ask(f"{deployed.below}/calls", "POST", json={"from": "100", "to": "102"})
    assert placed.headers["Location"].startswith("/pbx/calls/")
    assert deployed.ask(deployed.below.removesuffix("/pbx") + placed.headers["Location"]).ok
    assert deployed.ask(f"{deployed.below}/peers?limit=1").headers["Link"].startswith("</pbx/peers?")
    assert deployed.ask(f"{deployed.below}/openapi.json").json()["servers"] == [{"url": "/pbx"}]
    assert deployed.ask(f"{deployed.own}/openapi.json").json()["servers"] == [{"url": "/"}]
    assert deployed.ask(f"{deployed.below}/docs").ok
    assert deployed.ask(f"{deployed.below}/docs/swagger-ui.css").ok
    assert deployed.ask(f"{deployed.below}/agents/PJSIP%2F100").json()["agent"] == "100"


def test_the_older_addresses_are_ours_and_other_pages_are_theirs(deployed: Deployed) -> None:
    theirs = deployed.below.removesuffix("/pbx")
    for path in ("/api.php", "/api/api.php", "/pbx/api.php", "/pbx/api/api.php"):
        assert deployed.ask(f"{theirs}{path}?cmd=sippeers").json()[0]["Event"] == "EndpointList"
        assert deployed.ask(f"{deployed.own}{path.removeprefix('/pbx')}?cmd=sippeers").ok
    assert deployed.ask(f"{theirs}/admin/config.php").status_code == 403
    assert deployed.ask(f"{theirs}/").text == "theirs"


def test_what_a_client_says_of_itself_is_not_believed(deployed: Deployed) -> None:
    said = {"X-Forwarded-For": "192.0.2.66", "X-Forwarded-Prefix": "/evil", "X-Forwarded-Host": "evil"}
    answer = deployed.ask(f"{deployed.own}/openapi.json", headers={**said, "X-Request-ID": "mine-1"})
    assert answer.json()["servers"] == [{"url": "/"}]
    assert answer.headers["X-Request-ID"] == "mine-1"
    (line,) = eventually(lambda: [line for line in deployed.logged() if line["request_id"] == "mine-1"], "it is logged")
    assert line["remote"] == "127.0.0.1"


def test_a_body_that_is_too_large_is_refused_in_the_same_words_as_by_pbxapi(deployed: Deployed) -> None:
    headers = {"Content-Type": "application/json"}
    fits = deployed.ask(f"{deployed.own}/calls", "POST", data=b"x" * (4 << 20), headers=headers)
    assert fits.status_code == 400
    for url in (deployed.own, deployed.below):
        answer = deployed.ask(f"{url}/calls", "POST", data=b"x" * ((4 << 20) + 1), headers=headers)
        assert (answer.status_code, answer.headers["Content-Type"]) == (413, "application/problem+json")
        assert answer.json()["type"] == "/problems/too-large"
        assert answer.json()["request_id"] == answer.headers["X-Request-ID"]


@pytest.mark.parametrize("site", ["own", "below"])
def test_nginx_sends_recordings_by_itself(deployed: Deployed, site: str) -> None:
    url = getattr(deployed, site)
    items = deployed.ask(f"{url}/recordings?scan=true&limit=200").json()["items"]
    (mine,) = [item["id"] for item in items if item.get("size", len(SOUND)) == len(SOUND)][:1]
    path = f"{url}/recordings/{mine}"
    whole = deployed.ask(path)
    assert whole.content == SOUND
    assert "X-Accel-Redirect" not in whole.headers
    part = deployed.ask(path, headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, SOUND[100:200])
    head = deployed.ask(path, "HEAD")
    assert (head.headers["Content-Length"], head.headers["ETag"]) == (str(len(SOUND)), whole.headers["ETag"])
    assert deployed.ask(path, headers={"If-None-Match": whole.headers["ETag"]}).status_code == 304
    # nginx's own ETag, of a file that no worker had to read.
    assert not whole.headers["X-Request-ID"].startswith(",")
    outside = url.removesuffix("/pbx")
    assert deployed.ask(f"{outside}/_pbxapi_recordings/").status_code == 404


def test_an_export_is_passed_on_as_it_is_made(deployed: Deployed) -> None:
    spooled = deployed.layout.folder / "spooled"
    url = f"{deployed.own}/cdr?format=ndjson&start={datetime.now(UTC) - timedelta(60):%Y-%m-%d}"
    with deployed.ask(url, stream=True) as answer:
        assert answer.status_code == 200
        size = sum(len(chunk) for chunk in answer.iter_content(65536))
        assert answer.headers.get("Transfer-Encoding") == "chunked"
    assert size > 2 << 20, "more than nginx keeps in memory"
    assert [found for found in spooled.rglob("*") if found.is_file()] == []
    assert "buffered to a temporary file" not in (deployed.layout.folder / "nginx.log").read_text()


def test_a_reload_drops_no_request_and_reads_the_configuration_again(deployed: Deployed) -> None:
    environ = deployed.layout.folder / ".env"
    before = environ.read_text()
    load = deployed.load()
    with load.running(CLIENTS):
        environ.write_text(before + "\nCORS_ALLOWED_ORIGINS=https://crm.example\n")
        deployed.service.reload()
        assert allowed(deployed) == "https://crm.example"
        # One that cannot be used changes nothing.
        environ.write_text(before + "\nAMI_PORT=none\n")
        deployed.service.reload()
        assert allowed(deployed) == "https://crm.example"
        environ.write_text(before)
    assert load.answered() > CLIENTS
    assert (load.failed(), load.faults) == (0, [])
    assert "AMI_PORT" in (deployed.layout.folder / "log/pbxapi.log").read_text()


def allowed(deployed: Deployed) -> str:
    return deployed.ask(f"{deployed.own}/api.php?cmd=sippeers").headers["Access-Control-Allow-Origin"]


def test_a_restart_and_a_worker_that_is_told_to_end_drop_no_request(deployed: Deployed) -> None:
    load = deployed.load()
    with load.running(CLIENTS):
        deployed.service.stop()
        deployed.service.start()
        eventually(lambda: load.answered() > CLIENTS, "they are served", seconds=20)
        last = deployed.service.workers()[0]
        os.kill(last, signal.SIGTERM)
        eventually(lambda: last not in deployed.service.workers(), "the worker has ended", seconds=40)
    assert (load.failed(), load.faults) == (0, [])


def test_a_worker_that_is_killed_takes_only_what_it_served_with_it_and_no_change_is_sent_twice(
    deployed: Deployed,
) -> None:
    before = len(deployed.logged())
    load = deployed.load()
    with load.running(CLIENTS):
        eventually(lambda: load.answered() > CLIENTS, "they are served", seconds=20)
        killed = deployed.service.workers()[0]
        os.kill(killed, signal.SIGKILL)
        eventually(lambda: killed not in deployed.service.workers(), "it is gone", seconds=20)
        eventually(lambda: len(deployed.service.workers()) == 2, "there is another", seconds=20)
    assert sum(count for (method, status), count in load.seen.items() if method == "GET" and status >= 500) == 0
    # An answer of which the client has a part already is cut short, whatever nginx does.
    assert [fault for fault in load.faults if "IncompleteRead" not in fault] == []
    assert load.failed() <= THREADS, "no more than one worker served"
    posts = [line for line in deployed.logged()[before:] if line["method"] == "POST"]
    assert len(posts) <= sum(count for (method, _), count in load.seen.items() if method == "POST")


def test_a_reload_of_nginx_loses_nothing_that_was_served(deployed: Deployed) -> None:
    before = len(deployed.logged())
    load = deployed.load()
    with load.running(CLIENTS):
        eventually(lambda: load.answered() > CLIENTS, "they are served", seconds=20)
        deployed.nginx.reload()
        served = load.answered()
        eventually(lambda: load.answered() > served + 4 * CLIENTS, "they are served", seconds=20)
    # nginx closes idle connections then, and a client that is about to use one has to connect again: it was not read.
    answered = sum(count for (_, status), count in load.seen.items() if status)
    assert sum(count for (_, status), count in load.seen.items() if status >= 500) == 0
    assert len(deployed.logged()[before:]) == answered


def test_what_is_under_way_is_finished_by_a_worker_that_ends(deployed: Deployed) -> None:
    url = f"{deployed.own}/cdr?format=ndjson&start={datetime.now(UTC) - timedelta(60):%Y-%m-%d}"
    whole = len(deployed.ask(url).content)
    with deployed.ask(url, stream=True) as answer:
        chunks = answer.iter_content(65536)
        size = len(next(chunks))
        before = deployed.service.workers()
        deployed.service.signal(signal.SIGHUP)
        eventually(lambda: set(deployed.service.workers()) - set(before), "there are new workers", seconds=20)
        size += sum(map(len, chunks))
    assert size == whole
    eventually(lambda: not set(before) & set(deployed.service.workers()), "the old ones have ended", seconds=40)


def test_while_nothing_listens_nginx_says_so_as_problem_details(deployed: Deployed) -> None:
    socket = deployed.layout.folder / "pbxapi.sock"
    socket.rename(socket.with_suffix(".away"))
    try:
        for url, method in ((deployed.own, "GET"), (deployed.below, "POST")):
            answer = deployed.ask(f"{url}/calls", method)
            assert (answer.status_code, answer.headers["Content-Type"]) == (503, "application/problem+json")
            assert answer.json()["type"] == "/problems/unavailable"
            assert int(answer.headers["Retry-After"]) > 0
    finally:
        socket.with_suffix(".away").rename(socket)
