"""Bring the store's tables to the version of this program."""

from __future__ import annotations

from importlib import resources

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
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
    """Upgrade to a revision, or downgrade to `base`.

    Raises NotFound when there is no such revision, Unavailable when the store cannot be reached or changed.
    """
    change = command.downgrade if revision == "base" else command.upgrade
    try:
        change(_config(store), revision)
    except CommandError as error:
        raise NotFound(str(error)) from error
    except SQLAlchemyError as error:
        raise Unavailable("The store of pbxapi cannot be reached or changed", part="store") from error


def is_current(store: Store) -> bool:
    """Whether the tables are those of this version. Raises Unavailable when the store does not answer."""
    head = ScriptDirectory.from_config(_config(store)).get_current_head()
    with store.begin() as connection:
        return MigrationContext.configure(connection).get_current_revision() == head
