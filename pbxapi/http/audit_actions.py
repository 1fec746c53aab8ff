"""What each operation that changes something is called in the audit log, and what it is done to.

Whoever adds an operation adds its line here: a test looks for it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Act:
    """`target` has names of the path, or of the body, in braces. `said` are members of the body to show as `after`."""

    action: str
    target: str
    said: tuple[str, ...] = ()


CALL = ("from", "to", "context", "caller_id", "timeout", "auto_answer", "external_id")
CHANNEL, EXTENSION, QUEUE = "channel {channel_id}", "extension {number}", "queue {queue}"
MEMBER, AGENT = "member {member} of queue {queue}", "agent {agent}"
KEY, KEY_SETTINGS = "key {name}", ("scopes", "networks", "policy", "expires_at")
KEY = "key {name}"
MESSAGE, RECORDING = "message {message_id} of mailbox {mailbox}", "recording {recording_id}"

ACTS = {
    "agents.log_agent_in": Act("agent.login", AGENT, ("queues", "penalty")),
    "agents.log_agent_out": Act("agent.logout", AGENT, ("queues",)),
    "agents.pause_agent": Act("agent.pause", AGENT, ("queues", "reason")),
    "agents.unpause_agent": Act("agent.unpause", AGENT, ("queues",)),
    "apply.apply": Act("configuration.apply", "configuration"),
    "calls.hang_up_call": Act("call.hangup", "call {call_id}"),
    "calls.place_call": Act("call.place", "call to {to}", CALL),
    "channels.hang_up_channel": Act("channel.hangup", CHANNEL),
    "channels.mute_channel": Act("channel.mute", CHANNEL, ("direction", "muted")),
    "channels.park_channel": Act("channel.park", CHANNEL, ("lot", "timeout")),
    "channels.record_channel": Act("channel.record", CHANNEL),
    # The digits may be somebody's PIN.
    "channels.send_dtmf": Act("channel.dtmf", CHANNEL),
    "channels.stop_recording_channel": Act("channel.stop_recording", CHANNEL),
    "channels.transfer_channel": Act("channel.transfer", CHANNEL, ("kind", "extension", "context")),
    "extension_batch.change_extensions": Act("extension.batch", "extensions"),
    "extensions.change_extension": Act("extension.update", EXTENSION),
    "extensions.create_extension": Act("extension.create", "extension {extension}"),
    "extensions.delete_extension": Act("extension.delete", EXTENSION),
    "extensions.repair_extension": Act("extension.repair", EXTENSION),
    "extensions.replace_extension": Act("extension.replace", EXTENSION),
    "features.change_features": Act("features.update", EXTENSION),
    "follow_me.change_follow_me": Act("follow_me.update", EXTENSION),
    "follow_me.delete_follow_me": Act("follow_me.delete", EXTENSION),
    "follow_me.put_follow_me": Act("follow_me.set", EXTENSION),
    "keys.change_key": Act("key.update", KEY, KEY_SETTINGS),
    "keys.create_key": Act("key.create", KEY, KEY_SETTINGS),
    "keys.revoke_key": Act("key.revoke", KEY),
    "keys.rotate_key": Act("key.rotate", KEY, ("grace", "expires_at")),
    "queue_members.add_queue_member": Act("member.add", QUEUE, ("extension", "interface", "penalty", "persistent")),
    "queue_members.change_queue_member": Act("member.update", MEMBER),
    "queue_members.remove_queue_member": Act("member.remove", MEMBER),
    "queues.change_queue": Act("queue.update", QUEUE),
    "queues.create_queue": Act("queue.create", QUEUE),
    "queues.delete_queue": Act("queue.delete", QUEUE),
    "queues.replace_queue": Act("queue.replace", QUEUE),
    "recordings.delete_recording": Act("recording.delete", RECORDING),
    "recordings.link_recording": Act("recording.link", RECORDING, ("expires_in", "format", "download")),
    "voicemail.change_message": Act("message.update", MESSAGE),
    "voicemail.delete_message": Act("message.delete", MESSAGE),
}
"""By endpoint."""

COMMANDS = {
    "addextension": Act("extension.create", "extension {account}"),
    "updateextension": Act("extension.update", "extension {account}"),
    "deleteextension": Act("extension.delete", "extension {account}"),
    "addfollowmeextension": Act("follow_me.set", "extension {grpnum}"),
    "updatefollowmeextension": Act("follow_me.update", "extension {grpnum}"),
    "deletefollowmeextension": Act("follow_me.delete", "extension {grpnum}"),
    "queueaddmember": Act("member.add", "queue {queue}"),
    "queueremovemember": Act("member.remove", "member {device} of queue {queue}"),
    "originatecall": Act("call.place", "call to {extension}"),
    "auth": Act("secret.read", "manager user"),
    "sipextensions": Act("secret.read", "extensions"),
}
"""Commands of the older interface that change something or show secrets."""
