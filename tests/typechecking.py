"""The checker that the import hook of `conftest.py` puts on annotated functions."""

from typing import Any

from beartype import BeartypeConf, beartype
from beartype.roar import BeartypeDecorHintPep3119Exception

AS_CONFIGS_DO = BeartypeConf(is_pep484_tower=True)
"""An int may stand for a float, as in any config."""


def check(function: Any) -> Any:
    """Check arguments and results at every call, except of functions that take a protocol: it has no run-time test."""
    try:
        return beartype(function, conf=AS_CONFIGS_DO)
    except BeartypeDecorHintPep3119Exception:
        return function
