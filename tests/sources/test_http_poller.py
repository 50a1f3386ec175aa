# SPDX-License-Identifier: Apache-2.0
"""The poller: what is news, what waits, pages, and servers that fail or lie."""

from __future__ import annotations

import email.utils
import re
import time
from typing import TYPE_CHECKING, Any

import pytest
from stand_in import Answer, Asked, serving
from taking import reading, take, until

from falcokit import PluginError
from falcokit.sources import Backoff, HttpPoller
from falcokit.sources.http_poller import next_link, retry_seconds

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

FAST: Any = {"every": 0.01, "max_pause": 0.02}


def in_row(*answers: Answer | Callable[[Asked], Answer]) -> Callable[[Asked], Answer]:
    """Answer one after the other, the last again and again."""
    left = list(answers)

    def answer(asked: Asked) -> Answer:
        given = left.pop(0) if len(left) > 1 else left[0]
        return given(asked) if callable(given) else given

    return answer


def test_each_round_gives_the_body() -> None:
    with serving(in_row(Answer(b"1"), Answer(b"2"))) as server, HttpPoller(server.url, **FAST) as p:
        assert take(p, 3) == [b"1", b"2", b"2"]


def test_what_has_not_changed_is_not_given() -> None:
    def answer(asked: Asked) -> Answer:
        if asked.headers.get("If-None-Match") == '"a"':
            return Answer(status=304)
        return Answer(b"news", headers={"ETag": '"a"', "Last-Modified": "then"})

    with serving(answer) as server, HttpPoller(server.url, **FAST) as poller:
        with reading(poller) as got:
            until(lambda: poller.counters["unchanged"] > 2)
        assert got == [b"news"]
        assert server.asked[-1].headers["If-Modified-Since"] == "then"
    assert poller.counters["failures"] == 0


def test_pages_are_followed_and_a_round_that_fails_begins_anew() -> None:
    def page(asked: Asked) -> Answer:
        if asked.path == "/" and "If-None-Match" in asked.headers:
            return Answer(status=304)
        headers = {"ETag": "x"}
        if asked.path != "/3":
            after = {"/": "/2", "/2": "3?"}[asked.path].rstrip("?")
            headers["Link"] = f'<{after}>; rel="next", </9>; rel="last"'
        if asked.path == "/3" and len(server.asked) == 3:
            return Answer(status=500)
        return Answer(asked.path.encode(), headers=headers)

    with serving(page) as server, HttpPoller(server.url + "/", **FAST) as poller:
        with reading(poller) as got:
            until(lambda: poller.counters["unchanged"])
        assert got == [b"/", b"/2", b"/", b"/2", b"/3"]


def test_a_server_that_fails_is_asked_again_after_longer_pauses() -> None:
    broken = Answer(status=500)
    with (
        serving(in_row(broken, broken, Answer(b"back"))) as server,
        HttpPoller(server.url, **FAST) as poller,
    ):
        assert take(poller, 1) == [b"back"]
        assert poller.counters["failures"] == 2


def test_a_server_that_is_gone_is_asked_until_it_is_back() -> None:
    with serving(lambda _: Answer(b"here")) as server:
        address = server._server.server_address
        poller = HttpPoller(server.url, **FAST)
        assert take(poller, 1) == [b"here"]
    with reading(poller) as got:
        until(lambda: poller.counters["failures"] > 2)
        with serving(lambda _: Answer(b"again"), address):
            until(lambda: b"again" in got)


