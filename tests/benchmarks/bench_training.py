"""How fast training is, in one run: against PyTorch, a plain loop, and the matrix products alone.

    pip install -c constraints.txt -e ".[bench]" && python tests/benchmarks/bench_training.py

Every round times each contender once, one after the other, so that other work on the machine slows all of
them alike; ratios are taken within a round, and the table shows medians. Believe the ratios, not the rates.
Nothing is asserted. `--rounds 3` is quicker, `--only` picks the cases whose name holds a word.
"""

import argparse
import itertools
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import torch
from flax import nnx

from vaegan_helpers import data, losses, mixtures, models, training


class Case(NamedTuple):
    """One thing to train in several ways.

    Attributes:
      name: for the table.
      batch_size: examples per step.
      steps: how many steps each contender makes per round; a slow one makes a tenth of them.
      contenders: {name: function of (steps) that makes them and waits until they are done}. The first one is
        ours.
      compile_program: Python source that defines `run()`, our training for a few steps, for timing its
        compilation.
    """

    name: str
    batch_size: int
    steps: int
    contenders: dict[str, Callable[[int], None]]
    compile_program: str


def vae_case(hidden_layers, batch_size=128, steps=350):
    """The VAE 784-256-...-2 on 4,500 digits; 350 steps of 128 are ten passes over them."""
    images = data.load_mnist().train_images
    sizes = dict(x_dim=784, hidden_dim=256, z_dim=2, hidden_layers=hidden_layers)

    def build():
        return models.VAE(**sizes, key=jax.random.key(0))

    def ours(steps):
        training.fit_vae(
            build(), images, jax.random.key(1), steps=steps, batch_size=batch_size, progress=False
        )

    return Case(
        f"VAE, {hidden_layers} hidden layer{'s' * (hidden_layers > 1)}",
        batch_size,
        steps,
        {
            "fit_vae": ours,
            "nnx.jit loop": nnx_vae(build, images, batch_size),
            **torch_vae(sizes, images, batch_size),
            "matrix products": matrix_products(build(), images, batch_size),
        },
        f"""
import jax
from vaegan_helpers import data, models, training
images = data.load_mnist().train_images
model = models.VAE(**{sizes}, key=jax.random.key(0))
def run():
    training.fit_vae(model, images, jax.random.key(1), steps=10, batch_size={batch_size},
        chunks=1, progress=False)
""",
    )


def nnx_vae(build, images, batch_size):
    """The loop that Flax's own tutorials write: one compiled step, called from Python."""
    images = jnp.asarray(images)

    @nnx.jit
    def train_step(model, optimizer, key, index):
        batch_key, noise_key = jax.random.split(jax.random.fold_in(key, index))
        batch = images[jax.random.randint(batch_key, (batch_size,), 0, len(images))]
        (loss, _), gradients = nnx.value_and_grad(losses.vae_loss, has_aux=True)(model, batch, noise_key)
        optimizer.update(model, gradients)
        return loss

    def run(steps):
        model = build()
        optimizer = nnx.Optimizer(model, optax.adam(1e-3), wrt=nnx.Param)
        for index in range(steps):
            loss = train_step(model, optimizer, jax.random.key(1), index)
        loss.block_until_ready()

    return run


def torch_vae(sizes, images, batch_size):
    """The same model, loss, batches and optimiser in PyTorch without compilation, on one thread and on all of
    them.
    """
    images = torch.tensor(images)

    def mlp(first, last):
        widths = [first, *[sizes["hidden_dim"]] * sizes["hidden_layers"], last]
        layers = []
        for a, b in itertools.pairwise(widths):
            layers += [torch.nn.Linear(a, b), torch.nn.ReLU()]
        return torch.nn.Sequential(*layers[:-1])

    def run_with(threads):
        def run(steps):
            torch.set_num_threads(threads)
            encoder, decoder = mlp(sizes["x_dim"], 2 * sizes["z_dim"]), mlp(sizes["z_dim"], sizes["x_dim"])
            optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=1e-3)
            for _ in range(steps):
                x = images[torch.randint(len(images), (batch_size,))]
                mean, logvar = encoder(x).chunk(2, dim=1)
                z = mean + torch.exp(0.5 * logvar) * torch.randn_like(mean)
                reconstruction = torch.nn.functional.binary_cross_entropy_with_logits(
                    decoder(z), x, reduction="sum"
                )
                kl = 0.5 * torch.sum(mean**2 + logvar.exp() - 1 - logvar)
                optimizer.zero_grad()
                ((reconstruction + kl) / batch_size).backward()
                optimizer.step()

        return run

    threads = sorted({1, torch.get_num_threads()})
    return {f"PyTorch, {count} thread{'s' * (count > 1)}": run_with(count) for count in threads}


