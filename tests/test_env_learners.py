"""Other people's learners take the worlds as they are: Stable-Baselines3, TorchRL, PPO over a vector as CleanRL has it."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
import torch
from gymnasium.wrappers.vector import RecordEpisodeStatistics
from tiny_world import write_tiny_world
from torch import Tensor, nn

from simworld.env.wrappers import Pov, VectorPov, discrete, multi_discrete

Make = Callable[..., Any]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_world(tmp_path_factory.mktemp("world"))


@pytest.fixture(params=["World", "VoxelExplore"])
def make(request: pytest.FixtureRequest, folder: Path) -> Make:
    """Makes envs, or n of them as a vector, of the dream or of the game; both show 32 x 48 pixels."""
    arguments: dict[str, Any] = {"world": str(folder), "num_steps": 1}
    if request.param != "World":
        arguments = {"height": 32, "width": 48, "frame_skip": 2}
    name = f"simworld:simworld/{request.param}-v0"

    def made(num_envs: int | None = None) -> Any:
        if num_envs is None:
            return gymnasium.make(name, max_episode_steps=6, **arguments)
        return gymnasium.make_vec(name, num_envs=num_envs, max_episode_steps=6, **arguments)

    return made


def weights(module: nn.Module) -> Tensor:
    return torch.cat([parameter.detach().flatten().clone() for parameter in module.parameters()])


def test_stable_baselines3_ppo_learns(make: Make) -> None:
    from stable_baselines3 import PPO

    model = PPO("MlpPolicy", Pov(multi_discrete(make())), n_steps=16, batch_size=8, n_epochs=1, seed=0, device="cpu")
    before = weights(model.policy)
    model.learn(32)
    assert model.num_timesteps == 32 and not torch.equal(weights(model.policy), before)
    action, _ = model.predict(model.get_env().reset())
    assert action.shape == (1, 9)


def test_stable_baselines3_drives_a_vector(make: Make) -> None:
    from stable_baselines3 import PPO

    from simworld.env.sb3 import StableBaselinesVector

    envs = StableBaselinesVector(VectorPov(discrete(make(2))))
    model = PPO("MlpPolicy", envs, n_steps=8, batch_size=8, n_epochs=1, seed=0, device="cpu")
    before = weights(model.policy)
    model.learn(16)
    assert not torch.equal(weights(model.policy), before)
    envs.seed(3)
    first = envs.reset()
    steps = [envs.step(np.zeros(2, np.int64)) for _ in range(7)]
    assert [over.tolist() for _, _, over, _ in steps] == [[number == 5] * 2 for number in range(7)]
    observations, _, _, infos = steps[5]
    assert infos[1]["TimeLimit.truncated"] and infos[1]["terminal_observation"].shape == observations[1].shape
    assert not np.array_equal(infos[1]["terminal_observation"], observations[1]), "it has begun anew"
    envs.seed(3)
    assert np.array_equal(envs.reset(), first) and observations.shape == first.shape == (2, 32, 48, 3)
    with pytest.raises(ValueError, match="resets by"):
        StableBaselinesVector(gymnasium.make_vec("CartPole-v1", 2, "sync", {"autoreset_mode": "SameStep"}))


def test_stable_baselines3_dqn_learns(make: Make) -> None:
    from stable_baselines3 import DQN

    env = Pov(discrete(make()))
    model = DQN("MlpPolicy", env, buffer_size=64, learning_starts=8, batch_size=8, seed=0, device="cpu")
    before = weights(model.q_net)
    model.learn(24)
    assert not torch.equal(weights(model.q_net), before)


def test_torchrl_collects_rollouts(make: Make) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # TorchRL warns of its own future when it is imported
        from torchrl.envs import GymWrapper

    env = GymWrapper(Pov(discrete(make())))
    env.set_seed(1)
    rollout = env.rollout(9, break_when_any_done=False)
    assert rollout["pixels"].shape == (9, 32, 48, 3) and rollout["action"].shape[0] == 9
    assert rollout["next", "truncated"].flatten().tolist() == [number == 5 for number in range(9)]


def test_ppo_over_a_vector_learns(make: Make) -> None:
    """One update of PPO as in CleanRL's ppo_atari.py: a rollout of all worlds, advantages, clipped loss."""
    envs = VectorPov(discrete(RecordEpisodeStatistics(make(3))))
    num_worlds, num_steps, num_moves = 3, 8, int(envs.single_action_space.n)
    torch.manual_seed(0)
    body = nn.Sequential(nn.Conv2d(3, 8, 8, 4), nn.ReLU(), nn.Flatten(), nn.LazyLinear(32), nn.ReLU())
    agent = nn.ModuleDict({"body": body, "actor": nn.Linear(32, num_moves), "critic": nn.Linear(32, 1)})

    def look(pictures: np.ndarray) -> Tensor:
        return body(torch.from_numpy(pictures).movedim(-1, 1).float() / 255)

    observation, _ = envs.reset(seed=1)
    look(observation)
    before = weights(agent)
    seen, done, acted, odds, values, earned, lengths = [], [], [], [], [], [], []
    over = np.zeros(num_worlds, bool)
    for _ in range(num_steps):
        with torch.no_grad():
            hidden = look(observation)
            chance = torch.distributions.Categorical(logits=agent["actor"](hidden))
            action = chance.sample()
        for record, item in ((seen, observation), (done, over), (acted, action), (odds, chance.log_prob(action))):
            record.append(item)
        values.append(agent["critic"](hidden)[:, 0].detach())
        observation, rewards, terminated, truncated, info = envs.step(action.numpy())
        over = terminated | truncated
        earned.append(rewards)
        lengths += info["episode"]["l"][info["_episode"]].tolist() if "episode" in info else []
    assert lengths == [6] * num_worlds and done[6].all() and not done[7].any()
    advantages, ahead = torch.zeros(num_steps, num_worlds), torch.zeros(num_worlds)
    for step in reversed(range(num_steps - 1)):
        goes_on = torch.from_numpy(~done[step + 1]).float()
        delta = torch.from_numpy(earned[step]).float() + 0.99 * values[step + 1] * goes_on - values[step]
        ahead = advantages[step] = delta + 0.99 * 0.95 * goes_on * ahead
    hidden = look(np.concatenate(seen))
    chance = torch.distributions.Categorical(logits=agent["actor"](hidden))
    ratio = (chance.log_prob(torch.cat(acted)) - torch.cat(odds)).exp()
    gain = advantages.flatten()
    policy_loss = torch.max(-gain * ratio, -gain * ratio.clamp(0.8, 1.2)).mean()
    value_loss = (agent["critic"](hidden)[:, 0] - (gain + torch.cat(values))).square().mean()
    (policy_loss + 0.5 * value_loss - 0.01 * chance.entropy().mean()).backward()
    torch.optim.Adam(agent.parameters(), 2.5e-4).step()
    assert torch.isfinite(weights(agent)).all() and not torch.equal(weights(agent), before)
    envs.close()
