# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Installs pip into ansible-test's virtual environments out of Python's own copy and the package index.

ansible-test would download a script for this from a site of its own, which closed networks do not reach.
"""

from __future__ import annotations

import runpy
import subprocess
import sys

# In a process of its own: ensurepip switches pip's configuration off for the process that it runs in.
subprocess.run([sys.executable, "-m", "ensurepip"], check=True, stdout=subprocess.DEVNULL)
wanted = [argument for argument in sys.argv[1:] if argument not in ("--no-setuptools", "--no-wheel")]
sys.argv = ["pip", "install", *wanted]
runpy.run_module("pip", run_name="__main__")
