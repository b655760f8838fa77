"""Action-conditioned predictor: rolls the latents of all agents forward, then bends them to the ego's plan."""

from collections.abc import Iterator

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from jepa_social.geometry import hold_last
from jepa_social.kinematics import MIN_SPEED
from jepa_social.models.journey import JOURNEY
from jepa_social.models.latents import Anchor
from jepa_social.models.layers import FeedForward, RelativeAttention
from jepa_social.models.neighbours import look_around
from jepa_social.models.poses import SOCIAL_FEATURES, facing, local, social_pose
from jepa_social.models.walls import Walls, none_shared

ACTION_FEATURES = 4


class Predictor(nn.Module):
    """Latent rollout in two parts, so that judging a thousand plans does not cost a thousand rollouts.

    `foresee` is a recurrent rollout of all agents, one shared transformer step per frame with social attention: what
    will happen if nobody's plan is known. It is done once. `react` says how a plan changes it: each agent i accumulates
    what it sees of the planned ego,

        u_ik = silu(W [relative pose of the ego at k, h_ik]),   g_ik = sum_{j<=k} u_ij,   z_ik(a) = z_ik + f(g_ik, h_ik)

    so frame k knows the ego's actions up to the one that leads to it and none later. Where others are meanwhile is not
    known; relative poses take them at constant velocity, and how they depart from it is what h carries.

    Args:
        latent: width of the latents.
        width: of the hidden state h.
        reaction: width of u and g, which are computed for every plan: keep it small.
        reach: m beyond which agents do not see each other.
        neighbours: most agents that one sees, the nearest.
        walls: width of what a wall is embedded in; 0: walls are not seen.
    """

    def __init__(
        self,
        latent: int,
        width: int,
        reaction: int,
        depth: int,
        heads: int,
        mlp_ratio: float,
        reach: float,
        neighbours: int,
        walls: int = 0,
    ):
        super().__init__()
        self.reach, self.neighbours = reach, neighbours
        self.enter = nn.Linear(latent, width)
        self.clock = nn.Linear(2, width)
        self.walls = Walls(walls, width, reach) if walls else None
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(depth))
        self.attention = nn.ModuleList(RelativeAttention(width, heads, SOCIAL_FEATURES) for _ in range(depth))
        self.feed = nn.ModuleList(FeedForward(width, mlp_ratio) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.leave = nn.Linear(width, latent + JOURNEY)
        self.context = nn.Linear(width, 2 * reaction)
        self.see = nn.Linear(SOCIAL_FEATURES, reaction, bias=False)
        self.act = nn.Linear(ACTION_FEATURES, reaction, bias=False)
        self.gather = nn.Linear(reaction, reaction, bias=False)
        self.bend = nn.Linear(reaction, latent + JOURNEY, bias=False)

    def foresee(self, anchor: Anchor, horizon: int) -> Float[Tensor, "B N H P"]:
        """Hidden states of the next `horizon` frames with nobody's plan known."""
        hidden = self.enter(anchor.state)
        position, velocity, ahead, radius, present = self._coasting(anchor, horizon)
        sight = look_around(position, velocity, ahead, radius, present, self.reach, self.neighbours)
        step = torch.arange(horizon, device=hidden.device)[:, None]
        given = self.clock(torch.stack((anchor.dt.expand(horizon, -1), anchor.dt * step), dim=-1))[:, :, None]
        if self.walls is not None and (walls := none_shared(anchor.walls, anchor.position)) is not None:
            given = given + self.walls(walls[:, None], position, velocity, ahead, radius)
        steps = []
        for step in range(horizon):
            view = sight.at(step)
            hidden = hidden + given[step]
            for norm, attend, feed in self._blocks():
                normed = norm(hidden)
                hidden = feed(hidden + attend(normed, attend.keys(normed), view))
            steps.append(hidden)
        return self.norm(torch.stack(steps, dim=2))

    def _coasting(self, anchor: Anchor, horizon: int) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Position, velocity, direction, radius, presence at each of the steps, `[H,B,N,...]`: constant velocity."""
        step = torch.arange(horizon, device=anchor.dt.device).view(-1, 1, 1, 1)
        position = anchor.position + step * anchor.dt.view(-1, 1, 1) * anchor.velocity
        velocity, ahead, radius, present = (
            v.expand(horizon, *v.shape)
            for v in (anchor.velocity, facing(anchor.heading, anchor.oriented), anchor.radius, anchor.present)
        )
        return position, velocity, ahead, radius, present

    def _blocks(self) -> Iterator[tuple[nn.LayerNorm, RelativeAttention, FeedForward]]:
        return zip(self.norms, self.attention, self.feed, strict=True)  # pyright: ignore[reportReturnType]

    def latents(self, foreseen: Float[Tensor, "B N H P"]) -> Float[Tensor, "B 1 N H E"]:
        """Latents and journeys (E = D + 2) of a rollout in which nobody's plan is known."""
        return self.leave(foreseen)[:, None]

    def react(
        self,
        anchor: Anchor,
        foreseen: Float[Tensor, "B N H P"],
        ego_actions: Float[Tensor, "B S H 2"],
        steps: Int[Tensor, "K"] | None = None,
    ) -> Float[Tensor, "B S N K E"]:
        """The same under each plan (world-frame velocities, m/s); that of `latents` where the ego is -1.

        Only what is asked for is worked out: the imagined `steps`, from 1; None: all H.
        """
        gate, skip = self.context(foreseen)[:, None].chunk(2, dim=-1)
        seen = self.see(self._ego_pose(anchor, ego_actions))
        own = self.act(self._ego_action(anchor, ego_actions))[:, :, None]
        # in place: for every plan these are the largest tensors, and fresh memory costs more than the arithmetic
        seen.scatter_(2, anchor.ego.clamp(min=0).view(-1, 1, 1, 1, 1).expand_as(own), own).add_(gate)
        influence = nn.functional.silu(seen, inplace=not torch.is_grad_enabled())
        if steps is None:
            influence = influence.cumsum(3)
        else:
            upto = torch.arange(influence.shape[3], device=steps.device) < steps[:, None]
            influence = upto.to(influence) @ influence
            skip, foreseen = skip[..., steps - 1, :], foreseen[:, :, steps - 1]
        change = self.bend(nn.functional.silu(self.gather(influence) + skip))
        return torch.addcmul(self.latents(foreseen), change, (anchor.ego >= 0).view(-1, 1, 1, 1, 1).to(change))

    def reaction_parameters(self) -> Iterator[nn.Parameter]:
        """What only `react` reads."""
        for layer in (self.context, self.see, self.act, self.gather, self.bend):
            yield from layer.parameters()

    def _ego_action(self, anchor: Anchor, actions: Tensor) -> Tensor:
        """The ego's commands in its own frame, `[B,S,H,F]`."""
        rows = torch.arange(anchor.ego.shape[0], device=anchor.ego.device)
        ahead = facing(anchor.heading, anchor.oriented)[rows, anchor.ego][:, None, None]
        framed = anchor.oriented[rows, anchor.ego].view(-1, 1, 1, 1).expand(*actions.shape[:3], 1)
        return torch.cat((local(actions, ahead), actions.norm(dim=-1, keepdim=True), framed.float()), dim=-1)

    def _ego_pose(self, anchor: Anchor, actions: Tensor) -> Tensor:
        """The planned ego as each agent sees it at the start of each step, `[B,S,N,H,F]`."""
        rows = torch.arange(anchor.ego.shape[0], device=anchor.ego.device)
        dt = anchor.dt.view(-1, 1, 1, 1)
        moved = torch.cat((torch.zeros_like(actions[:, :, :1]), actions.cumsum(2)[:, :, :-1]), dim=2) * dt
        planned = (anchor.position[rows, anchor.ego][:, None, None] + moved)[:, :, None]
        steps = torch.arange(actions.shape[2], device=actions.device).view(1, 1, -1, 1)
        coast = (anchor.position[:, :, None] + steps * dt * anchor.velocity[:, :, None])[:, None]
        ahead = facing(anchor.heading, anchor.oriented)
        course = torch.atan2(actions[..., 1], actions[..., 0])
        held, moving = hold_last(course, actions.norm(dim=-1) > MIN_SPEED, dim=-1)
        course = torch.where(moving[..., None], facing(held, moving), ahead[rows, anchor.ego][:, None, None])
        return social_pose(
            planned - coast,
            actions[:, :, None] - anchor.velocity[:, None, :, None],
            ahead[:, None, :, None],
            course[:, :, None],
            (anchor.radius + anchor.radius[rows, anchor.ego][:, None])[:, None, :, None],
        )
