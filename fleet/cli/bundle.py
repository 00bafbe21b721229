"""`wingspan fleet bundle make`, `verify` and `show`: what an update brings to devices."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fleet.cli.command import LoggedGroup, tell
from reports.terminal import emit, json_option

if TYPE_CHECKING:
    from fleet.bundle import Bundle
    from fleet.workspace import Workspace

SCHEMA = 1
_DAYS = 90
_file = click.argument("file", type=click.Path(path_type=Path))


@click.group("bundle", cls=LoggedGroup, context_settings={"help_option_names": ["-h", "--help"]})
def bundle() -> None:
    """Make the bundles that updates bring, and look into them.

    \b
    Example:
      wingspan fleet bundle make --kind debian --bundle-version 12.9 --from debs --out dec.tar
      wingspan fleet bundle verify dec.tar
    """


@bundle.command()
@click.option(
    "--kind",
    type=click.Choice(["debian", "generic", "rauc"]),
    required=True,
    help="Debian packages, files with checks, or an image for devices with two slots.",
)
@click.option(
    "--bundle-version", "version", required=True, help="What devices will say that they run."
)
@click.option(
    "--from",
    "folder",
    type=click.Path(path_type=Path),
    required=True,
    help="Folder: *.deb, files/ with remove.txt, or one *.img; checks/pre and checks/post.",
)
@click.option("--out", type=click.Path(path_type=Path), required=True, help="File to write.")
@click.option("--name", default="", help="The line of versions it belongs to; the kind if not.")
@click.option(
    "--from-version",
    "from_versions",
    multiple=True,
    help="Only for devices that run this version; may be given several times.",
)
@click.option("--compatible", default="", help="The kind of device that an image is for.")
@click.option(
    "--valid-days",
    "days",
    type=int,
    default=_DAYS,
    show_default=True,
    help="How long it may be used.",
)
@click.option(
    "--withdraw", "withdrawn", multiple=True, help="NAME/VERSION that may no longer be used."
)
@json_option
@click.pass_obj
def make(  # noqa: PLR0913 - click hands over each option
    workspace: Workspace,
    /,
    *,
    kind: str,
    folder: Path,
    out: Path,
    name: str,
    as_json: bool,
    **wanted: Any,
) -> None:
    """Make a bundle from a folder and sign it; it is then among those that may be used.

    Keys are made when the first bundle is. Both root keys may then be taken to a safe: they are
    needed again when the others are replaced, or in three years.

    \b
    Example:
      wingspan fleet bundle make --kind debian --bundle-version 12.9 --from debs --out dec.tar
    """
    from fleet.bundle import Kind, Wanted, make_bundle
    from fleet.identity import Identity
    from fleet.identity.operators import Role

    operator = workspace.settings().operator
    Identity.open(workspace).require(operator, Role.ADMIN, Role.OPERATOR)
    of = Wanted(name=name or kind, kind=Kind(kind), **wanted)
    made = make_bundle(workspace, folder, of, out, now=datetime.now(tz=UTC))
    tell(bundle=f"{made.name}/{made.version}", bundle_sha256=made.sha256)
    _emit(made, as_json=as_json, text=f"{_line(made)}\nwritten to {out}")


@bundle.command()
@_file
@json_option
@click.pass_obj
def verify(workspace: Workspace, file: Path, as_json: bool) -> None:
    """Check that FILE is as it was signed, may still be used, and was not replaced by an older one.

    \b
    Example:
      wingspan fleet bundle verify dec.tar
    """
    opened = _opened(workspace, file)
    _emit(opened, as_json=as_json, text=f"{_line(opened)}\nwhole, signed, and in force")


@bundle.command()
@_file
@json_option
@click.pass_obj
def show(workspace: Workspace, file: Path, as_json: bool) -> None:
    """Show what FILE brings, once it is found to be as it was signed.

    \b
    Example:
      wingspan fleet bundle show dec.tar
    """
    opened = _opened(workspace, file)
    manifest = opened.manifest
    lines = [
        _line(opened),
        *(f"  package  {name} {version}" for name, version in sorted(manifest.packages.items())),
        *(f"  file     {e.path}{f' -> {e.link}' if e.link else ''}" for e in manifest.files),
        *(f"  removes  {path}" for path in manifest.remove),
    ]
    _emit(opened, as_json=as_json, text="\n".join(lines))


def _opened(workspace: Workspace, file: Path) -> Bundle:
    from fleet.bundle import open_bundle

    opened = open_bundle(file, workspace)
    tell(bundle=f"{opened.name}/{opened.version}", bundle_sha256=opened.sha256)
    return opened


def _line(made: Bundle) -> str:
    meant = f", from {' or '.join(made.from_versions)}" if made.from_versions else ""
    size = f"{made.bytes / 1e6:,.1f} MB"
    return (
        f"{made.name} {made.version} ({made.kind}, number {made.number}, {size}{meant})\n"
        f"SHA-256 {made.sha256}"
    )


def _emit(made: Bundle, *, as_json: bool, text: str) -> None:
    manifest = made.manifest
    answer = {
        "schema": SCHEMA,
        "name": made.name,
        "kind": made.kind.value,
        "version": made.version,
        "number": made.number,
        "from_versions": list(made.from_versions),
        "bundle_sha256": made.sha256,
        "bytes": made.bytes,
        "bytes_needed": made.bytes_needed,
        "packages": [{"package": p, "version": v} for p, v in sorted(manifest.packages.items())],
        "files": [{"path": e.path, "sha256": e.sha256, "link": e.link} for e in manifest.files],
        "remove": list(manifest.remove),
    }
    emit(answer, as_json=as_json, text=text)
