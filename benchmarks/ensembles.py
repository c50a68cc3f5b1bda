"""Ensembles: one network after the other, or all in one vectorised call? Prints a table; see docs/decisions/0003.

    python benchmarks/ensembles.py [--members 5] [--threads 1] [--device cpu]

Times are medians of seven runs, in milliseconds; "one" is a loop over the networks, "all" one call of ``torch.vmap``.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, stack_module_state, vmap

from querist.models.nets.cnn import Cnn
from querist.models.nets.mlp import Mlp
from querist.models.nets.text_cnn import TextCnn

Task = tuple[str, Callable[[], nn.Module], Callable[[int], Tensor], int, int]


def milliseconds(work: Callable[[], object], runs: int = 7) -> float:
    """Median time of ``work``, after one call to warm up."""
    work()
    times = []
    for _ in range(runs):
        began = time.perf_counter()
        work()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        times.append(time.perf_counter() - began)
    return 1e3 * statistics.median(times)


def predictions(nets: list[nn.Module], inputs: Tensor) -> tuple[float, float, float]:
    """Loop, vectorised call, and the largest difference between their answers."""
    nets = [net.eval() for net in nets]
    weights, buffers = stack_module_state(nets)
    shape = copy.deepcopy(nets[0]).to("meta")

    def one_network(weights: dict[str, Tensor], buffers: dict[str, Tensor]) -> Tensor:
        answer: Tensor = functional_call(shape, (weights, buffers), (inputs,))
        return answer

    def one() -> Tensor:
        return torch.stack([net(inputs) for net in nets])

    def all_at_once() -> Tensor:
        answers: Tensor = vmap(one_network)(weights, buffers)
        return answers

    with torch.no_grad():
        difference = float((one() - all_at_once()).abs().max())
        return milliseconds(one), milliseconds(all_at_once), difference


def training_steps(nets: list[nn.Module], inputs: Tensor, targets: Tensor) -> tuple[float, float]:
    """Forward and backward of one batch a network (dropout off: its masks cannot be the same both ways)."""
    nets = [net.eval() for net in nets]
    weights, buffers = stack_module_state(nets)
    shape = copy.deepcopy(nets[0]).to("meta")
    batches = torch.stack([inputs] * len(nets))

    def loss(weights: dict[str, Tensor], buffers: dict[str, Tensor], batch: Tensor) -> Tensor:
        return nn.functional.cross_entropy(functional_call(shape, (weights, buffers), (batch,)), targets)

    def one() -> None:
        for net in nets:
            net.zero_grad()
            nn.functional.cross_entropy(net(inputs), targets).backward()

    def all_at_once() -> object:
        return vmap(grad(loss), randomness="error")(weights, buffers, batches)

    return milliseconds(one), milliseconds(all_at_once)


TASKS: list[Task] = [
    ("mlp, 8 features", lambda: Mlp(inputs=8, outputs=10), lambda b: torch.randn(b, 8), 4096, 32),
    ("mlp, 8 features", lambda: Mlp(inputs=8, outputs=10), lambda b: torch.randn(b, 8), 64, 256),
    ("mlp, 64 features", lambda: Mlp(inputs=64, outputs=10), lambda b: torch.randn(b, 64), 4096, 32),
    (
        "cnn, 8 x 8 grey",
        lambda: Cnn(channels=1, height=8, width=8, outputs=10),
        lambda b: torch.randn(b, 1, 8, 8),
        1000,
        32,
    ),
    (
        "cnn, 28 x 28 grey",
        lambda: Cnn(channels=1, height=28, width=28, outputs=10),
        lambda b: torch.randn(b, 1, 28, 28),
        250,
        32,
    ),
    (
        "text_cnn, 40 words",
        lambda: TextCnn(vocabulary=5000, outputs=4),
        lambda b: torch.randint(2, 5000, (b, 40)),
        250,
        32,
    ),
]


def main() -> None:
    """Print the table."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--members", type=int, default=5)
    options.add_argument("--threads", type=int, default=1)
    options.add_argument("--device", default="cpu")
    given = options.parse_args()
    torch.set_num_threads(given.threads)
    torch.manual_seed(0)
    print(f"{given.members} members, {given.threads} thread(s), {given.device}")
    print("| network | rows | answer: one | all | difference | rows a step | train: one | all |")
    print("|---|---|---|---|---|---|---|---|")
    for name, make, draw, rows, batch in TASKS:
        nets = [make().to(given.device) for _ in range(given.members)]
        one, both, difference = predictions(nets, draw(rows).to(given.device))
        step = training_steps(nets, draw(batch).to(given.device), torch.randint(0, 4, (batch,)).to(given.device))
        print(
            f"| {name} | {rows} | {one:.1f} | {both:.1f} | {difference:.0e} | {batch} | {step[0]:.1f} | {step[1]:.1f} |"
        )


if __name__ == "__main__":
    main()
