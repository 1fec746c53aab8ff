"""A WSGI application whose client is used before gunicorn forks."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from typing import Any

from pbxapi.ami import Client, ClientConfig

client = Client(
    ClientConfig(port=int(os.environ["AMI_PORT"]), username=os.environ["AMI_USER"], secret=os.environ["AMI_SECRET"])
)
client.request("Ping")


def app(environ: dict[str, Any], start_response: Callable[[str, list[tuple[str, str]]], object]) -> Iterable[bytes]:
    reply = client.request("Echo", [("Number", environ["PATH_INFO"].strip("/"))])
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{reply.response['Number']} {os.getpid()}".encode()]
