"""Who goes first? `python -m examples.at_the_gate`.

Four people cross a gate one cell wide, day after day. Where two want the same cell, each insists or yields, and
remembers how it went by a simple rule of its own: nobody is told to cooperate. A small model learns from logs what
people do next, no rule in them; an ego then meets others of them, foresees three contests ahead, and counts what they
get like what it gets itself. Beside it, one that counts only what it gets.
"""

from jepa_social.evaluation.mind.contests import ACT, SITUATION, GateEgo, LearnedForeseer, as_interactions, histories
from jepa_social.evaluation.mind.cooperation import AGENTS, LEARNERS, among_learners, logs, villagers
from jepa_social.models.person import PersonModel
from jepa_social.stages.person import fit_person

MOVES = ("yields", "insists")


def main(steps: int = 400, logged: int = 60, count: int = 20, days: int = 8, seed: int = 3) -> dict[str, float]:
    """What a contest brings ego and other together, of an ego that cares and of one that does not."""
    met = logs(logged, days, 40, 900_000)
    past = histories(met.rows(met.other != 0), AGENTS)
    every = as_interactions(past[past.count > 0])
    blank = PersonModel(SITUATION, ACT, width=32, depth=2, heads=4)
    model = fit_person(blank, lambda step: every[step % 3 :: 3], steps, seed=0, rate=4e-3)
    both = {}
    for name, care in (("cares", 1.0), ("selfish", 0.0)):
        ego = GateEgo(LearnedForeseer([model]), count * (AGENTS - 1), care)
        found = among_learners(ego, count, days, 40, seed)
        if name == "cares":
            who = int(ego.past.count[: AGENTS - 1].argmax())
            rule = list(LEARNERS)[int(villagers(count, seed).rule[0, who + 1])]
            print(f"The neighbour met most often follows {rule}, which the ego is not told:")
            pairs = list(zip(ego.past.mine[who].tolist(), ego.past.theirs[who].tolist(), strict=True))
            for mine, theirs in pairs[: int(ego.past.count[who])]:
                print(f"  the ego {MOVES[mine]}, the neighbour {MOVES[theirs]}")
        both[name] = float(found["ego_both"].mean())
        own, others = found["ego_own"].mean(), found["ego_others"].mean()
        print(f"the ego that {'is selfish' if care == 0 else name}: {own:.2f} a contest, others {others:.2f}")
    return both


if __name__ == "__main__":
    main()
