# SPDX-License-Identifier: Apache-2.0
"""`falcokit package`: one file in dist/ that any Falco loads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from falcokit.cli import console
from falcokit.cli.interrupt import signals_as_interrupts
from falcokit.cli.option_values import check_config, plugin_config
from falcokit.cli.package_view import show_artifact, steps, to_json
from falcokit.package.artifact import artifact as packaging
from falcokit.project.settings import load_project

if TYPE_CHECKING:
    from falcokit.cli.options import PackageOptions
    from falcokit.package.artifact.artifact import Artifact
    from falcokit.package.registry.layout import OciLayout
    from falcokit.project.settings import Project

__all__ = ["package"]


def package(options: PackageOptions) -> None:
    """Make the artifact and report what is in it."""
    found = load_project(options.project)
    check_config(options, found)
    name = found.name or ""
    if options.from_falco_yaml:
        from falcokit.build.build_project import describe_project  # noqa: PLC0415

        name = describe_project(found).name
    config = plugin_config(options, found, name=name)
    wanted = packaging.PackageOptions(
        as_folder=options.layout == "dir",
        runtime=options.runtime,
        max_glibc=options.max_glibc,
        verify=not options.no_verify,
        init_config=config.init_config,
        open_params=config.open_params,
    )
    with signals_as_interrupts():  # an artifact is written whole, or not at all
        with steps() as progress:
            artifact = packaging.make_artifact(found, wanted, progress)
        if found.rules:
            from falcokit.build.about import library_about  # noqa: PLC0415
            from falcokit.cli.rules import check_files, warn_of_rules  # noqa: PLC0415

            warn_of_rules(check_files(found.rules, library_about(artifact.metadata)), found.root)
        written = _write_layout(found, artifact) if options.oci else None
    text = None
    if options.deploy:
        text = _deployment(found, artifact, options.deploy, config.open_params)
    if options.as_json:
        console.json_line(to_json(artifact, written, text))
        return
    show_artifact(artifact, written)
    console.data(text.rstrip("\n") if text else str(artifact.path))


def _write_layout(project: Project, artifact: Artifact) -> OciLayout:
    from falcokit.package.artifact.rules import make_rules_artifact  # noqa: PLC0415
    from falcokit.package.registry.layout import PackagedPlugin, write_layout  # noqa: PLC0415

    name, version = artifact.metadata.name, artifact.metadata.version
    start, end = f"{name}-{version}-linux-", ".tar.gz"
    plugin = PackagedPlugin(
        name=name,
        version=version,
        required_api_version=artifact.metadata.required_api_version,
        archives={
            path.name.removeprefix(start).removesuffix(end): path
            for path in sorted(project.dist_dir.glob(f"{start}*{end}"))
        },
    )
    rules = make_rules_artifact(project.root, project.dist_dir, name=name, version=version)
    return write_layout(project.dist_dir / "oci", plugin, rules=rules)


def _deployment(project: Project, artifact: Artifact, kind: str, open_params: str | None) -> str:
    from falcokit.package.deploy.deploy import DeployFacts, deploy_text  # noqa: PLC0415

    facts = DeployFacts(
        plugin=artifact.metadata,
        license=project.license,
        arch=artifact.runtime.machine,
        open_params=open_params or "",
        repository=project.package.repository,
        rules=tuple(path.name for path in project.rules),
    )
    return deploy_text(kind, facts)
