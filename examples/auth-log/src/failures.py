# SPDX-License-Identifier: Apache-2.0
"""How many logins from an address have failed lately; the memory of it is bounded."""

from collections import OrderedDict, deque
from collections.abc import Callable
from time import monotonic

_PER_ADDRESS_MAX = 1000
_ADDRESSES_MAX = 10_000


class RecentFailures:
    """Failures of the last `window_s` seconds by address; beyond a limit the oldest are let go."""

    def __init__(self, window_s: float, clock: Callable[[], float] = monotonic) -> None:
        """Count nothing yet."""
        self.window_s = window_s
        self._clock = clock
        self._times: OrderedDict[str, deque[float]] = OrderedDict()

    def count(self, address: str, *, failed: bool) -> int:
        """Take notice of a login, and return how many have failed, this one included."""
        now = self._clock()
        times = self._times.setdefault(address, deque(maxlen=_PER_ADDRESS_MAX))
        self._times.move_to_end(address)
        while times and times[0] <= now - self.window_s:
            times.popleft()
        if failed:
            times.append(now)
        found = len(times)
        if not times:
            del self._times[address]
        elif len(self._times) > _ADDRESSES_MAX:
            self._times.popitem(last=False)
        return found
