"""The village: a batched, partially observable grid world of people who want things and believe what they saw.

`Village` runs many scenes at once; `scenarios` draws what happens in one; `grid` has distances, sight and choice.
"""

from jepa_social.worlds.village.village import Village

__all__ = ["Village"]
