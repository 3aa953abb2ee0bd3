"""Small networks to train, the data they are trained on, and what their runs leave behind."""

import json
import random
import struct

CLASSES = '[data]\npath = "points.csv"\nresponse = "side"\nvalidation = "others.csv"\nbatch = 8\n' \
          'virtual_shards = 3\n[model]\nname = "mlp"\nhidden = [12]\n[rule]\nname = "ivon"\n' \
          'learning_rate = 0.3\nbeta2 = 0.999\n[stop]\nsteps = 40\n'
LINE = '[data]\npath = "points.csv"\nresponse = "height"\nfeatures = ["x", "y"]\nbatch = 8\n' \
       'validation = "others.csv"\nvirtual_shards = 3\n[model]\nname = "mlp"\n' \
       'likelihood = "regression"\nhidden = [8]\nactivation = "tanh"\n[rule]\nname = "adamw"\n' \
       'learning_rate = 0.02\n[stop]\nsteps = 80\n'
IMAGES = '[data]\npath = "images.idx"\nformat = "idx"\nresponse = "labels.idx"\n' \
         'validation_share = 0.2\nbatch = 8\nvirtual_shards = 2\n[model]\nname = "mlp"\n' \
         'hidden = [10]\n[rule]\nname = "sgd"\nlearning_rate = 0.1\n[stop]\nsteps = 80\n'
TEXT = '[data]\npath = "song.txt"\ncontext = 16\nvalidation_share = 0.1\nbatch = 4\n' \
       'virtual_shards = 2\n[model]\nname = "gpt2"\nlayers = 1\nheads = 2\nchannels = 16\n' \
       '[rule]\nname = "adamw"\nlearning_rate = 0.01\n[stop]\nsteps = 60\n'
TOKENS = TEXT.replace("song.txt", "tokens.bin").replace("context = 16",
                                                        "context = 16\nvocabulary_size = 20")


def points(rows, seed):
    """Points of the plane, on which side of a line they lie, and a plane's height above them."""
    draw = random.Random(seed)
    lines = ["x,y,side,height"]
    for _ in range(rows):
        x, y = draw.gauss(0, 1), draw.gauss(0, 1)
        height = 1 + 2 * x - y + draw.gauss(0, 0.1)
        lines.append(f"{x:.5f},{y:.5f},{'left' if x + y < 0 else 'right'},{height:.5f}")
    return "\n".join(lines) + "\n"


def idx_images(count, seed=1):
    """4 x 4 pixels, whose upper or lower half is bright, and which half it is."""
    draw = random.Random(seed)
    labels = [draw.randrange(2) for _ in range(count)]
    pixels = bytes(draw.randrange(150, 256) if (place < 8) == (label == 0) else draw.randrange(80)
                   for label in labels for place in range(16))
    return (struct.pack(">IIII", 0x803, count, 4, 4) + pixels,
            struct.pack(">II", 0x801, count) + bytes(labels))


def prepare(bench, config=CLASSES):
    bench.write("points.csv", points(120, 1))
    bench.write("others.csv", points(40, 2))
    images, labels = idx_images(100)
    bench.write("images.idx", images)
    bench.write("labels.idx", labels)
    bench.write("song.txt", "row, row, row your boat, gently down the stream. " * 12)
    bench.write("tokens.bin", struct.pack("<400H", *(place % 20 for place in range(400))))
    bench.write("train.toml", config)


def metrics(bench, folder="run"):
    """Lines of steps, and lines of held-out scores."""
    lines = [json.loads(line) for line in bench.read(folder, "metrics.jsonl").splitlines()]
    return ([line for line in lines if "loss" in line],
            [line for line in lines if "validation_loss" in line])
