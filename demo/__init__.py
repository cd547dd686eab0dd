"""`make demo`: the failure, the cure by the playbook harden, and the same measurements and drills before and after."""

import sys
from pathlib import Path

# The collection is imported under its own name, as Ansible does.
sys.path.insert(0, str(Path(__file__).parents[1] / ".collections"))
