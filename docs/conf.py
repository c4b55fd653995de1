"""Settings of the site: Markdown of this folder and docstrings -> pages that need no network."""

import sys
from importlib.metadata import version as version_of
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

project = "adbudget"
author = "The adbudget authors"
copyright = author
release = version = version_of("adbudget")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "first_mentions",
    "house_docstrings",
    "links_outside",
    "math_without_scripts",
]
exclude_patterns = ["_extensions"]
nitpicky = False
language = "en"

myst_enable_extensions = ["dollarmath"]
myst_dmath_allow_labels = False
myst_heading_anchors = 4  # links to headings are those of GitHub
suppress_warnings = ["myst.header"]  # a page may begin below the first level

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # shapes and units stand in the docstrings, types in editors
autodoc_default_options = {"members": True, "show-inheritance": False}
toc_object_entries_show_parents = "hide"

html_theme = "furo"
html_title = f"adbudget {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
html_theme_options = {"footer_icons": []}
pygments_style = "friendly"
pygments_dark_style = "monokai"
