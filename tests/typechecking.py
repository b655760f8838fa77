"""The checker that the import hook of `conftest.py` puts on annotated functions."""

from beartype import BeartypeConf, beartype

check = beartype(conf=BeartypeConf(is_pep484_tower=True))
"""Checks arguments and results; an int may stand for a float, as in any config."""
