from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, Engine, create_engine, text

from pbxapi.db.platform_tables import metadata
from pbxapi.db.schema import Schema, SchemaLook, look
from pbxapi.pbx.numbers_in_use import mentions, taken

MORE = (
    "CREATE TABLE miscdests (id INTEGER PRIMARY KEY, description VARCHAR(100), destdial VARCHAR(100))",
    "CREATE TABLE queueprio (queueprio_id INTEGER PRIMARY KEY, description VARCHAR(50), dest VARCHAR(255))",
    "CREATE TABLE dynroute_dests (dynroute_id INTEGER, selection VARCHAR(255), dest VARCHAR(50))",
    "CREATE TABLE outbound_routes (route_id INTEGER PRIMARY KEY, name VARCHAR(40), dest VARCHAR(255))",
    "CREATE TABLE tts (tts_id INTEGER PRIMARY KEY, tts_description VARCHAR(250), dest VARCHAR(250))",
    "CREATE TABLE custom_destinations (custom_dest VARCHAR(80), description VARCHAR(250))",
)
"""Tables that only some exchanges have; the rest is FreePBX 17 with what Issabel has beside."""

OWNED = {
    "INSERT INTO users (extension, name) VALUES ('N', 'Alice')": "extension N (Alice)",
    "INSERT INTO users (extension, name, sipname) VALUES ('1', 'Alice', 'N')": "the SIP alias N (Alice)",
    "INSERT INTO devices (id, tech, description) VALUES ('N', 'sip', 'Desk')": "device N (Desk)",
    "INSERT INTO queues_config (extension, descr) VALUES ('N', 'Support')": "queue N (Support)",
    "INSERT INTO ringgroups (grpnum, strategy, grptime, grplist, description) VALUES ('N', 'x', 9, '1', 'Sales')":
        "ring group N (Sales)",
    "INSERT INTO meetme (exten, description) VALUES ('N', '')": "conference N",
    "INSERT INTO paging_config (page_group, description) VALUES ('N', 'All')": "page group N (All)",
    "INSERT INTO parkplus (parkext, parkpos, name) VALUES ('N', '71', 'Lot')": "parking lot N (Lot)",
    "INSERT INTO parkplus (parkext, parkpos, numslots, name) VALUES ('70', 'N', 1, 'Lot')":
        "a place of parking lot 70 (Lot)",
    "INSERT INTO vmblast (grpnum, description, password) VALUES (N, 'Everybody', '')":
        "voicemail blast group N (Everybody)",
    "INSERT INTO custom_extensions (custom_exten, description) VALUES ('N', 'Fax')": "custom extension N (Fax)",
    "INSERT INTO miscapps (ext, description) VALUES ('N', 'Weather')": "misc application N (Weather)",
    "INSERT INTO featurecodes (modulename, featurename, description, defaultcode, enabled)"
    " VALUES ('core', 'x', 'Echo', 'N', 1)": "feature code N (Echo)",
    "INSERT INTO featurecodes (modulename, featurename, description, defaultcode, customcode, enabled)"
    " VALUES ('core', 'x', 'Echo', '*43', 'N', 1)": "feature code N (Echo)",
}  # fmt: skip

