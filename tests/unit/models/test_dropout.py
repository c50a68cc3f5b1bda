"""Monte-Carlo dropout: the fast path equals full passes, whatever the network looks like inside."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from querist.models.anatomy import slow_attention
from querist.models.dropout import DropoutPasses, dropped


class Functional(nn.Module):
    """Code between the parts, an in-place write into the trunk's answer, and parts that are called twice."""

    def __init__(self) -> None:
        super().__init__()
        self.shared = nn.Linear(6, 6)
        self.first, self.second = nn.Dropout(0.5), nn.Dropout(0.3)
        self.last = nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        h = self.shared(torch.tanh(self.shared(x)))
        skip = h
        h = self.first(h)
        skip += 1.0  # also writes into what the trunk answered
        h = self.second(self.shared(h) + skip)
        return self.last(h)  # type: ignore[no-any-return]


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.before, self.after = nn.LSTM(6, 5, batch_first=True), nn.LSTM(5, 4, batch_first=True)
        self.drop, self.last = nn.Dropout(0.4), nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        states, _ = self.before(x)
        states, (h, _) = self.after(self.drop(states))
        return self.last(torch.cat([states[:, -1:], h.transpose(0, 1)], 1).mean(1))  # type: ignore[no-any-return]


def transformer() -> nn.Module:
    layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.3, batch_first=True)
    return nn.Sequential(nn.Linear(6, 8), layer, nn.Flatten(), nn.Linear(32, 3))


NETS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "head": (lambda: nn.Sequential(nn.Linear(6, 9), nn.ReLU(), nn.Dropout(), nn.Linear(9, 3)), (6,)),
    "inplace": (
        lambda: nn.Sequential(nn.Linear(6, 9), nn.ReLU(inplace=True), nn.Dropout(inplace=True), nn.ReLU(inplace=True)),
        (6,),
    ),
    "first": (lambda: nn.Sequential(nn.Dropout(0.2), nn.Linear(6, 3)), (6,)),
    "functional": (Functional, (6,)),
    "recurrent": (Recurrent, (4, 6)),
    "transformer": (transformer, (4, 6)),
    "channels": (
        lambda: nn.Sequential(nn.Conv2d(2, 4, 3), nn.Dropout2d(0.4), nn.Conv2d(4, 4, 3), nn.Dropout(0.2), nn.Flatten()),
        (2, 6, 6),
    ),
    "alpha": (lambda: nn.Sequential(nn.Linear(6, 9), nn.SELU(), nn.AlphaDropout(0.2), nn.Linear(9, 3)), (6,)),
    "only": (lambda: nn.Dropout(0.5), (6,)),
}


def made(name: str) -> tuple[nn.Module, Tensor]:
    make, shape = NETS[name]
    with torch.random.fork_rng(devices=[]):
        torch.random.manual_seed(1)
        return make().eval(), torch.randn(7, *shape)


@pytest.mark.parametrize("name", NETS)
def test_the_fast_path_equals_full_passes(name: str) -> None:
    module, x = made(name)
    with torch.no_grad(), slow_attention():
        plain = module(x.clone())
        with DropoutPasses(module, seed=4) as fast:
            mean = fast.first(x.clone())
            quick = [fast.sample(sample) for sample in (0, 1, 2, 1)]
        with DropoutPasses(module, seed=4, whole=True) as slow:
            slow.first(x.clone())
            full = [slow.sample(sample) for sample in (0, 1, 2, 1)]
    torch.testing.assert_close(mean, plain)
    for one, twin in zip(quick, full, strict=True):
        torch.testing.assert_close(one, twin, rtol=1e-5, atol=1e-6)
    assert not torch.allclose(quick[0], quick[1])
    assert torch.equal(quick[1], quick[3])


@pytest.mark.parametrize("name", NETS)
def test_a_sample_is_one_function_of_the_whole_pool(name: str) -> None:
    module, x = made(name)
    with torch.no_grad(), slow_attention(), DropoutPasses(module, seed=4) as passes:
        passes.first(x)
        whole = passes.sample(3)
        parts = []
        for part in (x[:3], x[3:]):
            passes.first(part)
            parts.append(passes.sample(3))
    torch.testing.assert_close(torch.cat(parts), whole, rtol=1e-5, atol=1e-6)


def test_the_trunk_runs_once() -> None:
    calls = {"trunk": 0, "tail": 0}

    class Counted(nn.Linear):
        name = "trunk"

        def forward(self, x: Tensor) -> Tensor:
            calls[self.name] += 1
            return super().forward(x)

    class Tail(Counted):
        name = "tail"

    module = nn.Sequential(nn.Sequential(Counted(6, 9), nn.ReLU()), nn.Dropout(), Tail(9, 3)).eval()
    with torch.no_grad(), DropoutPasses(module, seed=0) as passes:
        passes.first(torch.ones(2, 6))
        for sample in range(10):
            passes.sample(sample)
    assert calls == {"trunk": 1, "tail": 11}


def test_masks_are_seeded_and_global_generators_stay() -> None:
    module, x = made("head")
    before = torch.random.get_rng_state()
    drawn = []
    for seed in (0, 0, 1):
        with torch.no_grad(), DropoutPasses(module, seed=seed) as passes:
            passes.first(x)
            drawn.append(passes.sample(0))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])


def test_padding_does_not_move_the_masks_of_a_sequence() -> None:
    module = nn.Sequential(nn.Dropout(0.5), nn.Linear(6, 2)).eval()
    x = torch.ones(3, 8, 6)
    with torch.no_grad(), DropoutPasses(module, seed=0) as passes:
        passes.first(x)
        long = passes.sample(2)
        passes.first(x[:, :5])
        short = passes.sample(2)
    torch.testing.assert_close(short, long[:, :5])


@pytest.mark.parametrize("part", [nn.Dropout(0.3), nn.AlphaDropout(0.3)])
def test_masks_drop_the_right_share_and_keep_the_mean(part: nn.Module) -> None:
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(200_000, generator=draw)
    keep = (torch.rand(200_000, generator=draw) >= 0.3).float()
    y = dropped(part, x, keep)
    assert abs(float(y.mean())) < 0.02
    if isinstance(part, nn.AlphaDropout):
        assert abs(float(y.var()) - 1) < 0.02  # what alpha dropout is for
    else:
        assert torch.equal(y == 0, keep == 0)


def test_the_network_is_as_it_was_afterwards() -> None:
    module, x = made("head")
    with torch.no_grad(), DropoutPasses(module, seed=0) as passes:
        passes.first(x)
    assert all("forward" not in vars(part) for part in module.modules())
