# SPDX-License-Identifier: Apache-2.0
"""From a line of auth.log to a login: who, from where, how, and whether it worked."""

import re
from typing import Any

# The time is "Nov 23 19:00:01" or "2026-11-23T19:00:01.123456+00:00".
_HEAD = re.compile(
    r"(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d|\d{4}-\d\d-\d\dT\S+) "
    r"(?P<host>\S+) (?P<program>[^\s\[:]+)(?:\[\d+\])?: (?P<message>.*)"
)
_SSHD = re.compile(
    r"(?P<result>Accepted|Failed) (?P<method>\S+) for (?P<invalid>invalid user )?"
    # a user name may hold anything, " from 192.0.2.1 port 1" too: the last one is the address
    r"(?P<user>.*) from (?P<address>[0-9A-Fa-f.:]+)(?:%\w+)? port \d+"
)
_SUDO = re.compile(
    r"pam_unix\(sudo:auth\): authentication failure;.*? rhost=(?P<address>\S*)\s+user=(?P<user>\S+)"
)
_SUDO_DONE = re.compile(r"\s*(?P<user>\S+) : (?P<refused>.*incorrect password.* ; )?.*COMMAND=")


def read_login(line: str) -> dict[str, Any] | None:
    """Return what a line says of a login, or None when it is about something else."""
    head = _HEAD.match(line)
    if head is None:
        return None
    program, message = head["program"], head["message"]
    found: dict[str, Any] | None = None
    if program in {"sshd", "sshd-session"} and (match := _SSHD.match(message)):
        found = {
            "user": match["user"],
            "address": match["address"],
            "method": match["method"],
            "result": "success" if match["result"] == "Accepted" else "failure",
            "invalid_user": match["invalid"] is not None,
        }
    elif program == "sudo" and (match := _SUDO.match(message)):
        found = {
            "user": match["user"],
            "address": match["address"] or None,
            "method": "sudo",
            "result": "failure",
            "invalid_user": False,
        }
    elif program == "sudo" and (match := _SUDO_DONE.match(message)) and not match["refused"]:
        found = {
            "user": match["user"],
            "address": None,
            "method": "sudo",
            "result": "success",
            "invalid_user": False,
        }
    return found and {"host": head["host"], "program": program, **found, "line": line}
