"""How scores are called, counted and judged in tables and reports."""

from typing import NamedTuple

from jepa_social.evaluation.statistics import Interval


class Label(NamedTuple):
    """Name of a score for people.

    Attributes:
        name: column title.
        unit: behind the number; "%" shows a share of 1 as percent.
        better: +1 if more is better, -1 if less is, 0 if neither.
        digits: after the point.
    """

    name: str
    unit: str = ""
    better: int = 0
    digits: int = 2


LABELS = {
    "success": Label("success", "%", 1, 1),
    "collision": Label("collision", "%", -1, 1),
    "collision_walls": Label("collision with walls", "%", -1, 1),
    "timeout": Label("timeout", "%", -1, 1),
    "navigation_time": Label("time to goal", "s", -1, 1),
    "path_efficiency": Label("path efficiency", "", 1),
    "spl": Label("SPL", "", 1),
    "minimum_distance": Label("minimum distance", "m", 1),
    "centre_distance": Label("minimum centre distance", "m", 1),
    "discomfort": Label("discomfort", "%", -1, 1),
    "discomfort_distance": Label("distance in discomfort", "m", 1),
    "personal_space": Label("personal space kept", "%", 1, 1),
    "near": Label("nearer than 1 m", "%", -1, 1),
    "intimate": Label("intimate zone", "%", -1, 1),
    "personal": Label("personal zone", "%", -1, 1),
    "social": Label("social zone", "%", 0, 1),
    "ttc_danger": Label("near collision", "%", -1, 1),
    "jerk": Label("jerk", "m/s³", -1),
    "social_work": Label("social work", "m/s", -1),
    "contact_at_start": Label("in contact at the start", "%", 0, 1),
    "success_strangers": Label("success, own group aside", "%", 1, 1),
    "collision_strangers": Label("collision with strangers", "%", -1, 1),
    "near_strangers": Label("stranger within 1 m", "%", -1, 1),
    "collision_group": Label("touched own group", "%", 0, 1),
    "near_group": Label("own group within 1 m", "%", 0, 1),
    "path_ratio": Label("path / human", "", -1),
    "time_ratio": Label("time / human", "", -1),
    "decision_ms": Label("decision", "ms", -1),
    "delay": Label("people's delay", "s", -1),
    "deviation": Label("people's detour", "m", -1),
    "greatest_delay": Label("worst delay", "s", -1),
    "ade": Label("ADE", "m", -1, 3),
    "fde": Label("FDE", "m", -1, 3),
    "ade_5": Label("minADE5", "m", -1, 3),
    "fde_5": Label("minFDE5", "m", -1, 3),
    "ade_20": Label("minADE20", "m", -1, 3),
    "fde_20": Label("minFDE20", "m", -1, 3),
    "joint_ade_5": Label("joint ADE5", "m", -1, 3),
    "joint_fde_5": Label("joint FDE5", "m", -1, 3),
    "joint_ade_20": Label("joint ADE20", "m", -1, 3),
    "joint_fde_20": Label("joint FDE20", "m", -1, 3),
    "mean_ade_20": Label("mean ADE of 20", "m", -1, 3),
    "mean_fde_20": Label("mean FDE of 20", "m", -1, 3),
    "miss_rate": Label("miss rate", "%", -1, 1),
    "miss_rate_20": Label("miss rate of 20", "%", -1, 1),
    "collision_share": Label("colliding", "%", -1, 1),
    "collision_share_20": Label("colliding, samples", "%", -1, 1),
    "collision_truth_share": Label("colliding with truth", "%", -1, 1),
    "nll": Label("KDE-NLL", "nats", -1),
    "inside_50": Label("inside 50 %", "%", 0, 1),
    "inside_90": Label("inside 90 %", "%", 0, 1),
    "inside_50_final": Label("inside 50 %, last step", "%", 0, 1),
    "inside_90_final": Label("inside 90 %, last step", "%", 0, 1),
}
LABELS |= {
    "change_r2": Label("change R²", "", 1),
    "change_r2_soon": Label("change R², first half", "", 1),
    "change_r2_unseen": Label("change R², types never trained on", "", 1),
    "change_correlation": Label("change correlation", "", 1),
    "change_error": Label("change error", "m", -1, 3),
    "yielding": Label("yielding told, balanced", "%", 1, 1),
    "branch_ade": Label("ADE within reach", "m", -1, 3),
}
PROBED = {
    "motion_r2": "velocity R²",
    "soon_r2": "1.2 s ahead R²",
    "later_r2": "≤ 4.8 s ahead R²",
    "departure_r2": "departure R²",
    "neighbour_r2": "neighbour R²",
    "goal_r2": "goal R²",
    "meeting_auc": "meeting AUC",
    "group_auc": "group AUC",
}
"""What probes read, as in `probe_targets`."""
LABELS |= {
    f"{kind}_{target}": Label(f"{kind}: {name}", "", 1)
    for kind in ("linear", "attentive")
    for target, name in PROBED.items()
}
LABELS |= {f"belief_{share}": Label(f"belief, {share} %", "%", 1, 1) for share in (0, 25, 50)}
LABELS |= {f"frame_{frames}": Label(f"belief, {frames} frames after", "%", 1, 1) for frames in (2, 4)}
LABELS |= {f"gap_frame_{frames}": Label(f"gap closed, {frames} frames", "%", 1, 1) for frames in (2, 4)}
LABELS |= {f"second_{share}": Label(f"what it thinks they believe, {share} %", "%", 1, 1) for share in (0, 25, 50)}
LABELS |= {
    "second_agree_25": Label("rightly, 25 %", "%", 1, 1),
    "second_differ_25": Label("wrongly, 25 %", "%", 1, 1),
    "second_neither_25": Label("neither truth nor theirs, 25 %", "%", 1, 1),
    "second_gap_0": Label("gap closed, 0 %", "%", 1, 1),
    "second_gap_25": Label("gap closed, 25 %", "%", 1, 1),
    "second_gap_timed_25": Label("of the timed ceiling's", "%", 1, 1),
    "second_nll_25": Label("log-loss, 25 %", "nats", -1),
    "second_nll_agree_25": Label("log-loss, rightly", "nats", -1),
    "second_nll_differ_25": Label("log-loss, wrongly", "nats", -1),
}
LABELS |= {
    "false_25": Label("false, 25 %", "%", 1, 1),
    "true_25": Label("true, 25 %", "%", 1, 1),
    "nll_25": Label("log-loss, 25 %", "nats", -1),
    "nll_false_25": Label("log-loss, false beliefs", "nats", -1),
    "nll_true_25": Label("log-loss, true beliefs", "nats", -1),
    "gap_25": Label("gap closed, 25 %", "%", 1, 1),
    "gap_timed_25": Label("of the timed ceiling's", "%", 1, 1),
    "few_25": Label("few labels, 25 %", "%", 1, 1),
    "ignorance_25": Label("knows or not, 25 %", "%", 1, 1),
    "gap_ignorance_25": Label("gap closed", "%", 1, 1),
    "move_false": Label("next move, false beliefs", "%", 1, 1),
    "move_true": Label("next move, true beliefs", "%", 1, 1),
    "move_nll_false": Label("log-loss, false beliefs", "nats", -1),
    "move_nll_true": Label("log-loss, true beliefs", "nats", -1),
}
LABELS |= {
    "excess_after": Label("excess after, 60 steps", "nats", -1, 2),
    "excess_before": Label("excess before, a step", "nats", -1, 3),
    "steps_50": Label("steps to 0.5", "", -1, 0),
    "steps_90": Label("steps to 0.9", "", -1, 0),
    "steps_within": Label("steps to within 10 % of the optimum", "", -1, 0),
    "false_alarms": Label("false alarms", "%", -1, 1),
    "gap_change": Label("gap closed", "%", 1, 1),
    "embarrassed": Label("embarrassed without cause", "%", -1, 1),
    "oblivious": Label("oblivious", "%", -1, 1),
    "private": Label("private slip", "", -1, 3),
    "gap_bias": Label("gap closed, 199", "%", 1, 1),
    "actual_moves": Label("(i) they change", "", 0, 3),
    "belief_moves": Label("(ii) I believe it", "", 0, 3),
    "private_costs": Label("(iii) in private", "", 0, 3),
    "noticed_costs": Label("(iv) noticed or not", "", 0, 3),
    "minds": Label("people mind, thought", "", 0, 2),
    "answer_error": Label("error of their answer", "cm", -1),
    "answer_bias": Label("expected − true answer", "cm", 0),
    "own_return": Label("own return", "", 1, 3),
    "welfare": Label("social welfare", "", 1, 3),
}
for _place, _where in (
    ("", ""),
    ("cut_off_", "cut off, "),
    ("crowded_", "crowded, "),
    ("helped_", "helped, "),
    ("unasked_", "helped unasked, "),
    ("home_", "people of the past, "),
):
    for _n in (0, 5, 20, 60):
        LABELS |= {
            f"judged_{_place}{_n}": Label(f"{_where}|error|, n = {_n}", "", -1, 3),
            f"judged_bias_{_place}{_n}": Label(f"{_where}bias, n = {_n}", "", 0, 3),
            f"shown_nll_{_place}{_n}": Label(f"{_where}log-loss, n = {_n}", "nats", -1, 3),
            f"shown_ece_{_place}{_n}": Label(f"{_where}calibration error, n = {_n}", "%", -1, 1),
            f"needless_{_place}{_n}": Label(f"{_where}embarrassed without cause, n = {_n}", "%", -1, 1),
            f"unaware_{_place}{_n}": Label(f"{_where}oblivious, n = {_n}", "%", -1, 1),
        }
