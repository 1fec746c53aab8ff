"""Putting the application together. Nothing happens at import, and nothing is connected before it is asked for."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from flask import Flask

from pbxapi import logs, metrics, tracing
from pbxapi.http import (
    agents,
    apply,
    ari,
    audit,
    audit_log,
    auth,
    calls,
    cdr,
    cdr_stats,
    channels,
    cors,
    docs,
    extension_batch,
    extensions,
    features,
    follow_me,
    health,
    keys,
    limits,
    parking,
    peers,
    problems,
    queue_members,
    queue_stats,
    queues,
    recordings,
    system,
    voicemail,
)
from pbxapi.http import metrics as metrics_page
from pbxapi.http.access_log import AccessLog
from pbxapi.http.api import Api
from pbxapi.http.context import State
from pbxapi.http.proxies import TrustedProxies
from pbxapi.legacy import blueprint as legacy
from pbxapi.settings import SettingsError
from pbxapi.store.engine import Store

if TYPE_CHECKING:
    from pbxapi.pbx.interfaces import Pbx
    from pbxapi.settings import Settings

# 1,000 operations of a batch of extensions are about 1 MB.
MAX_BODY = 4 * 1024 * 1024
DRIVERS = {
    "asterisk": "pbxapi.drivers.asterisk",
    "issabel": "pbxapi.drivers.issabel",
    "freepbx": "pbxapi.drivers.freepbx",
}
RESOURCES = (
    health.blp, system.blp, peers.blp, channels.blp, calls.blp, cdr_stats.blp, cdr.blp, recordings.blp, parking.blp,
    extensions.blp, extension_batch.blp, follow_me.blp, features.blp, apply.blp,
    queues.blp, queue_members.blp, queue_stats.blp, agents.blp, voicemail.blp,
    ari.blp, keys.blp, audit_log.blp, metrics_page.blp,
)  # fmt: skip


def create_app(settings: Settings, pbx: Pbx | None = None, store: Store | None = None) -> Flask:
    """Build the application; what is not given is built from the settings.

    Raises SettingsError when the store's URL is none, or the log cannot be written.
    """
    logs.configure(settings.log, settings.audit)
    store = store or build_store(settings)
    app = Flask("pbxapi", static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY
    app.extensions["pbxapi"] = State(settings, pbx or build_pbx(settings, store), store)
    problems.install(app)
    limits.install(app, settings.limits)
    auth.install(app, store)
    audit.install(app, settings.audit)
    metrics.install(app)
    metrics_page.install(app, app.extensions["pbxapi"].pbx)
    app.extensions["pbxapi.api"] = api = Api(app)
    api.register(*RESOURCES)
    app.register_blueprint(docs.blueprint)
    legacy.register(app)
    cors.install(app, settings.web.cors_origins)
    app.wsgi_app = AccessLog(app.wsgi_app)  # type: ignore[method-assign]
    tracing.install(app, settings.tracing)
    if settings.web.trusted_proxies:
        app.wsgi_app = TrustedProxies(app.wsgi_app, settings.web.trusted_proxies)  # type: ignore[method-assign]
    return app


def build_pbx(settings: Settings, store: Store) -> Pbx:
    """Let the configured driver put the exchange together."""
    pbx: Pbx = import_module(DRIVERS[settings.platform.driver]).build(settings, store)
    return pbx


def build_store(settings: Settings) -> Store:
    """Put the store of this API's own tables together. Raises SettingsError for a URL that is none."""
    from pbxapi.store import Store  # noqa: PLC0415  (SQLAlchemy takes 0.2 s to import)

    try:
        return Store(settings.store_url)
    except ValueError as error:
        raise SettingsError([str(error)]) from None