def matrix_products(vae, images, batch_size):
    """Only the products of the VAE's forward and backward pass, compiled.

    What is left when all else costs nothing.
    """
    images = jnp.asarray(images)

    def kernels(network):
        return [layer.kernel[...] for layer in network.layers]

    def forward(x, weights):
        inputs = []
        for weight in weights:
            inputs.append(x)
            x = x @ weight
        return x, inputs

    def backward(gradient, inputs, weights, to_input):
        found = []
        for i, (x, weight) in reversed(list(enumerate(zip(inputs, weights, strict=True)))):
            found.append(x.T @ gradient)
            if i or to_input:
                gradient = gradient @ weight.T
        return gradient, found

    @jax.jit
    def run_steps(encoder, decoder, starts):
        def step(_, start):  # another batch at every step, so that no product can be moved out of the loop
            batch = jax.lax.dynamic_slice(images, (start, 0), (batch_size, images.shape[1]))
            code, encoder_inputs = forward(batch, encoder)
            output, decoder_inputs = forward(code[:, : vae.z_dim], decoder)
            gradient, decoder_gradients = backward(output, decoder_inputs, decoder, to_input=True)
            both = jnp.concatenate([gradient, gradient], axis=1)  # to the mean and to the log variance
            _, encoder_gradients = backward(both, encoder_inputs, encoder, to_input=False)
            return (encoder_gradients, decoder_gradients), None

        empty = [jnp.zeros_like(w) for w in encoder[::-1]], [jnp.zeros_like(w) for w in decoder[::-1]]
        return jax.lax.scan(step, empty, starts)[0]

    weights = kernels(vae.encoder.network), kernels(vae.decoder.network)

    def run(steps):
        starts = jnp.arange(steps) * 37 % (len(images) - batch_size)
        jax.block_until_ready(run_steps(*weights, starts))

    return run


def gan_case(name, real, sizes, batch_size, steps, dropout, gamma):
    """One move of each player per step; with gamma None there is no R1 penalty."""
    g_output = "jax.nn.sigmoid" if gamma else "lambda x: x"
    players = f"""models.Generator(**{sizes}, output={g_output}, key=jax.random.key(0)), models.Discriminator(
    x_dim={sizes["x_dim"]}, hidden_dim={sizes["hidden_dim"]}, dropout={dropout}, key=jax.random.key(1))"""
    generator, discriminator = eval(
        players
    )  # the same text serves the other process, which times the compilation
    options = dict(
        batch_size=batch_size, progress=False, penalty="r1" if gamma else None, penalty_weight=gamma or 0.0
    )

    def ours(steps):
        training.fit_gan(generator, discriminator, real, jax.random.key(1), steps=steps, **options)

    return Case(
        name,
        batch_size,
        steps,
        {"fit_gan": ours, **torch_gan(real, sizes, batch_size, dropout, gamma)},
        f"""
import jax, numpy as np
from vaegan_helpers import models, training
generator, discriminator = {players}
real = np.random.default_rng(0).random(({len(real)}, {sizes["x_dim"]}), np.float32)
def run():
    training.fit_gan(generator, discriminator, real, jax.random.key(1), steps=10, snapshots=1, **{options})
""",
    )


def torch_gan(real, sizes, batch_size, dropout, gamma):
    """The same players, losses, penalty, batches and optimisers in PyTorch without compilation."""
    real, z_dim, hidden = torch.tensor(real), sizes["z_dim"], sizes["hidden_dim"]
    softplus = torch.nn.functional.softplus

    def layers(first, last, activation, dropout=0.0):
        found = []
        for a, b in [(first, hidden), (hidden, hidden)]:
            found += [torch.nn.Linear(a, b), activation()] + [torch.nn.Dropout(dropout)] * (dropout > 0)
        return [*found, torch.nn.Linear(hidden, last)]

    def run_with(threads):
        def run(steps):
            torch.set_num_threads(threads)
            squash = [torch.nn.Sigmoid()] if gamma else []
            generator = torch.nn.Sequential(*layers(z_dim, real.shape[1], torch.nn.ReLU), *squash)
            discriminator = torch.nn.Sequential(
                *layers(real.shape[1], 1, lambda: torch.nn.LeakyReLU(0.01), dropout)
            )
            g_adam, d_adam = (
                torch.optim.Adam(model.parameters(), lr=1e-3, betas=(0.5, 0.999))
                for model in (generator, discriminator)
            )
            for _ in range(steps):
                x = real[torch.randint(len(real), (batch_size,))].requires_grad_(gamma is not None)
                fake = generator(torch.randn(batch_size, z_dim)).detach()
                real_logits = discriminator(x)[:, 0]
                loss = softplus(-real_logits).mean() + softplus(discriminator(fake)[:, 0]).mean()
                if gamma:
                    (slope,) = torch.autograd.grad(real_logits.sum(), x, create_graph=True)
                    loss = loss + gamma / 2 * slope.square().sum(dim=1).mean()
                d_adam.zero_grad()
                loss.backward()
                d_adam.step()
                g_loss = softplus(-discriminator(generator(torch.randn(batch_size, z_dim)))[:, 0]).mean()
                g_adam.zero_grad()
                g_loss.backward()
                g_adam.step()

        return run

    return {
        f"PyTorch, {count} thread{'s' * (count > 1)}": run_with(count)
        for count in sorted({1, torch.get_num_threads()})
    }