for _n in (20, 60):
    LABELS |= {
        f"gap_judged_{_n}": Label(f"gap closed, n = {_n}", "%", 1, 1),
        f"gap_shown_{_n}": Label(f"gap closed, n = {_n}", "%", 1, 1),
    }
LABELS |= {"acted_own": Label("own return", "", 1, 3), "acted_welfare": Label("social welfare", "", 1, 3)}
LABELS |= {f"react_{k}": Label(f"reaction to {k}", "", 0, 3) for k in (1, 3, 5)}
LABELS |= {f"bias_{n}": Label(f"|bias|, n = {n}", "", -1, 3) for n in (0, 10, 50, 199)}
for _kind in ("hasty", "careful"):
    for _n in (0, 1, 2, 3, 5, 10, 20):
        LABELS |= {
            f"{_kind}_rho_{_n}": Label(f"ρ, n = {_n}", "", 1),
            f"{_kind}_nll_{_n}": Label(f"log-loss, n = {_n}", "nats", -1, 3),
            f"{_kind}_accuracy_{_n}": Label(f"choices told, n = {_n}", "%", 1, 1),
            f"{_kind}_overconfidence_{_n}": Label(f"overconfidence, n = {_n}", "%", 0, 1),
            f"{_kind}_kept_{_n}": Label(f"kept from pixels, n = {_n}", "%", 1, 1),
            f"{_kind}_inside_{_n}": Label(f"values inside 90 %, n = {_n}", "%", 0, 1),
        }
    LABELS[f"{_kind}_gap_5"] = Label("gap closed, n = 5", "%", 1, 1)
