# SPDX-License-Identifier: Apache-2.0
"""Lines as sshd and sudo write them, and lines that are made to look like them."""

import pytest
from logins import read_login

HEAD = "Nov 23 19:00:01 web1 "


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (
            HEAD + "sshd[812]: Failed password for root from 203.0.113.7 port 50022 ssh2",
            ("root", "203.0.113.7", "password", "failure", False),
        ),
        (
            HEAD + "sshd[812]: Failed none for invalid user bob from 2001:db8::7 port 1 ssh2",
            ("bob", "2001:db8::7", "none", "failure", True),
        ),
        (
            (
                "2026-11-23T19:00:01.123456+00:00 web1 sshd-session[9]: "
                "Accepted publickey for eve from fe80::1%eth0 port 4 ssh2: ED25519 SHA256:abc"
            ),
            ("eve", "fe80::1", "publickey", "success", False),
        ),
        (
            HEAD
            + "sudo: pam_unix(sudo:auth): authentication failure; logname=a uid=1000 euid=0"
            + " tty=/dev/pts/0 ruser=a rhost=  user=a",
            ("a", None, "sudo", "failure", False),
        ),
        (
            HEAD + "sudo:    alice : TTY=pts/0 ; PWD=/home ; USER=root ; COMMAND=/bin/ls",
            ("alice", None, "sudo", "success", False),
        ),
    ],
)
def test_a_login_is_read(line: str, expected: tuple[object, ...]) -> None:
    found = read_login(line)
    assert found is not None
    keys = ("user", "address", "method", "result", "invalid_user")
    assert tuple(found[key] for key in keys) == expected
    assert (found["host"], found["line"]) == ("web1", line)


@pytest.mark.parametrize(
    "line",
    [
        "",
        "no syslog line",
        HEAD + "cron[1]: pam_unix(cron:session): session opened for user root",
        HEAD + "mailer[1]: Failed password for root from 203.0.113.7 port 50022 ssh2",
        HEAD + "sudo:  alice : 3 incorrect password attempts ; USER=root ; COMMAND=/bin/ls",
    ],
)
def test_other_lines_are_none(line: str) -> None:
    assert read_login(line) is None


def test_a_user_name_cannot_forge_the_address() -> None:
    name = "x from 192.0.2.1 port 22 ssh2"
    line = f"{HEAD}sshd[1]: Failed password for invalid user {name} from 203.0.113.7 port 5 ssh2"
    found = read_login(line)
    assert found is not None
    assert (found["user"], found["address"]) == (name, "203.0.113.7")
