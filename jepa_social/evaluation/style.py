"""Colours that every figure, video and report shares: safe for colour-blind eyes (Okabe and Ito 2008)."""

EGO = "#D55E00"
PERSON = "#6B7A89"
IMAGINED = "#0072B2"
TRUTH = "#009E73"
GOAL = "#E69F00"
WALL = "#3D4650"


def rgb(colour: str) -> tuple[int, int, int]:
    """`#rrggbb` as three numbers of 0..255."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
