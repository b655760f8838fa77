"""Copies of a village's state: whatever holds scenes, each of them several times in a row."""

from dataclasses import fields, is_dataclass
from typing import Any

from torch import Tensor


def again(value: Any, copies: int) -> Any:
    """Every scene `copies` times in a row, in tensors `[E,...]`, lists of pairs of them and dataclasses of them."""
    if isinstance(value, Tensor) and value.ndim:
        return value.repeat_interleave(copies, dim=0)
    if isinstance(value, list) and value and isinstance(value[0], tuple):
        return [tuple(again(part, copies) for part in frame) for frame in value]
    if is_dataclass(value) and not isinstance(value, type) and any(isinstance(v, Tensor) for v in vars(value).values()):
        return type(value)(**{field.name: again(getattr(value, field.name), copies) for field in fields(value)})
    return value
