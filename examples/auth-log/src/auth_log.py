# SPDX-License-Identifier: Apache-2.0
"""The plugin auth-log: logins of an authentication log as Falco events, with fields for rules."""

from collections.abc import Iterable, Iterator
from typing import Annotated, Any

import msgspec
from failures import RecentFailures
from logins import read_login

from falcokit import Event, EventSource, FieldExtraction, IpAddr, Metric, Plugin, field
from falcokit.sources import Tail


class Config(msgspec.Struct):
    """What falco.yaml may set under init_config."""

    window_s: Annotated[
        float,
        msgspec.Meta(
            title="Window", description="How long a failed login counts, in seconds.", gt=0
        ),
    ] = 300.0


class Params(msgspec.Struct):
    """What falco.yaml may set under open_params, in JSON."""

    path: str = "/var/log/auth.log"
    from_start: bool = False  # also what the file holds already
    follow: bool = True  # false: the end of the file ends the source
    state: str | None = None  # a file that keeps the position from one run of Falco to the next


class AuthLog(Plugin, EventSource, FieldExtraction):
    """One event for each login, successful or not; its payload is JSON."""

    plugin_id = 999
    event_source = "auth_log"
    config: Config

    def init(self) -> None:
        """Before anything is read."""
        self.logins = 0

    def open(self, params: Params) -> Iterator[dict[str, Any]]:
        """Start to follow the file; one that is not there yet is waited for."""
        tail = Tail(
            params.path,
            from_start=params.from_start,
            follow=params.follow,
            state=params.state,
            max_line=8192,
        )
        self.log.info("following %s", params.path)
        return self.events(tail, RecentFailures(self.config.window_s))

    def events(self, lines: Iterable[bytes], failures: RecentFailures) -> Iterator[dict[str, Any]]:
        """Give an event for each login."""
        for line in lines:
            login = read_login(line.decode(errors="replace"))
            if login is not None:
                self.logins += 1
                address, failed = login["address"], login["result"] == "failure"
                recent = failures.count(address or login["user"], failed=failed)
                yield {**login, "recent_failures": recent}

    def list_open_params(self) -> list[tuple[str, str]]:
        """What people usually open."""
        return [
            ('{"path": "/var/log/auth.log"}', "Debian, Ubuntu"),
            ('{"path": "/var/log/secure"}', "Red Hat, Fedora, SUSE"),
        ]

    def event_to_string(self, event: Event) -> str:
        """The line of the log."""
        return str(event.json["line"])

    def get_metrics(self) -> Iterator[Metric]:
        """How many lines were logins; the tail counts the lines."""
        yield Metric("logins", self.logins, monotonic=True)

    @field("auth.user", desc="Who logged in, or tried to", output=True)
    def user(self, event: Event) -> str:
        """As it was typed: an unknown user's name may hold anything."""
        return str(event.json["user"])

    @field("auth.address", desc="From which address; none for sudo", output=True)
    def address(self, event: Event) -> IpAddr | None:
        """IPv4 or IPv6."""
        address: str | None = event.json["address"]
        return address

    @field("auth.method", desc="How: password, publickey, ..., or sudo")
    def method(self, event: Event) -> str:
        """sshd's word for it."""
        return str(event.json["method"])

    @field("auth.result", desc="success or failure", output=True)
    def result(self, event: Event) -> str:
        """Of this login."""
        return str(event.json["result"])

    @field("auth.invalid_user", desc="Whether there is no such user")
    def invalid_user(self, event: Event) -> bool:
        """By sshd's account."""
        return bool(event.json["invalid_user"])

    @field("auth.recent_failures", desc="Failed logins from this address within the window")
    def recent_failures(self, event: Event) -> int:
        """This one included; those of a user where there is no address."""
        return int(event.json["recent_failures"])

    @field("auth.host", desc="The host that wrote the line")
    def host(self, event: Event) -> str:
        """As the log has it."""
        return str(event.json["host"])
