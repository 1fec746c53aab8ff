from __future__ import annotations

import logging

from pbxapi.db.engine import Login, engine


def test_a_pool_prints_no_traceback_of_a_connection_that_was_lost() -> None:
    logging.getLogger("sqlalchemy.pool").setLevel(logging.NOTSET)
    made = engine(Login(), "asterisk")
    assert not made.pool.logger.isEnabledFor(logging.ERROR)
    made.dispose()
