"""Makes a virtual environment of requirements-dev.lock for the Python that runs this: ``environment.py FOLDER``.

Nothing is installed yet when it runs, so the standard library has to do. uv installs the lock in a tenth of pip's time,
and pip, which every Python brings, installs uv. What pip is told about indexes and certificates, uv is told too. Where
uv cannot be had or fails, pip installs it all.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

LOCK = Path(__file__).parents[2] / "requirements-dev.lock"
# pip reads its variables after the command's own section, and that after the one for all commands.
_SECTIONS = ("global", "install", ":env:")
_PIP_INSTALL = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes")


def main(folder: Path) -> int:
    """Make the environment anew. Returns 0, or 1 after saying what failed."""
    if subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=False).returncode:
        print("No virtual environment could be made. On Debian and Ubuntu: apt-get install python3-venv")
        return 1
    python = str(folder.absolute() / "bin/python")
    if not _install_with_uv(python):
        print("uv could not install the packages: pip does, which takes about a minute.", flush=True)
        if subprocess.run([python, *_PIP_INSTALL, "-r", str(LOCK)], check=False).returncode:
            return 1
    stamp(folder, own_version()).touch()
    return 0


def own_version() -> str:
    """The Python that runs this: ``3.11``."""
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def stamp(folder: Path, version: str) -> Path:
    """The file that says: this environment is whole, and of that Python. The Makefile knows its name too."""
    return folder / f".installed-{version}"


def is_current(folder: Path, version: str) -> bool:
    """Whether the environment is of that Python and of the lock as it is now."""
    made = stamp(folder, version)
    return made.is_file() and made.stat().st_mtime >= LOCK.stat().st_mtime


def _install_with_uv(python: str) -> bool:
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as pinned:
        pinned.write(requirement("uv", LOCK.read_text()))
        pinned.flush()
        command = [python, *_PIP_INSTALL, "--no-deps", "--only-binary", ":all:", "-r", pinned.name]
        if subprocess.run(command, check=False).returncode:
            return False
    environment = os.environ | uv_variables(pip_settings(pip_config(python)), os.environ)
    uv = str(Path(python).with_name("uv"))
    command = [uv, "pip", "install", "--quiet", "--require-hashes", "--python", python, "-r", str(LOCK)]
    return subprocess.run(command, env=environment, check=False).returncode == 0


def requirement(name: str, lock: str) -> str:
    """The lines of one package in a lock, hashes included. Raises ValueError when it is not there."""
    lines = lock.splitlines()
    first = next((number for number, line in enumerate(lines) if line.startswith(f"{name}==")), None)
    if first is None:
        raise ValueError(f"{name} is not in the lock")
    found = [lines[first]]
    while found[-1].endswith("\\"):
        found.append(lines[first + len(found)])
    return "\n".join(found) + "\n"


def pip_config(python: str) -> str:
    """What ``pip config list`` prints for that Python."""
    command = [python, "-m", "pip", "config", "list"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def pip_settings(listed: str) -> dict[str, str]:
    """What counts for ``pip install`` out of ``pip config list``: variables and every pip.conf, by long option."""
    by_section: dict[str, dict[str, str]] = {section: {} for section in _SECTIONS}
    for line in listed.splitlines():
        name, _, value = line.partition("=")
        section, _, key = name.rpartition(".")
        if section in by_section:
            by_section[section][key] = str(ast.literal_eval(value))
    return {key: value for section in _SECTIONS for key, value in by_section[section].items()}


def uv_variables(pip: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    """pip's settings as uv's variables. Variables that are set for uv already stay.

    Source: the variables of uv 0.13 (``uv pip install --help``), the options of pip 25 (``pip install --help``).
    """
    links = [link for link in pip.get("find-links", "").split() if "://" in link or Path(link).is_dir()]
    indexes = pip.get("extra-index-url", "").split()
    timeout = pip.get("default-timeout") or pip.get("timeout")
    proxy = pip.get("proxy", "")
    translated = {
        "UV_DEFAULT_INDEX": pip.get("index-url", ""),
        "UV_INDEX": " ".join(indexes),
        # Like pip: the hashes tell which file is meant, wherever it lies.
        "UV_INDEX_STRATEGY": "unsafe-best-match" if indexes else "",
        "UV_FIND_LINKS": ",".join(links),
        "UV_NO_INDEX": "true" if _is_on(pip.get("no-index", "")) else "",
        "UV_INSECURE_HOST": " ".join(pip.get("trusted-host", "").split()),
        "UV_HTTP_TIMEOUT": str(max(1, round(float(timeout)))) if timeout else "",
        "SSL_CLIENT_CERT": pip.get("client-cert", ""),
        "HTTPS_PROXY": proxy,
        "HTTP_PROXY": proxy,
    }
    wanted = {name: value for name, value in translated.items() if value and not environment.get(name)}
    return wanted | _authorities(pip, environment)


def _authorities(pip: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    """pip's own bundle before that of its HTTP library; else the system's, as newer releases of pip do."""
    bundle = pip.get("cert") or environment.get("REQUESTS_CA_BUNDLE") or environment.get("CURL_CA_BUNDLE")
    if bundle and Path(bundle).is_file():
        return {"SSL_CERT_FILE": bundle}
    return {} if environment.get("SSL_CERT_FILE") else {"UV_SYSTEM_CERTS": "true"}


def _is_on(value: str) -> bool:
    return value.strip().lower() in ("1", "true", "yes", "on", "y", "t")


def _arguments(given: Sequence[str]) -> Path:
    if len(given) != 1:
        raise SystemExit("usage: environment.py FOLDER")
    return Path(given[0])


if __name__ == "__main__":
    sys.exit(main(_arguments(sys.argv[1:])))
