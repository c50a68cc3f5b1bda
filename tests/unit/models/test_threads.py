import numpy as np

from querist.models import make_model
from querist.pool.pool import Pool
from querist.tasks import make_task


def prepared(width: int):
    pool = Pool.from_arrays(np.zeros((4, 3), np.float32), ["a", "b", "a", "b"])
    task = make_task(*pool.suggest_task())
    adapter = make_model("mlp", pool, task, device="cpu", width=width, depth=1)
    adapter.prepare(pool, task)
    return adapter


def test_a_small_network_asks_for_one_thread_and_a_large_one_for_none():
    assert prepared(width=16).found["threads"] == 1
    assert "threads" not in prepared(width=2**15).found
