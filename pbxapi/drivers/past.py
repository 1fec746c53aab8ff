"""What every platform's past is put together of: the database of call records, and the recordings' folder."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo
from functools import partial
from pathlib import Path

from pbxapi.db.call_engines import call_engines
from pbxapi.db.call_tables import TableLook
from pbxapi.db.engine import Login, ready
from pbxapi.pbx.call_records import DatabaseCallRecords
from pbxapi.pbx.call_statistics import DatabaseCallStatistics
from pbxapi.pbx.cdr_export import Exports
from pbxapi.pbx.cdr_rows import RecordingId
from pbxapi.pbx.history import CallRecords, CallStatistics
from pbxapi.pbx.local_time import Clock
from pbxapi.pbx.queue_history import QueueHistory
from pbxapi.pbx.queue_log_cdr import QueueCalls
from pbxapi.pbx.queue_log_files import QueueLogFiles
from pbxapi.pbx.queue_log_table import QueueLogTable
from pbxapi.pbx.queueing import Queues
from pbxapi.settings import Settings
from pbxapi.store import Store

NO_DATABASE = "no database of call records is configured: set CDR_DATABASE_URL or DB_PASSWORD"


@dataclass(frozen=True)
class Past:
    """Call records, or None where no database is configured; what queues did; and how to let go of it all.

    `parts` say whether it answers.
    """

    call_records: CallRecords | None
    call_statistics: CallStatistics | None
    queue_history: Callable[[Queues], QueueHistory]
    parts: dict[str, Callable[[], bool]]
    close: Callable[[], None]


def past(settings: Settings, store: Store, login: Login | None, zone: tzinfo, recording_id: RecordingId) -> Past:
    """Connects to nothing. `login` is the platform's own; CDR_DATABASE_URL goes before it."""
    records = settings.records
    engines = call_engines(records.database_url, login, records.timeout)
    clock, files = Clock(zone), QueueLogFiles(records.queue_log)
    if engines is None:
        alone = partial(QueueHistory, files, (), None, zone, timeout=records.timeout)
        return Past(None, None, lambda queues: alone(queues=queues), {}, lambda: None)
    pages, streams = engines
    tables = TableLook(pages)
    exports = Exports(streams, tables, clock, recording_id, at_once=records.exports, timeout=records.timeout)

    statistics = DatabaseCallStatistics(pages, tables, clock, store.roll_up if records.roll_up else None)

    def queue_history(queues: Queues) -> QueueHistory:
        logs, calls = QueueLogTable(pages, clock, records.timeout), QueueCalls(pages, tables, clock)
        return QueueHistory(files, (logs,), calls, zone, timeout=records.timeout, queues=queues)

    def close() -> None:
        statistics.close()
        pages.dispose()
        streams.dispose()

    return Past(
        DatabaseCallRecords(pages, tables, clock, recording_id, exports),
        statistics,
        queue_history,
        {"call_records": lambda: ready(pages)},
        close,
    )


def no_folder(path: str) -> str | None:
    """Say why there are no recordings, or None when there can be."""
    if not Path(path).is_dir():
        return "RECORDINGS_PATH is not a folder"
    return None if os.access(path, os.R_OK | os.X_OK) else "RECORDINGS_PATH cannot be read by the user of this API"