COLUMNS = "grpnum, strategy, grptime, description, postdest, grplist"
RING_GROUP = f"INSERT INTO ringgroups ({COLUMNS}) VALUES ('600', 'x', 9, 'Sales', "
MENTIONING = {
    "INSERT INTO incoming (extension, cidnum, destination) VALUES ('5551234', '', 'D')": "inbound route 5551234",
    "INSERT INTO incoming (extension, description, destination) VALUES ('', 'rest', 'D')": "inbound route any (rest)",
    "INSERT INTO ivr_details (id, name, invalid_destination) VALUES (3, 'Main', 'D')": "IVR 3 (Main), invalid key",
    "INSERT INTO ivr_details (id, name, timeout_destination) VALUES (3, 'Main', 'D')": "IVR 3 (Main), no key",
    "INSERT INTO ivr_entries (ivr_id, selection, dest) VALUES (4, '2', 'D')": "IVR 4 (Other), key 2",
    RING_GROUP + "'D', '1')": "ring group 600 (Sales), no answer",
    RING_GROUP + "'', '1-N-2')": "ring group 600 (Sales)",
    RING_GROUP + "'', 'N#')": "ring group 600 (Sales)",
    "INSERT INTO queues_config (extension, descr, dest) VALUES ('400', 'Support', 'D')":
        "queue 400 (Support), fail-over",
    "INSERT INTO queues_config (extension, destcontinue) VALUES ('400', 'D')": "queue 400, continue",
    "INSERT INTO timeconditions (timeconditions_id, displayname, truegoto) VALUES (1, 'Day', 'D')":
        "time condition 1 (Day), matching",
    "INSERT INTO timeconditions (timeconditions_id, displayname, falsegoto) VALUES (1, 'Day', 'D')":
        "time condition 1 (Day), not matching",
    "INSERT INTO announcement (announcement_id, description, post_dest) VALUES (5, 'Hello', 'D')":
        "announcement 5 (Hello)",
    "INSERT INTO findmefollow (grpnum, grplist, postdest) VALUES ('1', '1', 'D')": "follow-me of 1, no answer",
    "INSERT INTO findmefollow (grpnum, grplist) VALUES ('1', '1-N')": "follow-me of 1",
    "INSERT INTO users (extension, name, noanswer_dest) VALUES ('1', 'Al', 'D')": "extension 1 (Al), no answer",
    "INSERT INTO users (extension, name, busy_dest) VALUES ('1', 'Al', 'D')": "extension 1 (Al), busy",
    "INSERT INTO users (extension, name, chanunavail_dest) VALUES ('1', 'Al', 'D')": "extension 1 (Al), not reachable",
    "INSERT INTO miscdests (id, description, destdial) VALUES (1, 'Boss', 'N')": "misc destination 1 (Boss)",
    "INSERT INTO miscapps (ext, description, dest) VALUES ('88', 'Boss', 'D')": "misc application 88 (Boss)",
    "INSERT INTO paging_groups (page_number, ext) VALUES ('70', 'N')": "page group 70",
    "INSERT INTO vmblast_groups (grpnum, ext) VALUES ('500', 'N')": "voicemail blast group 500",
    "INSERT INTO daynight (ext, dmode, dest) VALUES ('0', 'day', 'D')": "call flow control 0",
    "INSERT INTO parkplus (parkext, parkpos, dest) VALUES ('70', '71', 'D')": "parking lot 70, time out",
    "INSERT INTO setcid (cid_id, description, dest) VALUES (1, 'Us', 'D')": "caller id 1 (Us)",
    "INSERT INTO languages (language_id, description, dest) VALUES (1, 'es', 'D')": "language 1 (es)",
    "INSERT INTO callback (callback_id, description, destination) VALUES (1, 'Me', 'D')": "callback 1 (Me)",
    "INSERT INTO queueprio (queueprio_id, description, dest) VALUES (1, 'VIP', 'D')": "queue priority 1 (VIP)",
    "INSERT INTO dynroute_dests (dynroute_id, selection, dest) VALUES (1, 'a', 'D')": "dynamic route 1",
    "INSERT INTO outbound_routes (route_id, name, dest) VALUES (1, 'Out', 'D')": "outbound route 1 (Out), congestion",
    "INSERT INTO tts (tts_id, tts_description, dest) VALUES (1, 'Hi', 'D')": "text to speech 1 (Hi)",
    "INSERT INTO custom_destinations (custom_dest, description) VALUES ('D', 'Own')":
        "custom destination ext-local,200,1 (Own)",
}  # fmt: skip


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    with engine.begin() as connection:
        for statement in MORE:
            connection.exec_driver_sql(statement)
        connection.exec_driver_sql("INSERT INTO ivr_details (id, name) VALUES (4, 'Other')")
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def schema(engine: Engine) -> Schema:
    return SchemaLook(engine).now()


@pytest.fixture
def connection(engine: Engine) -> Iterator[Connection]:
    """Whose rows are gone after the test."""
    with engine.connect() as connection:
        yield connection


def run(connection: Connection, statement: str, number: str = "200", destination: str = "ext-local,200,1") -> None:
    """Run it with `N` for the number and `D` for the place."""
    connection.exec_driver_sql(statement.replace("'N'", f"'{number}'").replace("(N,", f"({number},")
                               .replace("-N", f"-{number}").replace("'N#", f"'{number}#")
                               .replace("'D'", f"'{destination}'"))  # fmt: skip


@pytest.mark.parametrize("statement", OWNED)
def test_a_number_that_something_has_is_taken(connection: Connection, schema: Schema, statement: str) -> None:
    run(connection, statement)
    assert taken(connection, schema, ["199", "200", "201", "20"]) == {"200": OWNED[statement].replace("N", "200")}


def test_nothing_is_taken_or_mentioned_in_an_empty_exchange(connection: Connection, schema: Schema) -> None:
    for numbers in (["200"], []):
        assert not taken(connection, schema, numbers)
        assert not mentions(connection, schema, numbers)


@pytest.mark.parametrize(
    "unlike",
    [
        "UPDATE featurecodes SET enabled = 0",
        "UPDATE featurecodes SET customcode = '*1'",
        "INSERT INTO modules (modulename, enabled) VALUES ('core', 0)",
    ],
)
def test_a_feature_code_that_is_off_takes_no_number(connection: Connection, schema: Schema, unlike: str) -> None:
    run(connection, next(statement for statement in OWNED if "featurecodes" in statement))
    run(connection, unlike)
    assert taken(connection, schema, ["200"]) == {}


def test_an_empty_custom_code_is_none(connection: Connection, schema: Schema) -> None:
    run(connection, next(statement for statement in OWNED if "featurecodes" in statement))
    run(connection, "UPDATE featurecodes SET customcode = ''")
    assert taken(connection, schema, ["200"]) == {"200": "feature code 200 (Echo)"}


