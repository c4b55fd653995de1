"""The model: the only folder that imports PyMC, nutpie or ArviZ."""
