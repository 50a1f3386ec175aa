# SPDX-License-Identifier: Apache-2.0
"""What is told of containers, what is known of them, and in which one an event is."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cgroups import container_of, running_containers
from container_metadata import ContainerMetadata
from stand_ins import DB, POD, WEB, Cgroups, ContainerdStandIn, DockerStandIn, container_message

from falcokit.testing import RunningPlugin, start_plugin

WEB_JSON = {
    "Name": "/web",
    "Config": {"Image": "nginx:1.27", "Labels": {"team": "shop"}},
}


@pytest.fixture
def cgroups(tmp_path: Path) -> Cgroups:
    (tmp_path / "cgroup").mkdir()
    return Cgroups(tmp_path / "cgroup")


@pytest.fixture
def docker(tmp_path: Path) -> Iterator[DockerStandIn]:
    standing = DockerStandIn(tmp_path / "docker.sock")
    standing.known[WEB] = WEB_JSON
    yield standing
    standing.stop()


def config(tmp_path: Path, **more: Any) -> dict[str, Any]:
    return {
        "docker": str(tmp_path / "docker.sock"),
        "containerd": str(tmp_path / "containerd.sock"),
        "cgroups": str(tmp_path / "cgroup"),
        "every_s": 60.0,
        **more,
    }


@pytest.mark.parametrize(
    ("cgroup", "identity"),
    [
        (f"/system.slice/docker-{WEB}.scope", WEB),
        (f"/docker/{WEB}", WEB),
        (f"/kubepods.slice/kubepods-pod1.slice/cri-containerd-{POD}.scope", POD),
        (f"/kubepods/besteffort/pod1/{POD}", POD),
        (f"/docker/{WEB}/docker/{DB}/init", DB),
        (f"/machine.slice/libpod-{DB}.scope/container", DB),
        (f"/machine.slice/libpod-conmon-{DB}.scope", None),
        ("/user.slice/user-1000.slice", None),
        (f"/{WEB}0", None),
    ],
)
def test_the_container_in_the_path_of_a_cgroup(cgroup: str, identity: str | None) -> None:
    assert container_of(cgroup) == identity


def test_no_more_containers_are_looked_at_than_asked_for(cgroups: Cgroups) -> None:
    cgroups.start(WEB)
    cgroups.start(DB)
    assert running_containers(str(cgroups.root), most=10) == {WEB, DB}
    assert len(running_containers(str(cgroups.root), most=1)) == 1


def test_what_docker_starts_and_ends_is_told_at_once(
    tmp_path: Path, cgroups: Cgroups, docker: DockerStandIn
) -> None:
    with start_plugin(
        ContainerMetadata, tables={"threads": {}}, config=config(tmp_path)
    ) as running:
        cgroups.start(WEB)
        docker.tell("start", WEB)
        told = running.next_event(timeout=10)
        assert (told.name, told.json) == ("container", WEB_TOLD)
        cgroups.end(WEB)
        docker.tell("die", WEB)
        gone = running.next_event(timeout=10)
        assert (gone.name, gone.json) == ("container_removed", {"id": WEB[:12]})


def test_what_containerd_starts_is_told_at_once(tmp_path: Path, cgroups: Cgroups) -> None:
    containerd = ContainerdStandIn(tmp_path / "containerd.sock")
    labels = {"io.kubernetes.container.name": "api", "io.kubernetes.pod.name": "api-7f" + "x" * 200}
    containerd.known[POD] = container_message(POD, "registry.example/api:2", labels)
    try:
        with start_plugin(
            ContainerMetadata, tables={"threads": {}}, config=config(tmp_path)
        ) as running:
            cgroups.start(POD)
            containerd.tell(POD)
            told = running.next_event(timeout=10).json
    finally:
        containerd.stop()
    assert told == {"id": POD[:12], "engine": "containerd", "name": "api",
                    "image": "registry.example/api:2", "labels": labels}  # fmt: skip


def test_a_container_that_no_engine_knows_is_told_by_its_id_and_later_with_its_name(
    tmp_path: Path, cgroups: Cgroups, docker: DockerStandIn
) -> None:
    cgroups.start(DB)
    with start_plugin(
        ContainerMetadata, tables={"threads": {}}, config=config(tmp_path)
    ) as running:
        assert running.next_event(timeout=10).json["name"] == ""
        docker.known[DB] = {"Name": "/db", "Config": {"Image": "postgres:17", "Labels": None}}
        docker.tell("start", DB)
        assert running.next_event(timeout=10).json["name"] == "db"


def test_docker_may_come_late_and_go(tmp_path: Path, cgroups: Cgroups) -> None:
    cgroups.start(WEB)
    with start_plugin(
        ContainerMetadata, tables={"threads": {}}, config=config(tmp_path, every_s=0.02)
    ) as running:
        assert running.next_event(timeout=10).json["name"] == ""
        first = DockerStandIn(tmp_path / "docker.sock")
        first.stop()
        cgroups.start(DB)
        assert running.next_event(timeout=10).json["id"] == DB[:12]


def an_event_of(running: RunningPlugin, make_event: Any, make_async: Any, tid: int) -> Any:
    running.parse(make_event("<execve", tid=tid, exe="/bin/sh", comm="sh"))
    return make_event("<openat", tid=tid, fd=3, name="/etc/passwd")


WEB_TOLD = {
    "id": WEB[:12],
    "engine": "docker",
    "name": "web",
    "image": "nginx:1.27",
    "labels": {"team": "shop"},
}
THREADS = {
    7: {"cgroups": {0: {"second": f"/system.slice/docker-{WEB}.scope"}}},
    8: {"cgroups": {0: {"second": "/user.slice"}}},
}


@pytest.mark.falcokit(tables={"threads": THREADS}, capture=False)
def test_an_event_has_the_container_of_its_thread(plugin, make_event, make_async) -> None:
    plugin.parse(make_async("container", WEB_TOLD))
    inside = an_event_of(plugin, make_event, make_async, 7)
    fields = ["ctr.id", "ctr.name", "ctr.image", "ctr.engine", "ctr.label[team]", "ctr.label[x]"]
    values = [plugin.extract(name, inside) for name in fields]
    assert values == [WEB[:12], "web", "nginx:1.27", "docker", "shop", None]
    outside = an_event_of(plugin, make_event, make_async, 8)
    assert [plugin.extract(name, outside) for name in fields] == [None] * 6
    plugin.parse(make_async("container_removed", {"id": WEB[:12]}))
    assert plugin.extract("ctr.id", inside) == WEB[:12]
    assert plugin.extract("ctr.name", inside) is None


@pytest.mark.falcokit(tables={"threads": {}}, capture=False)
def test_a_capture_begins_with_what_is_known(plugin, make_async) -> None:
    plugin.parse(make_async("container", WEB_TOLD))
    assert [event.json for event in plugin.dump_state()] == [WEB_TOLD]


@pytest.mark.falcokit(hosts=["runner"])  # it has the table of threads, kept by the capture's events
def test_the_rules_find_the_shell_and_the_untagged_image(alerts, assert_alert) -> None:
    found = alerts(Path(__file__).parents[1] / "events.scap")
    assert [alert.rule.partition(" (")[0] for alert in found] == [
        "Container of an untagged image",
        "Shell in a container",
    ]
    assert_alert("Shell in a container (container-metadata)", fields={"ctr.name": "web"})
