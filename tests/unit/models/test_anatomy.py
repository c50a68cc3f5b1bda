"""One look at a network: its last layer, its dropout, and errors that say what to change."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from querist.core.errors import UsageError, ViewMissing
from querist.models.anatomy import FeatureTap, examine
from querist.models.linear_layer import LinearLayer
from querist.tasks import make_task

TASK = make_task("classification", ["a", "b", "c"])


class Branches(nn.Module):
    """The last layer by definition is not the last one that runs."""

    def __init__(self) -> None:
        super().__init__()
        self.head, self.body, self.aside = nn.Linear(5, 3), nn.Linear(4, 5), nn.Linear(5, 1)

    def forward(self, x: Tensor) -> Tensor:
        h = self.body(x).relu()
        self.aside(h)
        return self.head(input=h)  # type: ignore[no-any-return]


FOUND: dict[str, tuple[Callable[[], nn.Module], str | None]] = {
    "linear": (lambda: nn.Linear(4, 3), ""),
    "nested": (lambda: nn.Sequential(nn.Linear(4, 8), nn.Sequential(nn.ReLU(), nn.Linear(8, 3))), "1.1"),
    "branches": (Branches, "head"),
    "softmax after it": (lambda: nn.Sequential(nn.Linear(4, 3), nn.LogSoftmax(-1)), "0"),
    "no linear layer": (lambda: nn.Sequential(nn.Unflatten(1, (4, 1)), nn.Conv1d(4, 3, 1), nn.Flatten()), None),
    "another width": (lambda: nn.Sequential(nn.Linear(4, 6), nn.Unflatten(1, (3, 2)), nn.Flatten(2), Mean()), None),
}


class Mean(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.mean(-1)


@pytest.mark.parametrize("name", FOUND)
def test_the_last_linear_layer_is_found(name: str) -> None:
    make, layer = FOUND[name]
    anatomy = examine(make().eval(), (torch.zeros(2, 4),), TASK, features=None)
    assert anatomy.last_layer == layer
    assert not anatomy.dropout


def test_the_tap_sees_what_the_last_layer_reads() -> None:
    module = Branches().eval()
    x = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
    with torch.no_grad(), FeatureTap(module=module, last_layer="head") as tap:
        logits = module(x)
    torch.testing.assert_close(module.head(tap.pooled(None)), logits)
    with torch.no_grad():
        module(x[:2])
    assert tap.pooled(None).shape == (6, 5)  # closed: sees nothing more


def test_token_features_are_the_mean_over_true_tokens() -> None:
    tap = FeatureTap(module=nn.Identity(), last_layer="x")
    tap.seen = torch.tensor([[[1.0], [3.0], [99.0]], [[5.0], [99.0], [99.0]]])
    assert tap.pooled(torch.tensor([2, 1])).tolist() == [[2.0], [5.0]]


def test_without_a_last_layer_the_error_says_what_to_name() -> None:
    tap = FeatureTap(module=nn.Sequential(nn.Conv1d(1, 1, 1), nn.Linear(1, 2)), last_layer=None)
    with pytest.raises(ViewMissing, match=r"name the layer that reads them with features='...'; linear layers: 1$"):
        tap.__enter__()


def test_a_named_layer_is_taken_and_a_wrong_name_refused() -> None:
    module = Branches().eval()
    x = (torch.zeros(2, 4),)
    assert examine(module, x, TASK, features="body").last_layer == "body"
    with pytest.raises(UsageError, match="no layer 'bdy'; its linear layers: head, body, aside"):
        examine(module, x, TASK, features="bdy")


def test_dropout_counts_only_where_it_is_reached_and_drops() -> None:
    class Unreached(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.last, self.unused = nn.Linear(4, 3), nn.Dropout()

        def forward(self, x: Tensor) -> Tensor:
            return self.last(x)  # type: ignore[no-any-return]

    x = (torch.zeros(2, 4),)
    assert not examine(Unreached().eval(), x, TASK, features=None).dropout
    assert not examine(nn.Sequential(nn.Dropout(0.0), nn.Linear(4, 3)).eval(), x, TASK, features=None).dropout
    assert examine(nn.Sequential(nn.Dropout(0.1), nn.Linear(4, 3)).eval(), x, TASK, features=None).dropout


def test_dropout_inside_a_transformer_is_seen() -> None:
    layer = nn.TransformerEncoderLayer(4, 2, 8, dropout=0.1, batch_first=True)
    module = nn.Sequential(nn.Unflatten(1, (1, 4)), layer, nn.Flatten(), nn.Linear(4, 3)).eval()
    assert examine(module, (torch.zeros(2, 4),), TASK, features=None).dropout


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (nn.Linear(7, 3), r"Linear cannot read inputs of the shape \[2, 4\]: mat1 and mat2.*; encoder=None"),
        (nn.Linear(4, 5), r"Linear gives \[2, 5\] for inputs .*; classification needs \[2, 3\]; .* 3 outputs"),
        (nn.LSTM(4, 3), "LSTM gives tuple"),
    ],
)
def test_networks_that_do_not_fit_are_refused(module: nn.Module, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        examine(module.eval(), (torch.zeros(2, 4),), TASK, features=None)


class Twice(nn.Module):
    """A layer whose answer is not the output."""

    def __init__(self) -> None:
        super().__init__()
        self.last = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        return 2 * self.last(x)  # type: ignore[no-any-return]


class Adapted(nn.Module):
    """A linear layer that adds more to its answer than its weights say."""

    def __init__(self) -> None:
        super().__init__()
        self.last = _WithMore(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(x)  # type: ignore[no-any-return]


class _WithMore(nn.Linear):
    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x) + x[:, :3]


@pytest.mark.parametrize(
    ("make", "features", "linear"),
    [
        (lambda: nn.Linear(4, 3), None, True),
        (Branches, None, True),
        (Branches, "body", False),
        (lambda: nn.Sequential(nn.Linear(4, 3), nn.LogSoftmax(-1)), None, True),  # a softmax sees no difference
        (lambda: nn.Sequential(nn.Linear(4, 3), nn.Tanh()), None, False),
        (Twice, None, False),
        (Adapted, None, False),
    ],
)
def test_a_head_is_linear_only_if_its_weights_give_the_answer(
    make: Callable[[], nn.Module], features: str | None, linear: bool
) -> None:
    module, x = make().eval(), torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
    anatomy = examine(module, (x[:2],), TASK, features=features)
    assert anatomy.ends_linear is linear
    if linear:
        assert anatomy.last_layer is not None
        head = LinearLayer.of_module(module, anatomy.last_layer).joined()
        with torch.no_grad(), FeatureTap(module=module, last_layer=anatomy.last_layer) as tap:
            logits = module(x)
        torch.testing.assert_close((tap.pooled(None) @ head[:, :-1].T + head[:, -1]).softmax(-1), logits.softmax(-1))


def test_a_head_without_bias_has_a_column_of_zeros() -> None:
    head = LinearLayer.of_module(nn.Linear(4, 3, bias=False), "").joined()
    assert head.shape == (3, 5)
    assert head[:, -1].tolist() == [0.0, 0.0, 0.0]


def test_embeddings_stay_where_only_the_last_layer_learns() -> None:
    task = make_task("classification", ["a", "b", "c"])
    inputs = (torch.zeros(2, 5),)
    head = nn.Sequential(nn.Dropout(0.2), nn.Linear(5, 3))
    deep = nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 3))
    assert examine(head.eval(), inputs, task, features=None).fixed
    assert not examine(deep.eval(), inputs, task, features=None).fixed
    for weight in deep[0].parameters():
        weight.requires_grad_(False)
    assert examine(deep.eval(), inputs, task, features=None).fixed
