"""The smallest system that fulfils the protocol: for tests of the general parts."""

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from spatialjax.tasks.base import ArraySpec, Aux, Scores, Variables


@dataclass(frozen=True)
class FakeTask:
    """Scales each source by one weight; knows a running mean and a random draw."""

    num_sources: int = 2
    num_samples: int = 16
    image_size: int = 4

    @property
    def batch_spec(self):
        n, t, s = self.num_sources, self.num_samples, self.image_size
        return {
            "audio": ArraySpec((n, 1, t), "int16", "full scale 32768", 8000.0),
            "images": ArraySpec((n, 1, s, s, 3), "uint8", "0 to 255"),
            "gain": ArraySpec((n,), "float32", "factor"),
            "class_id": ArraySpec((n,), "int32", "class index or -1"),
            "example_id": ArraySpec((), "int32", "index"),
            "valid": ArraySpec((), "bool", "truth value"),
        }

    def init(self, key):
        weight = 0.1 * jax.random.normal(key, (self.num_samples,))
        return Variables(
            {"audio": {"weight": weight}, "head": {"bias": jnp.zeros(())}},
            {"mean": jnp.zeros(())},
        )

    def _signal(self, batch):
        return batch["audio"][:, :, 0].astype(jnp.float32) / 32768.0

    def predict(self, variables, batch, key):
        sources = self._signal(batch)
        weight = variables.params["audio"]["weight"]
        return {
            "estimates": sources * weight[None, None]
            + variables.params["head"]["bias"],
            "sources": sources,
        }

    def measure(self, outputs, batch):
        error = ((outputs["estimates"] - outputs["sources"]) ** 2).mean(-1)
        valid = batch["valid"].astype(jnp.float32)
        return {
            "loss": Scores(error.mean(-1), valid),
            "error": Scores(error, jnp.broadcast_to(valid[:, None], error.shape)),
        }

    def score(self, outputs, batch):
        error = np.asarray(outputs["estimates"] - outputs["sources"], np.float64)
        value = np.abs(error).max(-1)
        weight = np.asarray(batch["valid"])[:, None] * np.ones_like(value)
        return {"peak_error": Scores(value, weight)}

    def loss(self, variables, batch, key, axis):
        sources = self._signal(batch)
        keys = jax.vmap(lambda i: jax.random.fold_in(key, i))(batch["example_id"])
        noise = jax.vmap(lambda k: jax.random.normal(k, sources.shape[1:]))(keys)
        outputs = self.predict(variables, batch, key)
        error = (outputs["estimates"] - sources - 0.1 * noise) ** 2
        valid = batch["valid"].astype(jnp.float32)
        mean = sources.mean()
        if axis is not None:
            mean = jax.lax.pmean(mean, axis)
        state = {"mean": 0.9 * variables.state["mean"] + 0.1 * mean}
        total = (error.mean((1, 2)) * valid).sum()
        power = ((sources**2).mean((1, 2)) * valid).sum()
        return total, Aux(valid.sum(), state, {"power": power})


def fake_batch(task, rows, step=0, seed=0):
    """One batch of random numbers that fits the task, the same for the same step."""
    rng = np.random.default_rng((seed, step))
    batch = {}
    for name, spec in task.batch_spec.items():
        shape = (rows, *spec.shape)
        if name == "audio":
            batch[name] = rng.integers(-9000, 9000, shape).astype(np.int16)
        elif name == "images":
            batch[name] = rng.integers(0, 256, shape).astype(np.uint8)
        elif name == "gain":
            batch[name] = np.ones(shape, np.float32)
        elif name == "class_id":
            batch[name] = rng.integers(0, 3, shape).astype(np.int32)
        elif name == "example_id":
            batch[name] = (step * rows + np.arange(rows)).astype(np.int32)
        elif name == "valid":
            batch[name] = np.ones(shape, bool)
    return batch
