"""Tables of a summary, as Markdown, as LaTeX (booktabs) and on the terminal: the same cells in all three."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from jepa_social.bench.summary import Line, LineScore, Metric, Summary, shown_suite
from jepa_social.evaluation.labels import label, say
from jepa_social.evaluation.statistics import Interval

CAPTION = (
    "Mean over folds and seeds [95 % Student interval over seeds, n of them, of the unweighted mean over folds]. "
    "Δ: difference to “{reference}”, paired by fold and seed; bold where its interval excludes 0 "
    "(no correction for the number of rows)."
)
NO_FOLDS = CAPTION.replace("over folds and seeds", "over seeds").replace(", of the unweighted mean over folds", "")
NO_FOLDS = NO_FOLDS.replace("by fold and seed", "by seed")
SIDE_BY_SIDE = 2
"""Metrics in a cell of the table of folds: more cannot be read."""
FOLDS = "Each fold: mean over seeds. Average: unweighted over folds, [95 % Student interval over seeds]."


@dataclass(frozen=True)
class Entry:
    """Text, bold or not."""

    text: str
    bold: bool = False


@dataclass(frozen=True)
class PlainTable:
    """A table before it is set: `rows` of as many cells as `header` has titles."""

    caption: str
    header: list[str]
    rows: list[list[Entry]]


def tables(summary: Summary) -> list[PlainTable]:
    """The comparison with the reference row and, where there are several folds, the table of folds."""
    return [comparison(summary), by_fold(summary)] if len(summary.folds) > 1 else [comparison(summary)]


def comparison(summary: Summary) -> PlainTable:
    """A row a variant: each metric with its interval and its difference to the reference row."""
    header = ["", "n"]
    for metric in summary.metrics:
        header += [_title(metric, summary), f"Δ {label(metric[1]).name}"]
    rows = []
    for line in summary.lines:
        counts = {score.mean.n for score in line.scores.values()}
        seeds = "/".join(str(n) for n in sorted(counts))
        cells = [Entry(_name(line, summary)), Entry("–" if line.baseline else seeds)]
        for metric in summary.metrics:
            score = line.scores.get(metric)
            cells += [Entry(_mean(score, metric)), _gap(score, metric)]
        rows.append(cells)
    caption = (CAPTION if len(summary.folds) > 1 else NO_FOLDS).format(reference=summary.reference)
    scored = ", ".join(" ".join(filter(None, (fold, _count(summary.counts[fold])))) for fold in summary.folds)
    return PlainTable(f"{caption} Scored: {scored}.", header, rows)


def by_fold(summary: Summary) -> PlainTable:
    """A row a variant, a column a fold, the first metrics side by side; the average last, with intervals."""
    shown = summary.metrics[:SIDE_BY_SIDE]
    names = " / ".join(_title(metric, summary) for metric in shown)
    rows = []
    for line in summary.lines:
        cells = [Entry(_name(line, summary))]
        for fold in summary.folds:
            known = [(m, line.scores[m].folds.get(fold) if m in line.scores else None) for m in shown]
            cells.append(Entry(" / ".join(say(i.mean, metric[1]) if i else "–" for metric, i in known)))
        average = " / ".join(_mean(line.scores.get(metric), metric) for metric in shown)
        rows.append([*cells, Entry(average)])
    rows.append([Entry("scored"), *(Entry(_count(summary.counts[fold])) for fold in summary.folds), Entry("")])
    return PlainTable(f"{names}. {FOLDS}", ["", *summary.folds, "average"], rows)


def markdown(title: str, made: Sequence[PlainTable]) -> str:
    """A Markdown document."""
    parts = [f"# {title}"]
    for table in made:
        lines = [table.header, [":--", *["--:"] * (len(table.header) - 1)]]
        lines += [[f"**{cell.text}**" if cell.bold else cell.text for cell in row] for row in table.rows]
        text = "\n".join("| " + " | ".join(word.replace("|", "\\|") for word in line) + " |" for line in lines)
        parts += [table.caption, text]
    return "\n\n".join(parts) + "\n"


def latex(title: str, made: Sequence[PlainTable]) -> str:
    r"""`table` environments; needs `\usepackage{booktabs}` and an engine or `inputenc` that reads UTF-8."""
    parts = []
    for table in made:
        rows = [
            [rf"\textbf{{{_escaped(cell.text)}}}" if cell.bold else _escaped(cell.text) for cell in row]
            for row in table.rows
        ]
        header = [_escaped(name) for name in table.header]
        parts.append(
            "\n".join(
                (
                    r"\begin{table}",
                    rf"\caption{{{_escaped(f'{title}. {table.caption}')}}}",
                    rf"\begin{{tabular}}{{l{'r' * (len(header) - 1)}}}",
                    r"\toprule",
                    rf"{' & '.join(header)} \\",
                    r"\midrule",
                    *(rf"{' & '.join(row)} \\" for row in rows),
                    r"\bottomrule",
                    r"\end{tabular}",
                    r"\end{table}",
                )
            )
        )
    return "\n\n".join(parts) + "\n"


def terminal(title: str, table: PlainTable) -> Table:
    """For a `rich` console."""
    shown = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for i, name in enumerate(table.header):
        shown.add_column(name, justify="right" if i else "left")
    for row in table.rows:
        shown.add_row(*(Text(cell.text, "bold" if cell.bold else "") for cell in row))
    return shown


def _title(metric: Metric, summary: Summary) -> str:
    about, suite = label(metric[1]), shown_suite(metric, summary.metrics)
    return " ".join(filter(None, (suite, about.name, {1: "↑", -1: "↓", 0: ""}[about.better], about.unit)))


def _name(line: Line, summary: Summary) -> str:
    return f"{line.name} (reference)" if line.name == summary.reference else line.name


def _mean(score: LineScore | None, metric: Metric) -> str:
    if score is None or not score.mean.n:
        return "–"
    mean, name = score.mean, metric[1]
    return say(mean.mean, name) + (f" [{say(mean.low, name)}, {say(mean.high, name)}]" if _has_width(mean) else "")


def _gap(score: LineScore | None, metric: Metric) -> Entry:
    gap, name = score.gap if score else None, metric[1]
    if gap is None or not gap.n:
        return Entry("" if score and score.gap is None else "–")
    ends = f" [{say(gap.low, name, True)}, {say(gap.high, name, True)}]" if _has_width(gap) else ""
    seeds = "" if score and gap.n == score.mean.n else f" (n = {gap.n})"
    return Entry(say(gap.mean, name, True) + ends + seeds, gap.excludes(0))


def _count(numbers: Sequence[int]) -> str:
    return "–".join(f"{number:,}" for number in sorted({numbers[0], numbers[-1]}))


def _has_width(interval: Interval) -> bool:
    """False of a single seed, and of what has no seed, such as constant velocity."""
    return interval.high - interval.low > 1e-9


_LATEX = {
    **{character: "\\" + character for character in "&%$#_{}"},
    "[": "{[}",  # at the start of a row it would be an argument of the line break before
    **{"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"},
    **{"−": "$-$", "Δ": r"$\Delta$", "↑": r"$\uparrow$", "↓": r"$\downarrow$", "–": "--", "“": "``", "”": "''"},
    **{"³": "$^3$", "±": r"$\pm$", "×": r"$\times$"},
}


def _escaped(text: str) -> str:
    return "".join(_LATEX.get(character, character) for character in text)