def ring_gan():
    points = np.asarray(mixtures.gaussian_ring().sample(jax.random.key(0), 5000))
    return gan_case("GAN on the ring", points, dict(z_dim=2, hidden_dim=128, x_dim=2), 128, 1000, 0.0, None)


def digit_gan():
    images = data.load_mnist().train_images
    return gan_case("GAN on digits, R1", images, dict(z_dim=32, hidden_dim=256, x_dim=784), 64, 500, 0.3, 5.0)


# To time another model, write a function that returns its Case and add it here.
CASES = [lambda: vae_case(hidden_layers=1), lambda: vae_case(hidden_layers=2), ring_gan, digit_gan]


def time_rounds(case, rounds):
    """Seconds per step of each contender in each round: {name: [seconds]}.

    What comes before the rounds compiles.
    """

    def seconds_per_step(run, steps):
        start = time.perf_counter()
        run(steps)
        return (time.perf_counter() - start) / steps

    few = case.steps // 10
    first_look = {
        name: min(seconds_per_step(run, few) for _ in range(2)) for name, run in case.contenders.items()
    }
    slow = 3 * next(iter(first_look.values()))  # whoever is slower than this makes fewer steps per round
    steps = {name: few if seconds > slow else case.steps for name, seconds in first_look.items()}
    for name, run in case.contenders.items():
        run(steps[name])
    found = {name: [] for name in case.contenders}
    for _ in range(rounds):
        for name, run in case.contenders.items():
            found[name].append(seconds_per_step(run, steps[name]))
    return found


def time_compilation(program):
    """Seconds to trace and compile our training in a new process.

    With an empty cache, and with the one it left.
    """
    timing = f"""
import pathlib, sys, time
import platformdirs
platformdirs.user_cache_path = lambda *names: pathlib.Path(sys.argv[1], *names)
{program}
start = time.perf_counter(); run(); first = time.perf_counter() - start
start = time.perf_counter(); run(); again = time.perf_counter() - start
print(first - again)
"""
    environment = {
        name: value
        for name, value in os.environ.items()
        if name not in ("VAEGAN_HELPERS_COMPILATION_CACHE", "JAX_COMPILATION_CACHE_DIR")
    }
    with tempfile.TemporaryDirectory() as directory:
        times = [
            float(
                subprocess.run(
                    [sys.executable, "-W", "ignore", "-c", timing, directory],
                    env=environment,
                    check=True,
                    capture_output=True,
                    text=True,
                ).stdout
            )
            for _ in range(2)
        ]
    return times


def report(case, rounds):
    seconds = time_rounds(case, rounds)
    (ours, own), *_ = seconds.items()
    print(f"\n{case.name}: batch {case.batch_size}, {case.steps} steps, median of {rounds} rounds")
    print(f"  {'':24}{'images/s':>10}{ours + ' is':>18}")
    for name, times in seconds.items():
        rate = case.batch_size / statistics.median(times)
        ratio = statistics.median(other / mine for other, mine in zip(times, own, strict=True))
        print(f"  {name:24}{rate:10,.0f}{'' if name == ours else f'{ratio:.2f} times':>18}")
    rivals = [times for name, times in seconds.items() if name.startswith("PyTorch")]
    if rivals:
        ratio = statistics.median(min(others) / mine for *others, mine in zip(*rivals, own, strict=True))
        print(f"  {'the faster PyTorch':24}{'':10}{f'{ratio:.2f} times':>18}")
    cold, kept = time_compilation(case.compile_program)
    print(f"  compiling {ours}: {cold:.1f} s with an empty cache, {kept:.1f} s from the persistent cache")


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", default="", help="cases whose name holds this word")
    options = parser.parse_args()
    print(f"JAX {jax.__version__}, PyTorch {torch.__version__}, {os.cpu_count()} cores")
    for build in CASES:
        case = build()
        if options.only in case.name:
            report(case, options.rounds)


if __name__ == "__main__":
    main()
