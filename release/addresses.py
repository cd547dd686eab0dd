"""Where the collection is published: known to whoever publishes it, not to this repository."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from release.errors import ReleaseError

# A name that leads nowhere (RFC 6761): the importer wants an address, and a check of the artefact has none.
NOWHERE = "https://resilient-traefik.test"


@dataclass(frozen=True)
class Addresses:
    """The four of galaxy.yml."""

    repository: str
    issues: str
    documentation: str
    homepage: str

    def fill(self, galaxy: str) -> str:
        """The text of galaxy.yml with them in it. Raises ReleaseError where one of them is stated there already."""
        stated = [name for name in vars(self) if f"\n{name}:" in f"\n{galaxy}"]
        if stated:
            raise ReleaseError(f"galaxy.yml states {', '.join(stated)} itself. Take it out there, or do not give it.")
        return galaxy.rstrip("\n") + "\n" + "".join(f"{name}: {value}\n" for name, value in vars(self).items())

    def of_file(self, version: str) -> Callable[[str], str]:
        """Where a file of the repository can be read, as of the release's tag."""
        return lambda path: f"{self.repository}/blob/v{version}/{path}"


def given(environment: Mapping[str, str]) -> Addresses:
    """What the variables REPOSITORY, ISSUES, DOCUMENTATION and HOMEPAGE say; the last three are made of the first.

    Raises ReleaseError where there is no repository, or where one is no address of the web.
    """
    repository = environment.get("REPOSITORY", "").rstrip("/")
    if not repository:
        raise ReleaseError(
            "Nobody knows yet where the collection is published, and Galaxy's importer refuses what has no repository. "
            "Name it: make release REPOSITORY=https://git.example.test/resilient/traefik "
            "[ISSUES=...] [DOCUMENTATION=...] [HOMEPAGE=...]. For an artefact of your own: make build."
        )
    found = Addresses(
        repository,
        environment.get("ISSUES") or f"{repository}/issues",
        environment.get("DOCUMENTATION") or repository,
        environment.get("HOMEPAGE") or repository,
    )
    for name, value in vars(found).items():
        parts = urlsplit(value)
        if parts.scheme != "https" or not parts.hostname or any(sign.isspace() for sign in value):
            raise ReleaseError(f"{name.upper()} is no https address: {value}")
    return found


def nowhere() -> Addresses:
    """Addresses to judge an artefact with that nobody publishes."""
    return given({"REPOSITORY": NOWHERE})
