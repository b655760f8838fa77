"""Scores of a policy that walks among people: one number an episode.

c is the clearance (m) of the ego and the nearest person: centre distance minus both radii, on the swept segment of
each step (see `clearance`). Rates and shares are counted over the steps of an episode, up to where it ended. Names and
definitions follow Francis et al., *Principles and guidelines for evaluating social robot navigation* (2023), and
HuNavSim (Pérez-Higueras et al., RA-L 2023). What people lose is in `disturbance`.
"""

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from jepa_social.evaluation.episodes import GOAL_REACH, Episodes
from jepa_social.evaluation.social_work import social_work
from jepa_social.geometry import time_to_touch
from jepa_social.kinematics import known_velocity
from jepa_social.scene import FAR, Scene
from jepa_social.worlds.clearance import (
    centre_distance,
    companions,
    ego_track,
    people,
    people_clearance,
    wall_clearance,
)
from jepa_social.worlds.ego import own_radius

DISCOMFORT = 0.2
"""m of clearance below which people feel pressed (CrowdNav, Chen et al. 2019)."""
PERSONAL_SPACE = 1.0
"""m of centre distance that others should be left."""
INTIMATE, PERSONAL, SOCIAL = 0.45, 1.2, 3.6
"""m of clearance at which Hall's zones end (Hall 1966; as HuNavSim has them)."""
TTC_DANGER = 0.95
"""s to collision below which an encounter counts as dangerous."""


