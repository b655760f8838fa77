"""Action-conditioned predictor: rolls the latents of all agents forward under the ego's plan."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from jepa_social.geometry import hold_last, rotate, wrap_angle
from jepa_social.models.latents import Anchor
from jepa_social.models.layers import FeedForward, RelativeAttention
from jepa_social.models.poses import SOCIAL_FEATURES, pairs, social_pose, vector_pairs
from jepa_social.scene import MIN_SPEED

ACTION_FEATURES = 4


class Predictor(nn.Module):
    """Recurrent latent rollout: one shared transformer step per frame, social attention at every step.

    Where agents are during the rollout is known for the ego (its plan says so) and unknown for the others, whose relative
    poses are taken from constant-velocity extrapolation; how they depart from it is what the hidden state carries and
    what the latents of step k must say. Step k sees the ego's actions up to the one that leads to frame k, none later.
    """

    def __init__(self, latent: int, width: int, depth: int, heads: int, mlp_ratio: float, reach: float):
        super().__init__()
        self.reach = reach
        self.enter = nn.Linear(latent, width)
        self.action = nn.Linear(ACTION_FEATURES, width)
        self.clock = nn.Linear(2, width)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(depth))
        self.attention = nn.ModuleList(RelativeAttention(width, heads, SOCIAL_FEATURES) for _ in range(depth))
        self.feed = nn.ModuleList(FeedForward(width, mlp_ratio) for _ in range(depth))
        self.leave = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, latent))

    def forward(
        self, anchor: Anchor, ego_actions: Float[Tensor, "B S H 2"] | None, horizon: int
    ) -> Float[Tensor, "B S N H D"]:
        """Imagined latents of the next `horizon` frames.

        Args:
            anchor: encoded present.
            ego_actions: world-frame velocity (m/s) that the ego executes in each of the next frames, for S plans; ignored
                in scenes whose ego is -1. None: nobody's future is given (S = 1), as in plain forecasting.
        """
        batch, agents = anchor.present.shape
        if ego_actions is None:
            ego_actions = anchor.position.new_zeros(batch, 1, horizon, 2)
            is_ego = torch.zeros_like(anchor.present)
        else:
            is_ego = torch.arange(agents, device=anchor.ego.device) == anchor.ego[:, None]
        position, velocity, heading, framed = self._extrapolate(anchor, ego_actions, is_ego, horizon)
        mask = anchor.present[:, None, :] & anchor.present[:, :, None]
        mask = mask & ~torch.eye(agents, dtype=torch.bool, device=mask.device)
        hidden = self.enter(anchor.state)[:, None].expand(-1, ego_actions.shape[1], -1, -1)
        drive = self._drive(anchor, ego_actions, is_ego)
        dt = anchor.dt.view(-1, 1, 1, 1)
        imagined = []
        for step in range(horizon):
            pose, near = self._pose(anchor, position[:, :, step], velocity[:, :, step], heading[:, :, step], framed)
            hidden = hidden + drive[:, :, :, step] + self.clock(torch.cat((dt, dt * step), dim=-1))
            near = near & mask[:, None]
            for norm, attend, feed in zip(self.norms, self.attention, self.feed, strict=True):
                normed = norm(hidden)
                hidden = feed(hidden + attend(normed, attend.keys(normed), pose * near[..., None], near))
            imagined.append(hidden)
        return self.leave(torch.stack(imagined, dim=3)) * anchor.present[:, None, :, None, None]

    def _drive(self, anchor: Anchor, actions: Tensor, is_ego: Tensor) -> Tensor:
        """The ego's commands in its own frame, embedded: `[B,S,N,H,width]`, zero for everybody else."""
        ego = anchor.ego.clamp(min=0)[:, None]
        heading = anchor.heading.gather(1, ego)[..., None]
        framed = anchor.oriented.gather(1, ego)[..., None, None]
        local = rotate(actions, -heading) * framed
        features = torch.cat((local, actions.norm(dim=-1, keepdim=True), torch.ones_like(local[..., :1])), dim=-1)
        return self.action(features)[:, :, None] * is_ego[:, None, :, None, None]

    def _extrapolate(
        self, anchor: Anchor, actions: Tensor, is_ego: Tensor, horizon: int
    ) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Poses at the start of each step, `[B,S,H,N,...]`: planned for the ego, constant velocity for the others."""
        dt = anchor.dt.view(-1, 1, 1, 1)
        steps = torch.arange(horizon, device=actions.device).view(1, 1, -1, 1, 1)
        coast = anchor.position[:, None, None] + steps * dt[..., None] * anchor.velocity[:, None, None]
        moved = torch.cat((torch.zeros_like(actions[:, :, :1]), actions.cumsum(2)[:, :, :-1]), dim=2) * dt
        planned = anchor.position[:, None, None] + moved[:, :, :, None]
        mine = is_ego[:, None, None, :, None]
        position = torch.where(mine, planned, coast)
        velocity = torch.where(mine, actions[:, :, :, None], anchor.velocity[:, None, None])
        course = torch.atan2(actions[..., 1], actions[..., 0])
        held, moving = hold_last(course, actions.norm(dim=-1) > MIN_SPEED, dim=-1)
        turned = is_ego[:, None, None] & moving[..., None]
        heading = torch.where(turned, held[..., None], anchor.heading[:, None, None])
        return position, velocity, heading, anchor.oriented[:, None]

    def _pose(
        self, anchor: Anchor, position: Tensor, velocity: Tensor, heading: Tensor, framed: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Relative poses of all pairs at one step, `[B,S,N,N,F]`, and who is within reach."""
        offset = vector_pairs(position)
        near = offset.norm(dim=-1) < self.reach
        radius = anchor.radius[:, None]
        pose = social_pose(
            offset,
            vector_pairs(velocity),
            anchor.heading[:, None, :, None],
            wrap_angle(pairs(heading)),
            (radius[..., :, None] + radius[..., None, :]).expand(near.shape),
            framed[..., :, None].expand(near.shape),
            (framed[..., :, None] & framed[..., None, :]).expand(near.shape),
        )
        return pose, near