def forever(data: bytes) -> Iterator[bytes]:
    while True:
        yield data
        time.sleep(0.001)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (lambda: Answer(b"x" * 2000), "more than 1000 bytes"),
        (lambda: Answer(forever(b"x")), "more than 1000 bytes|not there after"),
        (
            lambda: Answer(b"short", headers={"Content-Length": "50"}),
            "IncompleteRead|broke off|more",
        ),
        (lambda: Answer(status=302, headers={"Location": "http://example.org/"}), "redirects to"),
        (lambda: Answer(status=302, headers={"Location": "file:///etc/passwd"}), "not allowed"),
        (lambda: Answer(status=302, headers={"Location": "/"}), "infinite loop"),
        (lambda: Answer(status=401), "401"),
        (lambda: Answer(headers={f"X-{n}": "y" for n in range(200)}), "100 headers"),
    ],
)
def test_a_server_that_lies_is_a_failure_and_no_more(
    answer: Callable[[], Answer], why: str, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        serving(lambda _: answer()) as server,
        HttpPoller(server.url, max_bytes=1000, timeout=0.3, **FAST) as poller,
        reading(poller) as got,
    ):
        until(lambda: poller.counters["failures"] > 1)
    assert got == []
    (record,) = caplog.records  # the same trouble once a minute
    assert re.search(why, record.getMessage())


def test_pages_of_another_server_are_not_asked_for() -> None:
    link = {"Link": "<http://192.0.2.1/steal>; rel=next"}
    with serving(lambda _: Answer(b"1", headers=link)) as server:
        poller = HttpPoller(server.url, headers={"Authorization": "Bearer secret"}, **FAST)
        with reading(poller):
            until(lambda: poller.counters["failures"])


def test_headers_may_come_from_a_function_which_may_fail() -> None:
    tokens = iter(["a", "b"])

    def headers() -> dict[str, str]:
        return {"Authorization": next(tokens)}

    with serving(lambda asked: Answer(asked.headers["Authorization"].encode())) as server:
        with HttpPoller(server.url, headers=headers, **FAST) as poller, reading(poller) as got:
            until(lambda: poller.counters["failures"])
        assert got == [b"a", b"b"]


def test_the_end_does_not_wait_for_a_server_that_says_nothing() -> None:
    with serving(lambda _: Answer(forever(b""))) as server:
        poller = HttpPoller(server.url, timeout=5)
        with reading(poller):
            until(lambda: server.asked)


def test_a_socket_of_this_machine_is_asked(tmp_path: Path) -> None:
    with (
        serving(lambda asked: Answer(asked.path.encode()), tmp_path / "sock"),
        HttpPoller("http://any/x?y", unix_socket=str(tmp_path / "sock"), **FAST) as poller,
    ):
        assert take(poller, 1) == [b"/x?y"]


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://a/", "nothing", "http://"])
def test_what_is_no_url_of_http_is_refused(url: str) -> None:
    with pytest.raises(PluginError, match="is no http:// or https:// URL"):
        HttpPoller(url)


def test_a_server_says_when_to_come_again() -> None:
    assert retry_seconds("7") == 7.0
    assert retry_seconds("9" * 5000) == 3600.0
    later = email.utils.formatdate(time.time() + 100, usegmt=True)
    assert 90 < retry_seconds(later) <= 100
    for odd in ("", "-1", "soon", "Wed, 99 Foo 9999 99:99:99 GMT", "1e9", "²"):
        assert retry_seconds(odd) == 0.0
    with serving(lambda _: Answer(status=429, headers={"Retry-After": "100"})) as server:
        poller = HttpPoller(server.url, **FAST)
        with reading(poller):
            until(lambda: poller.counters["failures"])
            assert 90 < poller._due - time.monotonic() <= 100


@pytest.mark.parametrize(
    ("header", "link"),
    [
        ('<https://a/?p=2>; rel="next"', "https://a/?p=2"),
        ('<a>; rel="prev", <b>; title="x"; rel="last next"', "b"),
        ("<a>; REL=NEXT", "a"),
        ("", None),
        ("a; rel=next", None),
        ("<a>; rel=nexts", None),
        ("," * 100_000, None),
    ],
)
def test_the_next_page_is_found(header: str, link: str | None) -> None:
    assert next_link(header) == link


def test_pauses_double_up_to_the_longest_and_differ() -> None:
    backoff = Backoff(1.0, 8.0)
    pauses = [backoff.next() for _ in range(2000)]
    for pause, whole in zip(pauses, [1, 2, 4, *[8] * 1997], strict=True):
        assert whole / 2 <= pause <= whole
    assert len(set(pauses)) > 1900
    backoff.reset()
    assert backoff.next() <= 1.0
