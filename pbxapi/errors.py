"""What can go wrong between a caller and an exchange.  Knows nothing of HTTP.

PbxError
|-- NotFound        no such thing on this exchange
|   |-- RecordingGone, RecordingDeleted, RecordingEmpty
|-- Conflict        it exists already, is in use, or is in the wrong state
|   `-- RecordingInProgress
|-- Invalid         the caller's input cannot be used; `fields` says where
|-- NotSupported    this exchange has no such thing
|   `-- RecordingNotPermitted, VoicemailNotPermitted
|-- Refused         the exchange was asked and said no, in its own words
|   `-- NotConverted, ApplyFailed
|-- Unavailable     a part of the exchange (AMI, ARI, database, store) cannot be reached
|-- Timeout         it was reached and did not answer in time: the action may have run
`-- Inconsistent    a change is half done and could not be undone; `steps` lists what is left
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence


class PbxError(Exception):
    """Base of all. The text is shown to API clients: no host, path, SQL or secret belongs in it."""


class NotFound(PbxError):
    """No such thing on this exchange."""


class RecordingGone(NotFound):
    """A recording's file is not there, or not any more."""


class RecordingDeleted(NotFound):
    """Somebody deleted the recording in the exchange's own interface, and its record says so."""


class RecordingEmpty(NotFound):
    """The file is there and holds no sound: nobody answered, or nothing was said before the end."""


class Conflict(PbxError):
    """It exists already, is in use, or is in a state that does not allow this."""


class RecordingInProgress(Conflict):
    """The recording is still being written. `retry_after` is in seconds."""

    retry_after = 3.0


class Invalid(PbxError):
    """The caller's input cannot be used. `fields` maps a field's name to what is wrong with it."""

    def __init__(self, text: str, fields: Mapping[str, Sequence[str]] | None = None) -> None:
        super().__init__(text)
        self.fields: dict[str, list[str]] = {name: list(words) for name, words in (fields or {}).items()}


class NotSupported(PbxError):
    """This exchange has no such thing, or the manager user may not use it."""


class RecordingNotPermitted(NotSupported):
    """The user that this API runs as may not read, or not delete, the recording."""


class VoicemailNotPermitted(NotSupported):
    """The user that this API runs as may not read, or not move and delete, the messages of a mailbox."""


class Refused(PbxError):
    """The exchange was asked and said no; the text holds its own words."""


class NotConverted(Refused):
    """The program that converts sound could make nothing of a recording."""


class ApplyFailed(Refused):
    """The exchange did not take over what was changed: it waits still."""


class Unavailable(PbxError):
    """A part of the exchange cannot be reached: ami, ari, database, store, recordings, voicemail, or a lock be had.

    `retry_after` is in seconds.
    """

    def __init__(self, text: str, *, part: str, retry_after: float = 1.0) -> None:
        super().__init__(text)
        self.part = part
        self.retry_after = retry_after


def in_its_words(error: Unavailable) -> str:
    """What a database itself said, for who runs this: SQLAlchemy adds the statement and a link."""
    words = str(getattr(error.__cause__, "orig", None) or error.__cause__)
    return words.partition("\nDETAIL:")[0]  # PostgreSQL's, with the values of a row


class Timeout(PbxError):
    """The exchange did not answer in time. The action may have run."""


class Inconsistent(PbxError):
    """A change is half done and its undo failed. `steps` lists what was left as it is."""

    def __init__(self, text: str, steps: Sequence[str]) -> None:
        super().__init__(text)
        self.steps = list(steps)
