"""`python -m release awx|build|judge|judge-all|publish|site`: see the Makefile."""

from __future__ import annotations

import sys
from pathlib import Path

from release.addresses import nowhere
from release.artefact import ROOT, build
from release.awx.writing import written
from release.errors import ReleaseError
from release.judge import judge
from release.publishing import publish
from release.site import build_site

BUILD = ROOT / "build"


def main(command: str) -> int:
    """Run a command. Returns the exit code."""
    try:
        return COMMANDS[command]()
    except ReleaseError as error:
        print(error)
        return 1


def _build() -> int:
    _say(build(_emptied(BUILD / "artefact")))
    return 0


def _judge_all() -> int:
    return _judge(lint=True)


def _judge(lint: bool = False) -> int:
    artefact = build(_emptied(BUILD / "judged"), nowhere())
    findings = judge(artefact, lint)
    print(
        "\n".join(findings)
        or f"{artefact.relative_to(ROOT)}: galaxy-importer and antsibull-docs have nothing against it."
    )
    return int(bool(findings))


def _emptied(folder: Path) -> Path:
    for old in folder.glob("*.tar.gz"):
        old.unlink()
    return folder


def _say(path: Path) -> None:
    print(f"{path.relative_to(ROOT)}")


def _awx() -> int:
    for path, text in written(ROOT).items():
        path.write_text(text)
        _say(path)
    return 0


def _publish() -> int:
    for path in publish(BUILD / "release"):
        _say(path)
    return 0


def _site() -> int:
    warnings = build_site(BUILD / "site", nowhere())
    print("\n".join(warnings) or "build/site/index.html")
    return int(bool(warnings))


COMMANDS = {
    "awx": _awx,
    "build": _build,
    "judge": _judge,
    "judge-all": _judge_all,
    "publish": _publish,
    "site": _site,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