for _phase in ("1", "4_6", "30_60"):
    _rounds = f"round {_phase}" if _phase == "1" else f"rounds {_phase.replace('_', '–')}"
    LABELS |= {
        f"accept_{_phase}": Label(f"accepted, {_rounds}", "%", 1, 1),
        f"surprise_{_phase}": Label(f"surprise, {_rounds}", "nats", -1),
        f"probe_{_phase}": Label(f"probe surprise, {_rounds}", "nats", -1),
        f"shift_accept_{_phase}": Label(f"accepted, {_rounds}", "%", 1, 1),
        f"shift_surprise_{_phase}": Label(f"surprise, {_rounds}", "nats", -1),
    }
LABELS |= {"loop_gap": Label("gap closed", "%", 1, 1), "shift_home": Label("surprise, back home", "nats", -1, 3)}
for _n in (0, 1, 3, 10, 20):
    LABELS |= {
        f"trips_nll_{_n}": Label(f"log-loss, n = {_n}", "nats", -1, 3),
        f"trips_kinds_{_n}": Label(f"ρ of kinds, n = {_n}", "", 1, 3),
        f"trips_svo_{_n}": Label(f"ρ of orientation, n = {_n}", "", 1, 3),
        f"trips_gap_{_n}": Label(f"gap closed, n = {_n}", "%", 1, 1),
    }
