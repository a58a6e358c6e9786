"""A model's way into the page: checked here, handed over as plain arrays, and asked here where the page
cannot compute it."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from vaegan_helpers import models

# What `page/network.js` computes too; any other function leaves the model to the kernel.
ACTIVATIONS = {jax.nn.relu: "relu", jax.nn.leaky_relu: "leaky_relu", jnp.tanh: "tanh", jax.nn.tanh: "tanh"}
OUTPUTS = {models.identity: "identity", jax.nn.sigmoid: "sigmoid", jnp.tanh: "tanh", jax.nn.tanh: "tanh"}


@jax.jit
def _decode(model, z):
    return model.decode(z)


def decode(model: Any, z: Any) -> np.ndarray:
    """The model's pictures at latents z (n, z_dim), as a NumPy array (n, pixels).

    Compiled once for each model and number of latents; which model and where is data.
    """
    return np.asarray(_decode(model, jnp.asarray(z, jnp.float32)))


def encode(model: Any, x: Any) -> np.ndarray:
    """The codes of pictures x (n, pixels), (n, z_dim): a VAE's means, or what another encoder gives."""
    code = model.encode(jnp.asarray(x, jnp.float32))
    return np.asarray(code[0] if isinstance(code, tuple) else code)


@jax.jit
def _judge(model, x):
    return model(x)


def judge(model: Any, x: Any) -> np.ndarray:
    """A discriminator's logits for pictures x (n, pixels), (n,); all its units work."""
    return np.asarray(_judge(model, jnp.asarray(x, jnp.float32))).reshape(-1)


def as_models(given: Any, z_dim: int | None = None) -> dict[str, Any]:
    """One model or {name: model} as a dictionary, checked to decode latents of one size.

    Raises:
      ValueError: no model, one without `decode` or `z_dim`, latents of another size, weights that are NaN or
        infinite.
    """
    given = dict(given) if isinstance(given, dict) else {"decoded": given}
    if not given:
        raise ValueError("at least one model is needed, got none")
    for name, model in given.items():
        if not callable(getattr(model, "decode", None)) or not hasattr(model, "z_dim"):
            kind = type(model).__name__
            raise ValueError(f"{name}: an explorer needs a model with decode(z) and z_dim, got {kind}")
        wanted = z_dim or next(iter(given.values())).z_dim
        if model.z_dim != wanted:
            raise ValueError(f"{name}: latents have {model.z_dim} dimensions, wanted {wanted}")
        require_finite_weights(name, model)
    return given


def as_model(model: Any) -> Any:
    """One model, checked as `as_models` checks it."""
    if isinstance(model, dict):
        raise ValueError(f"this explorer shows one model with decode(z), got a dictionary of {len(model)}")
    return as_models(model)["decoded"]


def require_finite_weights(name: str, model: Any) -> None:
    """Raises ValueError where a weight is NaN or infinite."""
    leaves = [leaf for leaf in jax.tree.leaves(model) if hasattr(leaf, "dtype")]
    if not all(np.isfinite(leaf).all() for leaf in leaves if jnp.issubdtype(leaf.dtype, jnp.inexact)):
        raise ValueError(f"{name}: the model has weights that are NaN or infinite")


def decoder(model: Any) -> dict:
    """What turns latents into pictures, for the page; `{}` if the kernel has to be asked."""
    kind = type(model)
    if kind in (models.VAE, models.Autoencoder) and type(model.decoder) is models.Decoder:
        return _described(model.decoder.network, model.output)
    if kind is models.Generator:
        return _described(model.network, model.output, categories=model.categories)
    return {}


def encoder(model: Any) -> dict:
    """What turns pictures into codes, a VAE's means before its log variances; `{}` if the kernel has to be
    asked."""
    if type(model) is models.VAE and type(model.encoder) is models.Encoder:
        return _described(model.encoder.network, models.identity)
    if type(model) is models.Autoencoder:
        return _described(model.encoder, models.identity)
    return {}


def discriminator(model: Any) -> dict:
    """What turns a picture into one logit, all units at work; `{}` if the kernel has to be asked."""
    if type(model) is not models.Discriminator or model.packing > 1 or model.minibatch_std:
        return {}
    largest = models.largest_singular_value if model.spectral_norm else lambda kernel: 1.0
    return _described(model.network, models.identity, largest, frequencies=list(model.frequencies))


def _described(network, output, divisor=lambda kernel: 1.0, **more):
    if type(network) is not models.MLP or network.activation not in ACTIVATIONS or output not in OUTPUTS:
        return {}
    layers = []
    for layer in network.layers:
        kernel = layer.kernel[...]
        weights, bias = (np.asarray(part / divisor(kernel), "<f4") for part in (kernel, layer.bias[...]))
        inputs, outputs = weights.shape
        layers.append(
            {"inputs": inputs, "outputs": outputs, "weights": weights.tobytes(), "bias": bias.tobytes()}
        )
    return {
        "layers": layers,
        "activation": ACTIVATIONS[network.activation],
        "output": OUTPUTS[output],
        **more,
    }


def in_8_bits(described: dict) -> dict:
    """The same network with 8 bits for each weight and one scale for each column: a quarter of the size."""
    layers = []
    for layer in described.get("layers", []):
        weights = np.frombuffer(layer["weights"], "<f4").reshape(layer["inputs"], layer["outputs"])
        scale = (np.maximum(np.abs(weights).max(axis=0), 1e-30) / 127).astype("<f4")
        small = np.rint(weights / scale).astype(np.int8)
        layers.append(layer | {"weights": small.tobytes(), "scale": scale.tobytes()})
    return described | {"layers": layers} if layers else described
