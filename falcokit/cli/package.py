# SPDX-License-Identifier: Apache-2.0
"""`falcokit package`: one file in dist/ that any Falco loads."""

# ruff: noqa: TC001 - typer reads the annotations while running

from __future__ import annotations

import enum
from pathlib import Path
from typing import Annotated

import typer

from falcokit.cli.options import InitConfig, Json, OpenParams, ProjectDir

__all__ = ["package"]


class _Layout(enum.StrEnum):
    FILE = "file"
    DIR = "dir"


class _Deployment(enum.StrEnum):
    FALCO = "falco"
    HELM = "helm"
    OPERATOR = "operator"
    DOCKERFILE = "dockerfile"
    INDEX = "index"
    REGISTRY = "registry"


def package(
    *,
    project: ProjectDir = Path(),
    layout: Annotated[
        _Layout, typer.Option(help="One file, or a small library with a folder beside it.")
    ] = _Layout.FILE,
    runtime: Annotated[
        str | None,
        typer.Option(
            metavar="PYTHON",
            help="The Python to ship: an interpreter, its prefix, or a python-build-standalone"
            " archive. Without it the one that runs falcokit.",
        ),
    ] = None,
    max_glibc: Annotated[
        str | None, typer.Option(metavar="2.N", help="Fail if a newer glibc would be needed.")
    ] = None,
    no_verify: Annotated[
        bool, typer.Option("--no-verify", help="Do not load the artifact to prove it.")
    ] = False,
    init_config: InitConfig = None,
    open_params: OpenParams = None,
    oci: Annotated[
        bool, typer.Option("--oci", help="Write an OCI layout for `falcokit publish` as well.")
    ] = False,
    deploy: Annotated[
        _Deployment | None, typer.Option(help="Print what a deployment needs, for the kind given.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Make one file that any Falco loads."""
    from falcokit.cli.do_package import do  # noqa: PLC0415

    do(
        project=project,
        layout=layout,
        runtime=runtime,
        max_glibc=max_glibc,
        no_verify=no_verify,
        init_config=init_config,
        open_params=open_params,
        oci=oci,
        deploy=deploy,
        as_json=as_json,
    )
