#!/usr/bin/env python3
"""Makes the golden numbers of networks: those of PyTorch and Hugging Face's transformers.

    tests/models/network/golden_gpt2.py [--environment FOLDER]

Writes beside itself, in float32 and without a checksum:

  gpt2.safetensors       a tiny GPT2LMHeadModel, randomly initialised, without dropout
    transformer.NAME       its weights; matrices tenfold their usual size, so that attention looks around
    tokens, targets        [2, 16], I64; of the second row the last 5 targets are -100: not counted
    logits                 [2, 16, 67]
    loss.sum, loss.mean    cross-entropy, summed and averaged over the targets that count
    gradient.NAME          of loss.mean

  mlp.safetensors        a perceptron 7-12-9-3, for ACTIVATION in relu, gelu (gelu_new: its tanh form)
    ACTIVATION.layers.N.weight, .bias   N = 0, 1, 2; weights are [in, out]: y = x W + b
    features [11, 7], classes [11] (I64), which both share
    ACTIVATION.logits, ACTIVATION.loss.sum, ACTIVATION.loss.mean
    ACTIVATION.gradient.NAME            of loss.sum

The mathematics runs in float64 and is rounded once, so that the numbers are true to float32. Makes the
virtual environment (build/golden) with what it needs from PyPI where it is missing. Same versions,
same numbers; the versions are in the metadata.
"""

import argparse
import os
import subprocess
import sys
import venv

HERE = os.path.dirname(os.path.abspath(__file__))
PACKAGES = ["torch", "transformers", "safetensors", "numpy"]


def enter(folder):
    """Goes on in the virtual environment, which is made and filled first where it has to be."""
    python = os.path.join(folder, "bin", "python")
    if not os.path.exists(python):
        venv.create(folder, with_pip=True)
    probe = subprocess.run([python, "-c", "import " + ", ".join(PACKAGES)], capture_output=True)
    if probe.returncode != 0:
        subprocess.run([python, "-m", "pip", "install", "-q"] + PACKAGES, check=True)
    if os.path.realpath(sys.prefix) != os.path.realpath(folder):
        os.execv(python, [python, os.path.abspath(__file__)] + sys.argv[1:])


def save(name, tensors):
    import torch
    import transformers
    from safetensors.torch import save_file

    def stored(tensor):
        tensor = tensor.detach()
        return (tensor.float() if tensor.is_floating_point() else tensor).contiguous().clone()

    versions = f"torch {torch.__version__}, transformers {transformers.__version__}"
    path = os.path.join(HERE, name)
    save_file({key: stored(value) for key, value in tensors.items()}, path,
              metadata={"versions": versions})
    os.chmod(path, 0o644)
    print(f"{path}: {len(tensors)} tensors, {os.path.getsize(path)} bytes")


def golden_gpt2():
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    torch.manual_seed(1)
    config = GPT2Config(vocab_size=67, n_positions=16, n_embd=32, n_layer=2, n_head=2,
                        resid_pdrop=0, embd_pdrop=0, attn_pdrop=0, bos_token_id=None,
                        eos_token_id=None, attn_implementation="eager")
    model = GPT2LMHeadModel(config).train()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith(".bias") or ".ln_" in name:
                parameter.add_(0.3 * torch.randn_like(parameter))
            else:
                parameter.mul_(10)
    weights = dict(model.named_parameters())
    stored = {name: parameter.detach().clone() for name, parameter in weights.items()}
    model.double()

    tokens = torch.randint(67, (2, 16))
    targets = torch.randint(67, (2, 16))
    targets[1, 11:] = -100
    logits = model(tokens).logits
    loss = torch.nn.functional.cross_entropy(logits.view(-1, 67), targets.view(-1), reduction="sum")
    counted = (targets != -100).sum()
    (loss / counted).backward()
    gradients = {f"gradient.{name}": p.grad for name, p in model.named_parameters()}
    save("gpt2.safetensors", {**stored, **gradients, "tokens": tokens, "targets": targets,
                              "logits": logits, "loss.sum": loss, "loss.mean": loss / counted})


def golden_mlp():
    import torch
    from transformers.activations import ACT2FN

    torch.manual_seed(2)
    sizes = [7, 12, 9, 3]
    features = torch.randn(11, 7)
    classes = torch.randint(3, (11,))
    tensors = {"features": features, "classes": classes}
    for label, activation in [("relu", torch.relu), ("gelu", ACT2FN["gelu_new"])]:
        weights = {}
        for n, (before, after) in enumerate(zip(sizes, sizes[1:])):
            weights[f"layers.{n}.weight"] = torch.randn(before, after) * (2 / before) ** 0.5
            weights[f"layers.{n}.bias"] = 0.3 * torch.randn(after)
        exact = {name: value.double().requires_grad_() for name, value in weights.items()}
        hidden = features.double()
        for n in range(len(sizes) - 1):
            if n > 0:
                hidden = activation(hidden)
            hidden = hidden @ exact[f"layers.{n}.weight"] + exact[f"layers.{n}.bias"]
        loss = torch.nn.functional.cross_entropy(hidden, classes, reduction="sum")
        loss.backward()
        parts = {**weights, "logits": hidden, "loss.sum": loss, "loss.mean": loss / len(classes),
                 **{f"gradient.{name}": value.grad for name, value in exact.items()}}
        tensors.update({f"{label}.{name}": value for name, value in parts.items()})
    save("mlp.safetensors", tensors)


def main():
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--environment", default=os.path.join(HERE, "../../../build/golden"))
    enter(os.path.abspath(parser.parse_args().environment))
    golden_gpt2()
    golden_mlp()


if __name__ == "__main__":
    main()
