"""Bring the store's tables to the version of this program."""

from __future__ import annotations

import os
from contextlib import suppress
from importlib import resources
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.script.revision import RevisionError
from alembic.util import CommandError
from sqlalchemy.exc import SQLAlchemyError

from pbxapi.errors import NotFound, Unavailable
from pbxapi.store.engine import Store


def _config(store: Store) -> Config:
    config = Config()
    config.set_main_option("script_location", str(resources.files("pbxapi_migrations")).replace("%", "%%"))
    config.attributes["engine"] = store.engine
    return config


def migrate(store: Store, revision: str = "head") -> None:
    """Upgrade or downgrade to a revision: `head`, `base`, or its number.

    Raises NotFound when there is no such revision, or when the tables are of a newer version than this one;
    Unavailable when the store cannot be reached or changed.
    """
    if store.file and not Path(store.file).exists():
        # Made by SQLite itself it could be read by everybody.
        with suppress(OSError):
            os.close(os.open(store.file, os.O_CREAT | os.O_WRONLY, 0o640))
    try:
        change = command.downgrade if _is_earlier(store, revision) else command.upgrade
        change(_config(store), revision)
    except (CommandError, RevisionError) as error:
        raise NotFound(str(error)) from error
    except SQLAlchemyError as error:
        raise Unavailable("The store of pbxapi cannot be reached or changed", part="store") from error


def _is_earlier(store: Store, revision: str) -> bool:
    """Whether a revision is one that the store is beyond. Raises CommandError when either is not known here."""
    scripts = ScriptDirectory.from_config(_config(store))
    with store.engine.connect() as connection:
        now = MigrationContext.configure(connection).get_current_revision()
    wanted = scripts.get_revision(revision) if revision != "base" else None
    passed = [script for script in scripts.iterate_revisions(now, "base") if script.revision != now] if now else []
    return wanted in (*passed, None)


def is_current(store: Store) -> bool:
    """Whether the tables are those of this version. Raises Unavailable when the store does not answer."""
    return revision_of(store) == ScriptDirectory.from_config(_config(store)).get_current_head()


def revision_of(store: Store) -> str | None:
    """The number of the tables; None where there are none. Raises Unavailable when the store does not answer."""
    with store.begin() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def what_to_do(store: Store) -> str:
    """About tables that are not current, in words. Raises Unavailable when the store does not answer."""
    scripts = ScriptDirectory.from_config(_config(store))
    now = revision_of(store)
    if now is None or now in {script.revision for script in scripts.walk_revisions()}:
        return "run `pbxapi migrate`"
    back = f"`pbxapi migrate --to {scripts.get_current_head()}`"
    return f"they are of a newer version ({now}). Start that one, or run {back} with it before this one"