def test_the_places_of_a_parking_lot_are_taken_from_the_first_to_the_last(
    connection: Connection, schema: Schema
) -> None:
    run(connection, "INSERT INTO parkplus (parkext, parkpos, numslots, name) VALUES ('70', '71', 8, 'Lot')")
    run(connection, "INSERT INTO parkplus (parkext, parkpos, numslots, name) VALUES ('90', '', 8, 'Broken')")
    numbers = [str(number) for number in range(60, 100)]
    assert sorted(taken(connection, schema, numbers)) == [str(n) for n in [*range(70, 79), 90]]


def test_a_thousand_numbers_are_asked_for_at_once(connection: Connection, schema: Schema) -> None:
    run(connection, "INSERT INTO users (extension, name) VALUES ('1000', 'First'), ('1999', 'Last')")
    run(connection, RING_GROUP + "'', '1000-1999-555')")
    numbers = [str(number) for number in range(1000, 2000)]
    assert sorted(taken(connection, schema, numbers)) == sorted(mentions(connection, schema, numbers)) == [
        "1000", "1999",
    ]  # fmt: skip


@pytest.mark.parametrize("statement", MENTIONING)
def test_what_mentions_a_number_is_named(connection: Connection, schema: Schema, statement: str) -> None:
    run(connection, statement)
    assert mentions(connection, schema, ["20", "200", "2000"]) == {"200": (MENTIONING[statement],)}
    many = [str(number) for number in range(150, 250) if number != 1]
    assert mentions(connection, schema, many) == {"200": (MENTIONING[statement],)}


@pytest.mark.parametrize(
    "destination",
    ["from-did-direct,200,1", "ext-local,200,dest", "ext-local,vmu200,1", "ext-local,vmb200,1", "ext-local,vms200,1",
     "ext-local,vmi200,1", "ext-findmefollow,FM200,1", "from-internal,200,1", "ext-queues,200,1"],
)  # fmt: skip
def test_every_way_to_an_extension_or_a_queue_counts(connection: Connection, schema: Schema, destination: str) -> None:
    run(connection, "INSERT INTO incoming (extension, destination) VALUES ('1', 'D')", destination=destination)
    assert mentions(connection, schema, ["200"]) == {"200": ("inbound route 1",)}


@pytest.mark.parametrize(
    "destination",
    ["ext-group,200,1", "ivr-200,s,1", "ext-local,1200,1", "ext-local,2001,1", "my-ext-local,200,1", "200"],
)
def test_other_places_do_not(connection: Connection, schema: Schema, destination: str) -> None:
    run(connection, "INSERT INTO incoming (extension, destination) VALUES ('1', 'D')", destination=destination)
    run(connection, RING_GROUP + "'D', '1200-2001-20')", destination=destination)
    assert mentions(connection, schema, ["200"]) == {}


def test_what_goes_with_the_extension_is_no_mention(connection: Connection, schema: Schema) -> None:
    run(connection, "INSERT INTO findmefollow (grpnum, grplist, postdest) VALUES ('200', '200-201', 'D')")
    run(connection, "INSERT INTO users (extension, busy_dest) VALUES ('200', 'D'), ('201', 'D')")
    run(
        connection,
        "INSERT INTO queues_details (id, keyword, data) VALUES ('400', 'member', 'Local/200@from-queue/n,0')",
    )
    assert mentions(connection, schema, ["200", "201"]) == {}
    assert mentions(connection, schema, ["200"]) == {"200": ("extension 201, busy",)}
    assert mentions(connection, schema, ["201"]) == {"201": ("follow-me of 200",)}


def test_a_queue_that_leads_to_itself_is_no_mention_of_it(connection: Connection, schema: Schema) -> None:
    run(connection, "INSERT INTO queues_config (extension, dest) VALUES ('400', 'D'), ('401', 'D')",
        destination="ext-queues,400,1")  # fmt: skip
    assert mentions(connection, schema, ["400"]) == {"400": ("queue 401, fail-over",)}


def test_an_inbound_route_of_the_same_number_is_a_mention_and_takes_nothing(
    connection: Connection, schema: Schema
) -> None:
    run(connection, "INSERT INTO incoming (extension, destination) VALUES ('200', 'D')")
    assert mentions(connection, schema, ["200"]) == {"200": ("inbound route 200",)}
    assert taken(connection, schema, ["200"]) == {}


def test_an_exchange_without_the_tables_is_asked_for_none() -> None:
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        connection.execute(text("CREATE TABLE users (extension VARCHAR(20))"))
        connection.execute(text("CREATE TABLE ivr_entries (ivr_id INTEGER, selection VARCHAR(9), dest VARCHAR(50))"))
        connection.execute(text("INSERT INTO users VALUES ('200')"))
        connection.execute(text("INSERT INTO ivr_entries VALUES (3, '2', 'ext-local,200,1')"))
        schema = look(connection)
        assert taken(connection, schema, ["200"]) == {"200": "extension 200"}
        assert mentions(connection, schema, ["200"]) == {"200": ("IVR 3, key 2",)}
    engine.dispose()
