"""jepa_social: social world models, pretrained on logged interactions and planned with among people."""
