"""A picture of every cost, solver, baseline and scenario: `python -m jepa_social.evaluation.gallery run=pretrained`."""
