# SPDX-License-Identifier: Apache-2.0
"""Counts the events of a source in Python, with or without a CPU-bound thread beside."""

from __future__ import annotations

import threading

import msgspec

from falcokit import EventParsing, Plugin


class Config(msgspec.Struct):
    burn: bool = False


class Parser(Plugin, EventParsing):
    name, version, contact = "parser", "0.1.0", "bench@example.com"
    description = "Parses."
    parse_event_types = ("pluginevent",)
    config: Config

    def init(self):
        self.parsed = 0
        self.going = True
        if self.config.burn:
            threading.Thread(target=self.burn, daemon=True).start()

    def destroy(self):
        self.going = False

    def burn(self):
        n = 0
        while self.going:
            n = (n * 31 + 7) % 1000003

    def parse_event(self, event):
        self.parsed += 1
