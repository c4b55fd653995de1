"""Studies draw what they find: without matplotlib none of their tests is collected."""

import importlib.util

collect_ignore_glob = [] if importlib.util.find_spec("matplotlib") else ["test_*.py"]
