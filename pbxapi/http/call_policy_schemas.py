"""A key's call policy, as `/keys` takes and gives it. What its entries may be, `CallPolicy.from_document` checks."""

from __future__ import annotations

from typing import Any

import marshmallow as ma

from pbxapi.pbx.call_policy import LONGEST_ENTRY, MOST_CALLS, MOST_ENTRIES


def _texts(description: str, *example: str) -> Any:
    return ma.fields.List(
        ma.fields.String(validate=ma.validate.Length(1, LONGEST_ENTRY)),
        allow_none=True,
        validate=ma.validate.Length(max=MOST_ENTRIES),
        metadata={"description": description, "example": list(example)},
    )


def _count(description: str, example: int) -> Any:
    return ma.fields.Integer(
        strict=True,
        allow_none=True,
        validate=ma.validate.Range(1, MOST_CALLS),
        metadata={"description": description, "example": example},
    )


class CallPolicySchema(ma.Schema):
    """Whom a key may call, from where, when and how often. What is left out, empty or null is not limited.

    A key that it limits cannot have the scopes `provision`, `secrets` and `admin`.
    """

    destinations = _texts(
        "Numbers that may be called and transferred to: patterns of Asterisk's dialplan without the leading `_`, in "
        "which `.` and `!` stand for digits alone. With `-` before it, a pattern forbids, whatever others allow. Where "
        "there is one, digits cannot be played to channels, since they could dial on.",
        "2XX", "0ZXXX.", "-0900.",
    )  # fmt: skip
    sources = _texts("Extensions, devices or Local channels' numbers that calls may begin at: patterns too.", "2XX")
    caller_ids = _texts("Numbers that may be shown; to send no caller id is always allowed.", "5551000")
    variables = _texts(
        "Channel variables that may be set though destinations or caller ids are limited. A dialplan may take either "
        "from a variable: name only those that yours does not dial.",
        "CUSTOMER",
    )
    calls_at_once = _count("Calls of this key that may go on at the same time.", 2)
    calls_a_minute = _count("Calls and transfers in any 60 seconds.", 10)
    hours = _texts(
        "When, by the exchange's clock; over midnight too, such as `Fri 22:00-06:00`.", "Mon-Fri 08:00-18:00"
    )
