"""Twins of the family bayesian."""

from __future__ import annotations

import math
from typing import Any

import torch

from querist.core.types import Generator
from querist.testing.naive import Vector, scores
from querist.testing.naive.selectors import frank_wolfe, joint_mi, sample
from querist.testing.naive.strategies import per_row
from querist.views.base import Positions


def variation_ratio_scores(strategy: Any, samples: list, *, at: Positions) -> list[float]:
    """Votes against the majority, unit by unit."""
    return per_row([scores.variation_ratio(list(unit)) for unit in zip(*samples, strict=True)], at, strategy.aggregate)


def mean_std_scores(strategy: Any, samples: list, *, at: Positions) -> list[float]:
    """Spread of the class probabilities, unit by unit."""
    return per_row([scores.mean_std(list(unit)) for unit in zip(*samples, strict=True)], at, strategy.aggregate)


def bald_scores(strategy: Any, samples: list, *, at: Positions) -> list[float]:
    """Information of a label about the network, unit by unit."""
    measure = scores.variance if at.task == "regression" else scores.bald
    return per_row([measure(list(unit)) for unit in zip(*samples, strict=True)], at, strategy.aggregate)


def batch_bald_picks(strategy: Any, samples: list, *, at: Positions, k: int, rng: Generator) -> list[int]:
    """The whole joint distribution of the labels, pick by pick."""
    del strategy
    return joint_mi.joint_mi_picks(samples, k=k, labelled=[], candidates=at.candidates.tolist(), rng=rng)


def acs_fw_picks(strategy: Any, samples: list, *, at: Positions, k: int, rng: Generator) -> list[int]:
    """Expected log-likelihoods, one number a drawn network and row, then Frank-Wolfe."""
    networks = range(len(samples))
    means = _mean(samples)
    middle = sum(means) / len(means) if at.task == "regression" else 0.0
    noise = (
        strategy.noise * sum((mean - middle) ** 2 for mean in means) / len(means) if at.task == "regression" else 0.0
    )

    def of_values(unit: int) -> Vector:
        spread = sum((samples[j][unit] - means[unit]) ** 2 for j in networks) / len(samples)
        doubt = 0.5 * math.log(2 * math.pi * math.e * (noise + spread))
        # E (y - z)^2 under a Gaussian with this mean and the variance spread + noise.
        errors = [(samples[j][unit] - means[unit]) ** 2 + spread + noise for j in networks]
        return [
            -0.5 * math.log(2 * math.pi * noise) - error / (2 * noise) + strategy.entropy * doubt for error in errors
        ]

    def of_classes(unit: int) -> Vector:
        doubt = scores.entropy(means[unit])
        return [
            sum(chance * math.log(p) for chance, p in zip(means[unit], samples[j][unit], strict=True))
            + strategy.entropy * doubt
            for j in networks
        ]

    own = [of_values(unit) if at.task == "regression" else of_classes(unit) for unit in range(len(means))]
    columns = [per_row([vector[j] for vector in own], at, "sum") for j in networks]
    vectors = [[value / math.sqrt(len(samples)) for value in row] for row in zip(*columns, strict=True)]
    return frank_wolfe.frank_wolfe_picks(
        vectors, k=k, labelled=at.labelled.tolist(), candidates=at.candidates.tolist(), rng=rng
    )


def _mean(samples: list) -> list:
    """Over the networks; of each unit one number, or one for each class."""
    if isinstance(samples[0][0], float):
        return [sum(values) / len(values) for values in zip(*samples, strict=True)]
    return [_mean(list(unit)) for unit in zip(*samples, strict=True)]


def debal_scores(strategy: Any, samples: list, *, at: Positions) -> list[float]:
    """BALD, whoever drew the networks."""
    return bald_scores(strategy, samples, at=at)


def ensemble_scores(strategy: Any, samples: list, *, at: Positions) -> list[float]:
    """Members against their majority; their variance in regression."""
    measure = scores.variance if at.task == "regression" else scores.variation_ratio
    return per_row([measure(list(unit)) for unit in zip(*samples, strict=True)], at, strategy.aggregate)


def power_bald_law(strategy: Any, samples: list, *, at: Positions, picked: list[int]) -> dict[int, float]:
    """Chances in proportion to a power of BALD."""
    return sample.sample_law(
        bald_scores(strategy, samples, at=at),
        picked=picked,
        labelled=[],
        candidates=at.candidates.tolist(),
        law="power",
        beta=strategy.beta,
    )


def power_sampling_law(strategy: Any, samples: list, *, at: Positions, picked: list[int]) -> dict[int, float]:
    """The same around BALD, by any law."""
    return sample.sample_law(
        bald_scores(strategy.inner, samples, at=at),
        picked=picked,
        labelled=[],
        candidates=at.candidates.tolist(),
        law=strategy.law,
        beta=strategy.beta,
    )


def epig_picks(strategy: Any, samples: list, *, at: Positions, k: int, rng: Generator) -> list[int]:
    """All candidates are targets; the highest mean gains."""
    del strategy, rng
    candidates = at.candidates.tolist()
    targets = [[network[pos] for pos in candidates] for network in samples]
    gain = {pos: scores.predictive_gain([network[pos] for network in samples], targets) for pos in candidates}
    return sorted(candidates, key=lambda pos: -gain[pos])[:k]


def dropout_gp_picks(strategy: Any, samples: list, *, at: Positions, k: int, rng: Generator) -> list[int]:
    """The posterior variances of the Gaussian process written out, again for every pick."""
    del rng
    values = torch.tensor(samples, dtype=torch.float64)
    values = values[:, :, None] if values.ndim == 2 else values
    moved = values - values.mean(0)
    kernel = torch.einsum("snc,smc->nm", moved, moved) / len(values)
    noise = strategy.noise * float(kernel.diagonal().mean())
    seen, picked, left = at.labelled.tolist(), [], at.candidates.tolist()
    for _ in range(k):
        known = kernel[seen][:, seen] + noise * torch.eye(len(seen), dtype=torch.float64)
        variance = kernel.diagonal() - (kernel[:, seen] * torch.linalg.solve(known, kernel[seen]).T).sum(1)
        best = max(left, key=lambda pos: float(variance[pos]))
        picked.append(best)
        seen.append(best)
        left.remove(best)
    return picked
