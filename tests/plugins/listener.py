# SPDX-License-Identifier: Apache-2.0
"""Subscribes routines that end in several ways."""

from __future__ import annotations

from falcokit import Capture, CaptureListening, Plugin


class P(Plugin, CaptureListening):
    def capture_open(self, capture: Capture) -> None:
        self.count = 0
        self.first = capture.subscribe(self.counts)
        self.second = capture.subscribe(self.thrice)
        self.third = capture.subscribe(lambda: None)

    def counts(self) -> None:
        self.count += 1
        if self.count == 1:
            self.log.info("ran")

    def thrice(self) -> bool:
        self.third.unsubscribe()
        return self.count < 3

    def capture_close(self, capture: Capture) -> None:
        self.log.info("close")
