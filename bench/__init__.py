"""Measures the collection beside what people use today, on the lab. `make bench` runs it."""

import sys
from pathlib import Path

# The collection is imported under its own name, as Ansible does.
sys.path.insert(0, str(Path(__file__).parents[1] / ".collections"))
