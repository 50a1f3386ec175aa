# SPDX-License-Identifier: Apache-2.0
"""The plugin webhook: JSON that others send by HTTP as Falco events, with declarative fields."""

from ipaddress import IPv4Address
from pathlib import Path
from typing import Annotated

import msgspec

from falcokit import EventSource, FieldExtraction, Plugin, json_field
from falcokit.sources import HttpReceiver


class Config(msgspec.Struct):
    """What falco.yaml may set under init_config."""

    token_file: Annotated[
        str,
        msgspec.Meta(
            title="Token file", description="A file with the token that senders give.", min_length=1
        ),
    ]
    max_bytes: Annotated[
        int,
        msgspec.Meta(title="Largest request", description="Bytes of a body.", ge=1, le=1 << 24),
    ] = 1 << 20


class Params(msgspec.Struct):
    """What falco.yaml may set under open_params, in JSON."""

    host: str = "127.0.0.1"
    port: Annotated[int, msgspec.Meta(ge=0, le=65535)] = 9765
    path: str = "/events"


class Webhook(Plugin, EventSource, FieldExtraction):
    """Each JSON object that is posted, and each item of an array, is an event."""

    plugin_id = 999
    event_source = "webhook"
    config: Config

    # The fields are evaluated in C, without Python's lock, on the bytes that were posted.
    action = json_field("hook.action", "/action", desc="What was done", output=True)
    actor = json_field("hook.actor", "/actor/name", desc="Who did it", output=True)
    address = json_field("hook.address", "/actor/address", type=IPv4Address, desc="From where")
    target = json_field("hook.target", "/target", desc="To what")
    size = json_field("hook.size", "/size", type=int, desc="How much of it, in bytes")

    def init(self) -> None:
        """The token is read before the server listens, and is in no argument and no log."""
        path = Path(self.config.token_file)
        self.token = path.read_bytes().strip()

    def open(self, params: Params) -> HttpReceiver:
        """Listen; what comes while Falco is behind is refused with 503, and sent again later."""
        receiver = HttpReceiver(
            params.host,
            params.port,
            path=params.path,
            token=self.token,
            max_bytes=self.config.max_bytes,
        )
        self.log.info("listening on %s:%d%s", receiver.host, receiver.port, params.path)
        return receiver
