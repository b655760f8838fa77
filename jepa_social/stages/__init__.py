"""Lightning modules and the pipelines that the entry points run."""

import logging
import warnings

import lightning.pytorch  # noqa: F401  (sets its own logging level when it is first imported)

# Lightning's advice and device listings would drown the progress bars and the final table.
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
warnings.filterwarnings(
    "ignore", message=r".*(LeafSpec|does not have many workers|Checkpoint directory|Experiment logs directory).*"
)
