"""What the manager client raises.

AmiError
|-- AmiInvalid            the action cannot be sent as given (a line end in a value, too long, too many headers)
|-- AmiRefused            Response: Error, in Asterisk's own words
|   |-- AmiUnknownAction  no module that is loaded has this action
|   `-- AmiDenied         the manager user lacks the class for it
|-- AmiTimeout            no answer before the deadline; the action may have run
`-- AmiUnavailable        no session: not reachable, lost, or waiting to connect again
    |-- AmiLoginRefused   the server said no to the user, the secret or the address
    `-- AmiProtocolError  the peer sent what no manager sends, or more than the bounds allow
"""

from __future__ import annotations

from typing import Self


class AmiError(Exception):
    """Base of all. No text holds a secret."""


class AmiInvalid(AmiError):
    """The action cannot be sent as given; nothing was written. `header` names the culprit."""

    def __init__(self, text: str, header: str = "") -> None:
        super().__init__(text)
        self.header = header


class AmiRefused(AmiError):
    """Asterisk answered `Response: Error`. `words` is its message, `action` what was asked."""

    def __init__(self, action: str, words: str) -> None:
        super().__init__(f"{action}: {words}")
        self.action = action
        self.words = words


class AmiUnknownAction(AmiRefused):
    """No loaded module has this action."""


class AmiDenied(AmiRefused):
    """The manager user lacks the class that this action needs."""


class AmiTimeout(AmiError):
    """No whole answer before the deadline. The action may have run: never send it again by yourself."""


class AmiUnavailable(AmiError):
    """There is no session. `retry_after` is in seconds; `may_have_run` when it was lost after the action was sent."""

    def __init__(self, text: str, *, retry_after: float = 1.0, may_have_run: bool = False) -> None:
        super().__init__(text)
        self.retry_after = retry_after
        self.may_have_run = may_have_run

    def again(self, what: str, *, may_have_run: bool = False) -> Self:
        """The same error for one more caller, who was doing `what`: an exception belongs to one thread."""
        return type(self)(f"{what}: {self}", retry_after=self.retry_after, may_have_run=may_have_run)


class AmiLoginRefused(AmiUnavailable):
    """The server refused the user name, the secret or the address (it says the same for all three)."""


class AmiProtocolError(AmiUnavailable):
    """The peer sent what no manager sends, or more than the bounds allow; the session was closed."""
