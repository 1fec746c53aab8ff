"""Rows of one text each, straight from the packets of a PyMySQL connection: for results that are read without a buffer.

PyMySQL takes each row apart as if it might have any columns of any kind, which costs more than all that is done with
the text of an export afterwards. The protocol: https://mariadb.com/kb/en/resultset-row/ (text), and
https://mariadb.com/kb/en/0-packet/ for what is around it.
"""

from __future__ import annotations

from typing import Any

from pymysql.constants import CR
from pymysql.err import OperationalError
from pymysql.protocol import MysqlPacket

MOST = 0xFFFFFF
"""Bytes of a packet; a longer row comes in several."""

_TWO_BYTES, _THREE_BYTES, _EOF, _ERROR = 0xFC, 0xFD, 0xFE, 0xFF


def can_read(unread: Any) -> bool:
    """Whether this is a result of PyMySQL, of the kind known here, with rows still to come."""
    connection = getattr(unread, "connection", None)
    return bool(getattr(unread, "unbuffered_active", False)) and all(
        hasattr(connection, name) for name in ("_rfile", "_next_seq_id", "encoding")
    )


def read_texts(unread: Any, count: int) -> list[str]:
    """At most `count` rows; fewer when these were the last. Raises what PyMySQL does, and OSError."""
    connection, read = unread.connection, unread.connection._rfile.read
    number, encoding = connection._next_seq_id, connection.encoding
    found: list[str] = []
    while len(found) < count:
        head = read(4)
        if len(head) < 4 or head[3] != number:
            raise OperationalError(CR.CR_SERVER_LOST, "Lost connection to MySQL server during query")
        number = (number + 1) & 0xFF
        size = head[0] | head[1] << 8 | head[2] << 16
        row = read(size)
        if len(row) < size or size == MOST:
            raise OperationalError(CR.CR_SERVER_LOST, "Lost connection to MySQL server during query")
        first = row[0]
        if first < 0xFB:
            found.append(row[1:].decode(encoding))
        elif first == _TWO_BYTES:
            found.append(row[3:].decode(encoding))
        elif first == _THREE_BYTES:
            found.append(row[4:].decode(encoding))
        elif first == _EOF and size < 9:
            # As PyMySQL leaves it at the end, so that the connection can be used again.
            connection._next_seq_id = number
            unread.unbuffered_active, unread.connection = False, None
            return found
        else:
            unread.unbuffered_active = False
            MysqlPacket(row, encoding).raise_for_error()
    connection._next_seq_id = number
    return found
