"""The documentation as a site: guides and runbooks as they are, and each plugin and role by antsibull-docs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from release.addresses import Addresses
from release.artefact import ROOT, known_to_git, program, version
from release.errors import ReleaseError
from release.links import led_out

NAME = "resilient.traefik"
# Texts of people who work on it, and of what is not the collection's.
_LEFT_OUT = ("tests/", "bench/", "lab/", "molecule/", "CODE_OF_CONDUCT.md", "CONTRIBUTING.md")
_INDEX = """\
{title}
{line}

.. toctree::
   :maxdepth: 1
   :caption: Guides

   README
   docs/harden
   docs/fallback_proxy
   docs/drill
   docs/alerts
   docs/fleet
   docs/awx
   docs/rbac
   docs/security
   docs/support

.. toctree::
   :maxdepth: 2
   :caption: Modules, roles and plugins

   collections/index

.. toctree::
   :maxdepth: 1
   :caption: More
   :glob:

   docs/*
   docs/runbooks/*
   roles/*/README
   SECURITY
   CHANGELOG
"""
_CONF = """\
project = "resilient.traefik"
copyright = "The resilient.traefik authors"
release = version = {version!r}
extensions = ["myst_parser", "sphinx_antsibull_ext"]
source_suffix = {{".rst": "restructuredtext", ".md": "markdown"}}
html_theme = "sphinx_ansible_theme"
html_title = "resilient.traefik " + version
html_copy_source = False
html_show_sphinx = False
html_theme_options = {{"documentation_home_url": {home!r}, "vcs_pageview_mode": "blob"}}
myst_heading_anchors = 4
suppress_warnings = ["ref.ref", "ref.envvar", "toc.not_included", "toc.multiple_toctree_parents"]
suppress_warnings += ["misc.highlighting_failure"]
nitpicky = False
"""


def pages() -> list[str]:
    """The Markdown files of the site."""
    return [name for name in known_to_git(ROOT) if name.endswith(".md") and not name.startswith(_LEFT_OUT)]


def build_site(folder: Path, addresses: Addresses) -> list[str]:
    """Build the site into `folder`. Returns the lines that Sphinx warns with. Raises ReleaseError where it fails."""
    shutil.rmtree(folder, ignore_errors=True)
    with tempfile.TemporaryDirectory() as made:
        source = Path(made) / "source"
        _write_guides(source, addresses.of_file(version()))
        _write_reference(source)
        title = f"{NAME} {version()}"
        (source / "index.rst").write_text(_INDEX.format(title=title, line="=" * len(title)))
        (source / "conf.py").write_text(_CONF.format(version=version(), home=addresses.homepage))
        command = [sys.executable, "-m", "sphinx", "-q", "-b", "html", "-j", "auto", str(source), str(folder)]
        return list(_warnings(_run(command, source), source))


def _write_guides(source: Path, elsewhere: Callable[[str], str]) -> None:
    own = pages()
    pictures = [name for name in known_to_git(ROOT) if name.startswith("docs/") and name.endswith(".svg")]
    kept = {*own, *pictures, "CHANGELOG.rst"}
    for name in kept:
        text = (ROOT / name).read_text()
        target = source / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(led_out(text, name, kept, elsewhere) if name.endswith(".md") else text)


def _write_reference(source: Path) -> None:
    reference = source / "collections"
    reference.mkdir(parents=True)
    command = [program("antsibull-docs"), "collection", "--use-current", "--no-indexes", "--fail-on-error"]
    _run([*command, "--squash-hierarchy", "--dest-dir", str(reference), NAME], ROOT)


def _run(command: list[str], folder: Path) -> str:
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".collections"), "ANSIBLE_NOCOLOR": "1"}
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    told = subprocess.run(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if told.returncode:
        end = "\n".join(told.stdout.splitlines()[-20:])
        raise ReleaseError(f"{Path(command[0]).name} failed while the site was built:\n{end}")
    return told.stdout


def _warnings(output: str, source: Path) -> Iterator[str]:
    yield from (line.replace(f"{source}/", "") for line in output.splitlines() if "WARNING" in line or "ERROR" in line)
