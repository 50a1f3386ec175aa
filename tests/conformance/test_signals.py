# SPDX-License-Identifier: Apache-2.0
"""A write to what nobody reads, or past a limit, is an OSError in every host, on every thread."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from author import plugin

if TYPE_CHECKING:
    from conftest import WritePlugin
    from source_drivers import Read

# The hosts are started with every signal at its default, as Python's subprocess does it.
PLUGIN = plugin("broken_writes")
_PLACES = ("init", "loop", "open", "parse_event", "producer", "source", "thread")
_WAYS = {"to_pipe": "EPIPE", "to_socket": "EPIPE", "to_program": "EPIPE", "past_the_limit": "EFBIG"}
_PIPE_AND_XFSZ = "ignored 1001000"  # bits 12 and 24, of signals 13 and 25


@pytest.mark.drivers("runner", "plughost", "sysdig")
def test_a_write_that_cannot_be_is_an_error_and_not_the_end(
    read: Read, write_plugin: WritePlugin
) -> None:
    """B12"""
    out = read(write_plugin(PLUGIN), seconds=25)
    told = [data.decode() for data in out.data]
    wanted = {f"{place} {way} {error}" for place in _PLACES for way, error in _WAYS.items()}
    assert set(told[1:-2]) == wanted, out
    # The runner has no more to say about SIGPIPE than Falco: who ignores it is falcokit.
    assert told[-1] == _PIPE_AND_XFSZ
    # plughost leaves SIGINT at its default, which the import of `signal` would change.
    assert told[-2] == f"SIGINT caught {int(read.name != 'plughost')}"