@dataclass(frozen=True)
class Navigation:
    """Per-episode scores, `[E]` each; NaN where a score has no meaning.

    Attributes:
        success: 1 if nearer than 0.3 m to the goal before the limit and never c < 0 (people or walls).
        collision: 1 if c < 0 on the swept segment, or for a wall.
        collision_walls: 1 if a wall was touched; NaN where there are none.
        timeout: 1 otherwise.
        contact_at_start: 1 if somebody is touched before the first action: no policy could succeed.
        navigation_time: s to the goal; successes only.
        path_efficiency: L*/L, straight line start-goal over the path walked; successes only. It may pass 1 by the
            0.3 m that success leaves to the goal.
        spl: success · L*/max(L, L*) (Anderson et al. 2018).
        minimum_distance: least c, m; NaN if nobody was ever there.
        centre_distance: least distance of centres, m; NaN if nobody was ever there.
        discomfort: share of steps with 0 <= c < 0.2 m. (Counting contacts too, c < 0.2 m, gives larger shares.)
        discomfort_distance: mean c in those steps, m.
        personal_space: share of steps with every centre farther than 1.0 m.
        near: the other steps: share of those with somebody's centre within 1.0 m.
        intimate, personal, social: share of steps with c in [0, 0.45), [0.45, 1.2) and [1.2, 3.6) m.
        ttc_danger: share of steps at whose end discs would touch within 0.95 s at constant velocity.
        jerk: mean |third difference of position| / dt³, m/s³; NaN below four frames.
        social_work: forces between the ego and people, and of walls on it, over the episode, m/s (see `social_work`).
        success_strangers: success if touching one's own group is no collision; in replay only, as the next two.
        collision_strangers: 1 if a stranger was touched.
        near_strangers: share of steps with a stranger's centre within 1.0 m.
        collision_group: 1 if the ego's own group was touched; NaN without one.
        near_group: share of steps with the centre of somebody of the own group within 1.0 m; NaN without one.
        path_ratio: path walked over the recorded person's; successes in replay only.
        time_ratio: time taken over the recorded person's; successes in replay only.
        decision_ms: mean time of a decision, ms a scene.
    """

    success: Tensor
    collision: Tensor
    collision_walls: Tensor
    timeout: Tensor
    contact_at_start: Tensor
    navigation_time: Tensor
    path_efficiency: Tensor
    spl: Tensor
    minimum_distance: Tensor
    centre_distance: Tensor
    discomfort: Tensor
    discomfort_distance: Tensor
    personal_space: Tensor
    near: Tensor
    intimate: Tensor
    personal: Tensor
    social: Tensor
    ttc_danger: Tensor
    jerk: Tensor
    social_work: Tensor
    success_strangers: Tensor
    collision_strangers: Tensor
    near_strangers: Tensor
    collision_group: Tensor
    near_group: Tensor
    path_ratio: Tensor
    time_ratio: Tensor
    decision_ms: Tensor

    def columns(self) -> dict[str, Tensor]:
        """The scores by name."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def navigation(episodes: Episodes) -> Navigation:
    """Score every episode (see `Navigation`)."""
    scene, steps = episodes.scene, episodes.steps
    track = ego_track(scene)
    steps_taken = steps.sum(1)
    own = companions(scene)
    centres = centre_distance(scene).masked_fill(~steps[:, None], torch.inf)
    clearance = people_clearance(scene).masked_fill(~steps, torch.inf)
    met_wall = (wall_clearance(scene).masked_fill(~steps, torch.inf) < 0).any(1)
    met_stranger, met_own = ((people_clearance(scene, who) < 0) & steps for who in (~own, own))
    met_stranger, met_own = met_stranger.any(1), met_own.any(1)
    touched = met_wall | met_stranger | met_own
    last = track[torch.arange(len(track)), episodes.stop]
    there = (last - episodes.goal).norm(dim=-1) < GOAL_REACH
    success = there & ~touched

    def share(where: Tensor) -> Tensor:
        return (where & steps).sum(1) / steps_taken

    def zone(low: float, high: float) -> Tensor:
        return share((clearance >= low) & (clearance < high))

    def close(who: Tensor) -> Tensor:
        return share(((centres <= PERSONAL_SPACE) & who[:, :, None]).any(1))

    length = ((track[:, 1:] - track[:, :-1]).norm(dim=-1) * steps).sum(1)
    straight = (episodes.goal - track[:, 0]).norm(dim=-1)
    time = steps_taken * scene.dt
    pressed = (clearance >= 0) & (clearance < DISCOMFORT) & steps
    nearest, nearest_centre, near = clearance.amin(1), centres.amin((1, 2)), close(torch.ones_like(own))
    human_length, human_time = episodes.human_length, episodes.human_time
    replayed, grouped = torch.full_like(touched, human_time is not None), own.any(1)
    walled = torch.zeros_like(touched) if scene.walls is None else (scene.walls.abs() < FAR).all(-1).any(1)
    unknown = torch.full_like(time, torch.nan)
    return Navigation(
        success=success.float(),
        collision=touched.float(),
        collision_walls=_only(walled, met_wall.float()),
        timeout=(~success & ~touched).float(),
        contact_at_start=_touched_at_start(scene),
        navigation_time=_only(success, time),
        path_efficiency=_only(success, straight / length),
        spl=success * straight / torch.maximum(length, straight).clamp(min=1e-6),
        minimum_distance=_only(nearest.isfinite(), nearest),
        centre_distance=_only(nearest_centre.isfinite(), nearest_centre),
        discomfort=share(pressed),
        discomfort_distance=torch.where(pressed, clearance, 0).sum(1) / pressed.sum(1),
        personal_space=1 - near,
        near=near,
        intimate=zone(0.0, INTIMATE),
        personal=zone(INTIMATE, PERSONAL),
        social=zone(PERSONAL, SOCIAL),
        ttc_danger=share((time_to_collision(scene)[..., 1:] < TTC_DANGER).any(1)),
        jerk=mean_jerk(track, steps, scene.dt),
        social_work=social_work(scene, steps),
        success_strangers=_only(replayed, (there & ~met_wall & ~met_stranger).float()),
        collision_strangers=_only(replayed, met_stranger.float()),
        near_strangers=_only(replayed, close(~own)),
        collision_group=_only(grouped, met_own.float()),
        near_group=_only(grouped, close(own)),
        path_ratio=unknown if human_length is None else _only(success, length / human_length),
        time_ratio=unknown if human_time is None else _only(success, time / human_time),
        decision_ms=episodes.decision_ms,
    )


def _touched_at_start(scene: Scene) -> Tensor:
    first = scene.between(0, 1)
    distance = (first.position - ego_track(first)[:, None])[:, :, 0].norm(dim=-1)
    reach = scene.radius + own_radius(scene)[:, None]
    return ((distance < reach) & people(first)[:, :, 0]).any(1).float()


def time_to_collision(scene: Scene) -> Tensor:
    """Seconds `[E,N,T]` until each disc touches the ego's if both keep their velocity: 0 in contact, inf for never.

    Others whose velocity is not yet known (first frame) count as never.
    """
    track = ego_track(scene)
    own = scene.velocity[torch.arange(len(track), device=track.device), scene.ego]
    p, v = scene.position - track[:, None], scene.velocity - own[:, None]
    reach = (scene.radius + own_radius(scene)[:, None])[..., None]
    time = time_to_touch(p, v, reach)
    known = people(scene) & known_velocity(scene.present)
    return time.masked_fill(~known, torch.inf)


def mean_jerk(track: Tensor, steps: Tensor, dt: Tensor) -> Tensor:
    """Mean `[E]` of |Δ³p|/dt³, m/s³, over the `steps [E,T-1]` of `track [E,T,2]`; NaN where fewer than three."""
    if track.shape[1] < 4:
        return torch.full_like(dt, torch.nan)
    jerk = track.diff(n=3, dim=1).norm(dim=-1) / dt[:, None] ** 3
    counted = steps[:, 2:]
    return (jerk * counted).sum(1) / counted.sum(1)


def _only(where: Tensor, value: Tensor) -> Tensor:
    return torch.where(where, value, torch.nan)
