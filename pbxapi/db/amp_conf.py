"""freepbx.conf, a PHP file that assigns `$amp_conf['KEY'] = 'value';`, read as text and never executed."""

from __future__ import annotations

import re

# Comments and other strings are matched so that nothing is looked for inside of them; an open one goes to the end.
_TOKEN = re.compile(
    r"""
    /\*.*?(?:\*/|\Z) | (?://|\#).*?(?=\n|\?>|\Z)
    | \$amp_conf\s*\[\s*(?P<quote>['"])(?P<key>\w{1,64})(?P=quote)\s*\]\s*=\s*
      (?: '(?P<single>(?:[^'\\]|\\.?)*+)' | "(?P<double>(?:[^"\\]|\\.?)*+)" )\s*;
    | '(?:[^'\\]|\\.?)*+(?:'|\Z) | "(?:[^"\\]|\\.?)*+(?:"|\Z)
    """,
    re.VERBOSE | re.DOTALL,
)
_DOUBLE = {"n": "\n", "r": "\r", "t": "\t", "v": "\v", "e": "\033", "f": "\f", "\\": "\\", "$": "$", '"': '"'}


def parse(text: str) -> dict[str, str]:
    """The quoted strings that are assigned; of a key assigned twice, the last.

    Escapes are undone as PHP does, but for `\\x41` and its like. `$name` in double quotes stays as it stands.
    """
    found = {}
    for token in _TOKEN.finditer(text):
        if token["single"] is not None:
            found[token["key"]] = re.sub(r"\\([\\'])", r"\1", token["single"])
        elif token["double"] is not None:
            found[token["key"]] = re.sub(r"\\(.)", _unescape, token["double"], flags=re.DOTALL)
    return found


def _unescape(escape: re.Match[str]) -> str:
    return _DOUBLE.get(escape[1], escape[0])
