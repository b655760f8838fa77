"""`Scene`: the one typed batch that travels through the whole circle.

Axes: B scenes, N agents, T frames, W walls. Agents are a set: their order carries no meaning, and slots whose
`present` is false everywhere are padding that nothing may depend on.
"""

from collections.abc import Sequence
from typing import Any

import torch
from tensordict import TensorClass, TensorDict
from torch import Tensor

from jepa_social.geometry import rotate
from jepa_social.inputs import as_tensor, refuse_nonsense
from jepa_social.kinematics import backward_difference, known_velocity, motion_heading

KINDS = ("pedestrian", "robot", "cyclist", "vehicle", "other", "box", "apple", "bread", "cheese", "drink")
"""Names of the integers in `Scene.kind`: agents, and things that lie about (a village has them)."""

FAR = 1.0e4
"""Coordinate (m) of padding walls: too far to matter."""

NEAR = 1.0e3
"""m from the origin up to which 32-bit floats resolve a tenth of a millimetre."""

OF_FRAMES = ("position", "velocity", "heading", "present")
OF_AGENTS = (*OF_FRAMES, "kind", "radius")
"""Fields of `Scene` with axes `[B,N,T,...]`, and all with axes `[B,N,...]`."""


class Scene(TensorClass):
    """What was seen of all agents (see the module for the axes).

    Attributes:
        position: `[B,N,T,2]` m, world frame; 0 where absent. In 64 bits where it lies beyond `NEAR`, as goal and walls.
        velocity: `[B,N,T,2]` m/s, by *backward* differences (no look ahead); 0 where unknown.
        heading: `[B,N,T]` rad; holds its last value while an agent stands, 0 until it first moves.
        present: `[B,N,T]` bool.
        kind: `[B,N]` index into `KINDS`.
        radius: `[B,N]` m.
        ego: `[B]` index of the ego, -1 where nobody is.
        dt: `[B]` s between frames.
        goal: `[B,2]` m, the ego's own goal (what it knows of itself), or None.
        speed: `[B]` m/s, the ego's own preferred (and greatest) speed, or None.
        walls: `[B,W,4]` m, segments x0 y0 x1 y1, or None.
        truth: what only a simulator knows (others' goals, traits), entries `[B,N,...]`; for probes, never for models.
    """

    position: Tensor
    velocity: Tensor
    heading: Tensor
    present: Tensor
    kind: Tensor
    radius: Tensor
    ego: Tensor
    dt: Tensor
    goal: Tensor | None = None
    speed: Tensor | None = None
    walls: Tensor | None = None
    truth: TensorDict | None = None

    @classmethod
    def from_arrays(
        cls,
        position: Any,
        dt: Any,
        *,
        present: Any = None,
        velocity: Any = None,
        heading: Any = None,
        kind: Any = 0,
        radius: Any = 0.3,
        ego: Any = -1,
        goal: Any = None,
        speed: Any = None,
        walls: Any = None,
        truth: TensorDict | None = None,
    ) -> "Scene":
        """Build a scene from arrays or tensors of one scene (`position [N,T,2]`) or of a batch (`[B,N,T,2]`).

        Positions that are not finite mean absent, NaN in `velocity` or `heading` unknown (0). `velocity` defaults to
        backward differences, `heading` to the direction of the last motion (see `kinematics`). Scalars are broadcast.
        World coordinates may be large, such as UTM's, if they are given in 64 bits: they are kept so.

        Raises:
            ValueError: a shape does not fit, a present agent's position is not finite, or a value is nonsense.
        """
        pos = as_tensor(position, "position")
        pos = pos.to(torch.float64 if pos.dtype != torch.float32 and _far(pos) else torch.float32)
        if pos.ndim not in (3, 4) or pos.shape[-1] != 2:
            raise ValueError(f"position must be [N,T,2] or [B,N,T,2], got {tuple(pos.shape)}")
        if not pos.shape[-2]:
            raise ValueError(f"position has no frames: {tuple(pos.shape)}")
        single = pos.ndim == 3

        def batched(value: Any, shape: Sequence[int], name: str, dtype: torch.dtype = torch.float32) -> Tensor:
            tensor = as_tensor(value, name).to(pos.device)
            if single and tensor.ndim == len(shape) - 1 and tensor.ndim > 0:
                tensor = tensor[None]
            try:
                return tensor.to(dtype).expand(*shape).clone()
            except RuntimeError as error:
                raise ValueError(f"{name} must have shape {list(shape)}, got {list(tensor.shape)}") from error

        if single:
            pos = pos[None]
        b, n, t = pos.shape[:3]
        finite = pos.isfinite().all(-1)
        seen = finite if present is None else batched(present, (b, n, t), "present", torch.bool)
        if (seen & ~finite).any():
            i, j, k = (seen & ~finite).nonzero()[0].tolist()
            raise ValueError(f"scene {i}, agent {j} is present at frame {k} but its position is not finite")
        step = batched(dt, (b,), "dt")
        if not bool(((step > 0) & step.isfinite()).all()):
            raise ValueError("dt must be positive, in seconds")
        pos = torch.where(seen[..., None], pos, torch.zeros_like(pos))
        vel = (
            backward_difference(pos, seen, step).float()
            if velocity is None
            else batched(velocity, pos.shape, "velocity")
        )
        vel = torch.where(seen[..., None] & ~vel.isnan(), vel, 0.0)
        yaw = motion_heading(vel, seen) if heading is None else batched(heading, (b, n, t), "heading")
        yaw = torch.where(seen & ~yaw.isnan(), yaw, 0.0)
        fields = {
            "position": pos,
            "velocity": vel,
            "heading": yaw,
            "kind": batched(kind, (b, n), "kind", torch.long),
            "radius": batched(radius, (b, n), "radius"),
            "ego": batched(ego, (b,), "ego", torch.long),
            "goal": None if goal is None else batched(goal, (b, 2), "goal", pos.dtype),
            "speed": None if speed is None else batched(speed, (b,), "speed"),
            "walls": None if walls is None else batched(walls, (b, -1, 4), "walls", pos.dtype),
        }
        refuse_nonsense(fields, seen, len(KINDS))
        return cls(present=seen, dt=step, truth=truth, batch_size=[b], **fields)

    @property
    def agents(self) -> int:
        """N, padding included."""
        return self.position.shape[1]

    @property
    def frames(self) -> int:
        """T."""
        return self.position.shape[2]

    def between(self, start: int, stop: int) -> "Scene":
        """The frames `start` (included) to `stop` (excluded)."""
        new = self.clone(False)
        for name in OF_FRAMES:
            setattr(new, name, getattr(self, name)[:, :, start:stop])
        return new

    def permute(self, order: Tensor) -> "Scene":
        """Reorder agents by `order [N]`; `ego` follows."""
        new = self.clone(False)
        for name in OF_AGENTS:
            setattr(new, name, getattr(self, name)[:, order])
        inverse = order.argsort()
        new.ego = torch.where(self.ego >= 0, inverse[self.ego.clamp(min=0)], self.ego)
        if self.truth is not None:
            new.truth = self.truth.apply(lambda value: value[:, order])
        return new

    def nearest(self, agents: int) -> "Scene":
        """The ego and the agents closest to it in the last frame, `agents` in all; the ego comes first.

        Recordings have a slot for everybody who ever passed: whoever looks at one moment should look at few of them.

        Raises:
            ValueError: a scene without an ego.
        """
        if bool((self.ego < 0).any()):
            raise ValueError(f"scene {int(self.ego.argmin())} has no ego (ego = -1): nobody to be near")
        rows = torch.arange(len(self), device=self.ego.device)[:, None]
        distance = (self.position[:, :, -1] - self.position[rows[:, 0], self.ego, -1][:, None]).norm(dim=-1)
        distance = distance.masked_fill(~self.present[:, :, -1], torch.inf)
        distance[rows[:, 0], self.ego] = -1.0
        order = distance.topk(min(agents, self.agents), dim=1, largest=False).indices
        new = self.clone(False)
        for name in OF_AGENTS:
            setattr(new, name, getattr(self, name)[rows, order])
        if self.truth is not None:
            new.truth = self.truth.apply(lambda value: value[rows, order])
        new.ego = torch.zeros_like(self.ego)
        return new

    def pad(self, agents: int) -> "Scene":
        """Append absent agents until there are `agents`."""
        extra = agents - self.agents
        if extra < 0:
            raise ValueError(f"cannot pad {self.agents} agents down to {agents}")
        new = self.clone(False)
        for name in OF_AGENTS:
            setattr(new, name, _append_agents(getattr(self, name), extra))
        if self.truth is not None:
            new.truth = self.truth.apply(lambda value: _append_agents(value, extra))
        return new

    def transform(self, angle: Tensor | float, shift: Tensor | Sequence[float]) -> "Scene":
        """Rigid motion of the whole scene: rotate by `angle` (rad) about the origin, then shift by `shift [2]` (m)."""
        turn = torch.as_tensor(angle, dtype=self.position.dtype, device=self.position.device)
        move = torch.as_tensor(shift, dtype=self.position.dtype, device=self.position.device)
        new = self.clone(False)
        mask = self.present[..., None]
        new.position = torch.where(mask, rotate(self.position, turn) + move, self.position)
        new.velocity = rotate(self.velocity, turn)
        new.heading = torch.where(self.present, self.heading + turn, self.heading)
        if self.goal is not None:
            new.goal = rotate(self.goal, turn) + move
        if self.walls is not None:
            ends = self.walls.unflatten(-1, (2, 2))
            new.walls = (rotate(ends, turn) + move).flatten(-2)
        return new

    def resampled(self, dt: float) -> "Scene":
        """The same history seen every `dt` s, counted back from the last frame; positions in between are interpolated.

        The scene itself where the rates already agree.

        Raises:
            ValueError: scenes of the batch differ in `dt`.
        """
        own = float(self.dt[0]) if len(self.dt) else dt
        if not torch.allclose(self.dt, self.dt[:1]):
            raise ValueError("scenes of one batch must share dt to be resampled")
        if abs(own - dt) < 1e-4:
            return self
        steps = int((self.frames - 1) * own / dt + 1e-4) + 1
        place = (self.frames - 1) - torch.arange(steps - 1, -1, -1, device=self.dt.device) * (dt / own)
        low = place.clamp(min=0).floor().long()
        high = (low + 1).clamp(max=self.frames - 1)
        share = (place - low).clamp(0.0, 1.0)
        high = torch.where(share < 1e-4, low, high)
        new = self.clone(False)
        new.present = self.present[:, :, low] & self.present[:, :, high]
        between = share[:, None].to(self.position)
        blend = torch.lerp(self.position[:, :, low], self.position[:, :, high], between)
        new.position = blend * new.present[..., None]
        new.dt = torch.full_like(self.dt, dt)
        known = known_velocity(new.present)[..., None]
        new.velocity = torch.where(
            known, backward_difference(new.position, new.present, new.dt), self.velocity[:, :, high]
        )
        new.velocity = (new.velocity * new.present[..., None]).to(self.velocity)
        new.heading = self.heading[:, :, high] * new.present
        return new

    @staticmethod
    def collate(scenes: Sequence["Scene"]) -> "Scene":
        """Stack batches of scenes into one, padding agents to the largest N.

        Raises:
            ValueError: the scenes differ in frames or in which optional fields they carry.
        """
        if len({scene.frames for scene in scenes}) > 1:
            raise ValueError(f"scenes differ in frames: {sorted({scene.frames for scene in scenes})}")
        agents = max(scene.agents for scene in scenes)
        for name in ("goal", "speed", "truth"):
            if len({getattr(scene, name) is None for scene in scenes}) > 1:
                raise ValueError(f"some scenes have `{name}` and others do not: give it to all or to none")
        padded = [scene.pad(agents) for scene in scenes]
        if any(scene.walls is not None for scene in padded):
            walls = [
                scene.position.new_empty(len(scene), 0, 4) if scene.walls is None else scene.walls for scene in padded
            ]
            most = max(wall.shape[1] for wall in walls)
            for scene, wall in zip(padded, walls, strict=True):
                fill = wall.new_full((wall.shape[0], most - wall.shape[1], 4), FAR)
                scene.walls = torch.cat((wall, fill), dim=1)
        return torch.cat(padded, dim=0)  # pyright: ignore[reportArgumentType,reportReturnType]


def _far(position: Tensor) -> bool:
    return bool((position.nan_to_num(0.0, 0.0, 0.0).abs() > NEAR).any())


def _append_agents(value: Tensor, extra: int) -> Tensor:
    return torch.cat((value, value.new_zeros(value.shape[0], extra, *value.shape[2:])), dim=1)
