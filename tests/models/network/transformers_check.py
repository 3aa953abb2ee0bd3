"""Opens the GPT-2 in a folder as users of Hugging Face's transformers do.

    transformers_check.py FOLDER GOLDEN.safetensors

Says what the loading left over and whether the logits of the golden tokens are the golden ones. Saves
the model again, into FOLDER/again.
Exits with 77 where a package is not installed.
"""

import sys

try:
    import torch
    from safetensors.torch import load_file
    from transformers import GPT2LMHeadModel
except ImportError as missing:
    print(missing)
    sys.exit(77)

folder, golden = sys.argv[1], load_file(sys.argv[2])
model, left = GPT2LMHeadModel.from_pretrained(folder, output_loading_info=True)
for kind in ("missing_keys", "unexpected_keys", "mismatched_keys"):
    print(kind, sorted(left[kind]))
with torch.no_grad():
    logits = model.eval()(golden["tokens"]).logits
print("logits agree:", bool((logits - golden["logits"]).abs().max() < 1e-5))
sigma = load_file(folder + "/sigma.safetensors")
names = set(name for name, _ in model.named_parameters())
print("sigma has the names:", set(sigma) == names)
model.save_pretrained(folder + "/again")
