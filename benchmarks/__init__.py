"""How fast things are, measured beside what else there is."""
