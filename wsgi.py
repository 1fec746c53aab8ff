"""For any WSGI server: `gunicorn wsgi:app`."""

from __future__ import annotations

from pbxapi.app import create_app
from pbxapi.environment import read_environment
from pbxapi.settings import Settings

app = create_app(Settings.from_environ(read_environment()))
