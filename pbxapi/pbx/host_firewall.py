"""Which rules are loaded: how many, and what becomes of what no rule is for. Never the rules themselves."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, tzinfo
from time import monotonic

from pbxapi.pbx.host_asking import Unseen, ask
from pbxapi.pbx.host_fail2ban import fail2ban
from pbxapi.pbx.host_state import ACTIVE, INACTIVE, UNKNOWN, Firewall, RuleSet

TIMEOUT = 8.0
"""Seconds for all programs together."""

UNREADABLE = "its answer could not be read"


def firewall(host: str, zone: tzinfo) -> Firewall:
    """Ask each program that there is. Seconds, where there are many jails."""
    deadline = monotonic() + TIMEOUT
    rule_sets = tuple(_seen(name, look, deadline) for name, look in LOOKS)
    states = {each.state for each in rule_sets}
    state = ACTIVE if ACTIVE in states else UNKNOWN if UNKNOWN in states else INACTIVE
    return Firewall(host, datetime.now(zone).replace(microsecond=0), state, rule_sets, fail2ban(deadline))


def _seen(name: str, look: Callable[[float], RuleSet], deadline: float) -> RuleSet:
    try:
        return replace(look(deadline), name=name)
    except Unseen as error:
        return RuleSet(name, error.state, reason=str(error))


def _iptables(deadline: float) -> RuleSet:
    return parse_save(ask("iptables-save", deadline=deadline))


def _ip6tables(deadline: float) -> RuleSet:
    return parse_save(ask("ip6tables-save", deadline=deadline))


def parse_save(text: str) -> RuleSet:
    """Read what iptables-save prints (iptables-save(8)): `*table`, `:CHAIN POLICY [packets:bytes]`, `-A CHAIN ...`."""
    table, rules, policies = "", 0, {}
    for line in text.splitlines():
        if line.startswith("*"):
            table = line[1:].strip()
        elif line.startswith("-A "):
            rules += 1
        elif chain := re.match(r":(INPUT|FORWARD|OUTPUT) (ACCEPT|DROP|REJECT|QUEUE)\b", line):
            policies[table, chain[1]] = chain[2].lower()
    return _rule_set(rules, set(policies.values()), policies.get(("filter", "INPUT")))


def _nftables(deadline: float) -> RuleSet:
    # Terse: without the elements of sets, which may be thousands of addresses.
    return parse_nft(ask("nft", "-j", "-t", "list", "ruleset", deadline=deadline))


def parse_nft(text: str) -> RuleSet:
    """Read nft's JSON (libnftables-json(5)). Raises Unseen.

    The policy is that of the chains at the hook input: drop, where one of them says so.
    """
    try:
        objects = json.loads(text)["nftables"]
        rules = sum("rule" in each for each in objects)
        chains = [each["chain"] for each in objects if "chain" in each]
        hooks = [(chain["hook"], chain.get("policy", "accept")) for chain in chains if chain.get("hook")]
    except (ValueError, TypeError, KeyError, AttributeError):
        raise Unseen(UNKNOWN, UNREADABLE) from None
    at_input = [policy for hook, policy in hooks if hook == "input"]
    policy = ("drop" if "drop" in at_input else at_input[0]) if at_input else None
    return _rule_set(rules, {policy for _, policy in hooks}, policy)


def _firewalld(deadline: float) -> RuleSet:
    """A daemon that loads rules into the others; firewall-cmd(1) ends with 252 where it does not run."""
    ask("firewall-cmd", "--state", deadline=deadline, not_running="not running")
    return RuleSet("", ACTIVE)


def _rule_set(rules: int, policies: set[str], at_input: str | None) -> RuleSet:
    state = ACTIVE if rules or policies - {"accept"} else INACTIVE
    return RuleSet("", state, rules, at_input)


LOOKS = (("iptables", _iptables), ("ip6tables", _ip6tables), ("nftables", _nftables), ("firewalld", _firewalld))
