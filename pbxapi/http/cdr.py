"""`/cdr`: call detail records."""

from __future__ import annotations

import json
from typing import Any

from flask import Response, request

from pbxapi.http import audit
from pbxapi.http.auth import require
from pbxapi.http.blueprint import Blueprint, headers
from pbxapi.http.body import Encoded, encode, next_link, respond, tagged
from pbxapi.http.cdr_export import respond_export, wanted_form
from pbxapi.http.cdr_schemas import CdrPageSchema, CdrQuery, CdrSchema, PastCallSchema, filters
from pbxapi.http.context import capable, state
from pbxapi.http.journey_schemas import JourneySchema
from pbxapi.http.paging import Page, collection
from pbxapi.http.remembered import Remembered, is_closed
from pbxapi.pbx.history import CallRecords, Filters

blp = Blueprint("cdr", __name__, description="Call detail records: what was called, when, by whom, and how it ended")
blp.named_schemas = (PastCallSchema,)

TEXT = {"schema": {"type": "string"}}


def _records() -> CallRecords:
    return capable(state().pbx.call_records, "call records (set CDR_DATABASE_URL or DB_PASSWORD)")


@blp.get("/cdr")
@require("cdr")
@blp.arguments(CdrQuery, location="query")
@blp.response(200, CdrPageSchema, headers=headers("ETag", "Link", "X-Total-Count", "Content-Disposition"))
@blp.doc(responses={200: {"content": {"text/csv": TEXT, "application/x-ndjson": TEXT}}})
@blp.problems(406, 501, 503, 504)
def list_cdr(query: dict[str, Any]) -> Response:
    """Call detail records

    One item a record, or with `group=call` one a call. A page costs the same at any depth, and while records are added
    none is lost or given twice. As CSV or NDJSON (`Accept`, or `format`) the whole result comes as a stream, however
    large; it has no pages and no groups. In CSV times are the exchange's own, without an offset, as spreadsheets read
    them, and text that a spreadsheet would run as a formula has a `'` before it.

    A filter that no index carries reads every record between `start` and `end`: narrow them when the answer is a 504.
    """
    wanted, form = filters(query), wanted_form(query.get("format"))
    if form != "json":
        return _export(wanted, form, query)
    question = request.root_path, request.query_string
    memory: Remembered[tuple[Encoded, str | None]] = state().remembered
    found = memory.get(question) if is_closed(wanted.end) else None
    if found is None:
        found = _page(wanted, query)
        if is_closed(wanted.end):
            memory.keep(question, found, len(found[0].body))
    encoded, following = found
    return respond(encoded, headers={"Vary": "Accept", **({"Link": next_link(following)} if following else {})})


def _page(wanted: Filters, query: dict[str, Any]) -> tuple[Encoded, str | None]:
    records, oldest_first = _records(), query["sort"] == "calldate"
    limit, cursor = query["limit"], query.get("cursor")
    if query.get("group"):
        calls, following = records.calls(wanted, limit=limit, cursor=cursor, oldest_first=oldest_first)
        items = encode(calls).body.decode()
    else:
        texts = records.page(wanted, limit=limit, cursor=cursor, oldest_first=oldest_first)
        following, items = texts.next, f"[{','.join(texts.items)}]"
    total = ""
    if query["include_total"]:
        total = f',"total":{records.total(wanted, calls="group" in query)}'
    body = f'{{"items":{items},"next":{json.dumps(following)}{total}}}'
    return tagged(body.encode("utf-8", "replace")), following


def _export(wanted: Filters, form: str, query: dict[str, Any]) -> Response:
    records = _records()
    total = records.total(wanted) if query["include_total"] else None
    chunks = records.export(wanted, form, oldest_first=query["sort"] == "calldate")
    asked = {name: value for name, value in query.items() if name in request.args}
    audit.record("cdr.export", "call records", detail=form, after=asked)
    bounds = [f"{moment:%Y%m%d}" for moment in (wanted.start, wanted.end) if moment]
    return respond_export(chunks, form, "-".join(["cdr", *bounds]), total)


@blp.get("/cdr/<uniqueid>")
@require("cdr")
@blp.response(200, collection(CdrSchema), headers=headers("ETag"))
@blp.problems(501, 503, 504)
def get_cdr(uniqueid: str) -> Response:
    """Every record of one channel

    A channel can have several: one for each who was rung, one for the voicemail.
    """
    return respond(Page(_records().of_channel(uniqueid), None))


@blp.get("/cdr/<linkedid>/journey")
@require("cdr")
@blp.response(200, JourneySchema, headers=headers("ETag"))
@blp.problems(501, 503, 504)
def get_journey(linkedid: str) -> Response:
    """The path of a call in time

    From the channel event log where the exchange writes one (`source` is `cel`), else as far as the records tell it.
    """
    return respond(_records().journey(linkedid))
