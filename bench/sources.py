# SPDX-License-Identifier: Apache-2.0
"""Source events a second through libsinsp and sysdig, beside the C plugin's in the same run."""

from __future__ import annotations

import json
import subprocess
import time
from typing import TYPE_CHECKING

from bench.host import Host, build_plugin, plugin
from bench.table import Row

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["documents", "sources"]

_ENDLESS = 1_000_000_000_000
_SYSDIG_EVENTS = 40_000_000


def _sinsp(host: Host, library: Path, init: dict, params: str) -> float:
    report = host.capture(*plugin(library, init), "--open", params, "--secs", "2")
    return report["by_type"]["322:pluginevent"]["per_s"]


def _sysdig(host: Host, library: Path, name: str, init: dict, params: str) -> float:
    """Take the time of the whole program, its start and the plugin's included; nothing is shown."""
    config = json.dumps(init)
    chosen = f"{name}:{params}" if params else name
    command = [str(host.sysdig), "-q", "-H", f"{library}:{config}", "-I", chosen]
    begin = time.perf_counter()
    subprocess.run(
        [*command, "-n", str(_SYSDIG_EVENTS)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=300, check=True,
    )  # fmt: skip
    return _SYSDIG_EVENTS / (time.perf_counter() - begin)


def sources(host: Host, folder: Path, runs: int) -> list[Row]:
    """Measure a generator of bytes of 32 B and 1 KiB, a queue, and both beside a busy thread."""
    library = build_plugin("source", folder).library
    rows = []
    for size in (32, 1024):
        forms: dict[str, tuple[dict, str]] = {
            "generator": ({"size": size}, ">= 0.9"),
            "generator, CPU-bound thread beside": ({"size": size, "burn": True}, ""),
            "queue filled by a thread": ({"size": size, "queue": True}, ""),
        }
        baseline: list[float] = []
        ours: dict[str, list[float]] = {form: [] for form in forms}
        for _ in range(runs):
            params = f"{_ENDLESS},128,{size}"
            baseline.append(_sinsp(host, host.baseline, {"async": 0}, params))
            for form, (config, _) in forms.items():
                ours[form].append(_sinsp(host, library, config, ""))
        rows += [
            Row(f"source, {size} B, {form}", "events/s", ours[form], baseline, goal)
            for form, (_, goal) in forms.items()
        ]
        shown: tuple[list[float], list[float]] = ([], [])
        for _ in range(runs):
            shown[0].append(_sysdig(host, library, "source", {"size": size}, ""))
            params = f"{_ENDLESS},128,{size}"
            shown[1].append(_sysdig(host, host.baseline, "baseline", {"async": 0}, params))
        rows.append(Row(f"source in sysdig, {size} B", "events/s", *shown, goal=">= 0.9"))
    return rows


def _audit_event(n: int) -> dict:
    """Return an event as the API server of Kubernetes logs it, of about 1.2 kB."""
    pod, team = f"web-{n % 5000}", f"team-{n % 50}"
    account = "system:serviceaccount:kube-system:deployment-controller"
    return {
        "kind": "Event", "apiVersion": "audit.k8s.io/v1", "level": "RequestResponse",
        "auditID": f"{n:08x}-4b0a-4c2e-9f3e-6f0d3a1b7c55", "stage": "ResponseComplete",
        "requestURI": f"/api/v1/namespaces/{team}/pods/{pod}?fieldManager=kubectl",
        "verb": ("create", "get", "update", "delete")[n % 4],
        "user": {"username": account, "uid": "b1f0a7a2-0b9e-4a2b-8f0b-0d7a0c0f4b0e",
                 "groups": ["system:serviceaccounts", "system:authenticated"]},
        "sourceIPs": [f"10.0.0.{n % 250}"],
        "userAgent": f"kube-controller-manager/v1.29.1 (linux/amd64) kubernetes/bc401b9/{account}",
        "objectRef": {"resource": "pods", "namespace": team, "name": pod, "apiVersion": "v1"},
        "responseStatus": {"metadata": {}, "code": 201},
        "requestObject": {
            "kind": "Pod", "apiVersion": "v1",
            "metadata": {"name": pod, "namespace": team, "labels": {"app": "web"}},
            "spec": {"containers": [{"name": "web", "image": "nginx:1.25"}], "hostNetwork": False},
        },
        "requestReceivedTimestamp": "2026-01-31T23:59:59.123456Z",
        "stageTimestamp": f"2026-01-31T23:59:59.{n % 1_000_000:06d}Z",
        "annotations": {"authorization.k8s.io/decision": "allow",
                        "authorization.k8s.io/reason": "RBAC: allowed by ClusterRoleBinding"},
    }  # fmt: skip


def _audit_file(file: Path, events: int, in_list: int) -> None:
    """Write events, one a line, or lists of `in_list` of them."""
    with file.open("w") as out:
        for first in range(0, events, in_list or 1):
            items = [_audit_event(n) for n in range(first, first + (in_list or 1))]
            whole = {"kind": "EventList", "apiVersion": "audit.k8s.io/v1", "items": items}
            out.write(json.dumps(whole if in_list else items[0], separators=(",", ":")) + "\n")


def documents(host: Host, folder: Path, runs: int) -> list[Row]:
    """Measure audit events from a file, split by the declaration and by Python's json."""
    library = build_plugin("audit", folder).library
    rows = []
    for what, in_list in (("one a line", 0), ("lists of 100", 100), ("lists of 5000", 5000)):
        file = folder / f"audit-{in_list}.jsonl"
        _audit_file(file, 20_000, in_list)
        ours: dict[bool, list[float]] = {True: [], False: []}
        for _ in range(runs):
            for declared, found in ours.items():
                found.append(_sinsp(host, library, {"declared": declared}, str(file)))
        rows += [
            Row(f"audit events from a file, {what}, {by}", "events/s", ours[declared], goal=goal)
            for declared, by, goal in (
                (True, "JsonDocuments", ">= 323 k"), (False, "Python's json", ""),
            )
        ]  # fmt: skip
    return rows