LABELS |= {
    "coop_first": Label("no clash, first day", "%", 1, 1),
    "coop_last": Label("no clash, last days", "%", 1, 1),
    "coop_gain": Label("last minus first", "%", 1, 1),
    "coop_faces": Label("minus: who cannot tell people apart", "%", 1, 1),
    "coop_strangers": Label("minus: strangers every day", "%", 1, 1),
    "coop_coins": Label("minus: coins", "%", 1, 1),
    "gained_first": Label("payoff, first day", "", 1, 3),
    "gained_last": Label("payoff, last days", "", 1, 3),
    "ego_own": Label("own payoff a contest", "", 1, 3),
    "ego_others": Label("the other's", "", 1, 3),
    "ego_both": Label("both", "", 1, 3),
    "ego_clash": Label("clashes", "%", -1, 1),
    "gap_both": Label("gap closed", "%", 1, 1),
    "foreseen": Label("others' moves foreseen", "nats", -1, 3),
    "foreseen_1": Label("first contest", "nats", -1, 3),
    "foreseen_6": Label("from the sixth on", "nats", -1, 3),
    "gap_foreseen": Label("gap closed", "%", 1, 1),
}
LABELS |= {
    "gate_surprise_1": Label("surprise, first encounter", "nats", -1, 3),
    "gate_surprise": Label("surprise, later half", "nats", -1, 3),
    "gate_off": Label("reaction foreseen, |error|", "", -1, 3),
    "gate_bias": Label("bias", "", 0, 3),
    "gate_asked": Label("surprise at logs nobody chose", "nats", -1, 3),
    "gap_gate": Label("gap closed", "%", 1, 1),
    "gate_own_1": Label("own payoff, first encounter", "", 1, 3),
    "gate_own": Label("own payoff, later half", "", 1, 3),
    "gate_others": Label("the other's", "", 1, 3),
    "gate_clash": Label("clashes", "%", -1, 1),
    "gate_crossing": Label("frames to get through", "", -1, 1),
}
LABELS |= {
    "met_surprise": Label("forecast error of those met", "m", -1, 3),
    "met_nats": Label("log-loss of those met", "nats", -1),
    "probe_surprise": Label("forecast error, encounters nobody chose", "m", -1, 3),
    "probe_nats": Label("log-loss, encounters nobody chose", "nats", -1),
    "home_surprise": Label("forecast error, back home", "m", -1, 3),
    "home_nats": Label("log-loss, back home", "nats", -1),
}
LABELS |= {f"drift_{step}": Label(f"drift at {step}", "", -1) for step in (1, 3, 6, 12)}


REFERENCES = ("oracle", "recorded human", "truth")
"""What names begin with of rows that are no baselines: who knows what no policy can, and the people themselves."""


def is_baseline(row: str, ours: str) -> bool:
    """Whether a row is somebody else's way to do the same: no reference, and none of our own variants, whose names
    begin with ours."""
    return not row.startswith((ours, *REFERENCES))


def label(metric: str) -> Label:
    """The label of a score; one that is not listed is called by its own name and judged neither way."""
    return LABELS.get(metric, Label(metric.replace("_", " ").replace("/", " "), "", 0, 3))


def ordered(metrics: set[str]) -> list[str]:
    """The scores in the order of `LABELS`, unknown ones last."""
    return [name for name in LABELS if name in metrics] + sorted(metrics - set(LABELS))


def say(value: float, metric: str, signed: bool = False) -> str:
    """A number as people read it: percent, digits, sign; a dash where there is none."""
    about = label(metric)
    if value != value:
        return "–"
    scaled = 100 * value if about.unit == "%" else value
    text = f"{scaled:{'+' if signed else ''}.{about.digits}f}"
    return text.replace("-", "−") if signed or float(text) else text.lstrip("-")


def say_interval(interval: Interval, metric: str) -> str:
    """A mean with its interval."""
    return f"{say(interval.mean, metric)} [{say(interval.low, metric)}, {say(interval.high, metric)}]"


def verdict(difference: Interval, metric: str) -> str:
    """What a paired difference (ours minus theirs) says: better, worse, lower, higher or no clear difference."""
    if difference.n == 0 or not difference.excludes(0):
        return "no clear difference"
    sign = 1 if difference.mean > 0 else -1
    if not label(metric).better:
        return "higher" if sign > 0 else "lower"
    return "better" if sign == label(metric).better else "worse"
