"""A client of Asterisk's manager interface (AMI). Standard library only.

client = Client(ClientConfig(username="api", secret=...))
client.request("Ping")
client.request("PJSIPShowEndpoints", until="EndpointListComplete").events
with client.subscribe("Newchannel", "Hangup") as events:
    event = events.get(timeout=1.0)
"""

from pbxapi.ami.client import Client
from pbxapi.ami.errors import (
    AmiDenied,
    AmiError,
    AmiInvalid,
    AmiLoginRefused,
    AmiProtocolError,
    AmiRefused,
    AmiTimeout,
    AmiUnavailable,
    AmiUnknownAction,
)
from pbxapi.ami.events import Subscription
from pbxapi.ami.exchange import Reply
from pbxapi.ami.lane import ClientConfig
from pbxapi.ami.pending import Pending
from pbxapi.ami.protocol import Message

__all__ = [
    "AmiDenied",
    "AmiError",
    "AmiInvalid",
    "AmiLoginRefused",
    "AmiProtocolError",
    "AmiRefused",
    "AmiTimeout",
    "AmiUnavailable",
    "AmiUnknownAction",
    "Client",
    "ClientConfig",
    "Message",
    "Pending",
    "Reply",
    "Subscription",
]
