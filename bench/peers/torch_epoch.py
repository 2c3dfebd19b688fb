"""An epoch of transfer learning in PyTorch, the frozen layers computed anew for every image of every epoch.

Prints one JSON document. Needs torch and torchvision. A few steps are timed; the epoch is that many steps of the median time.
"""

import argparse
import json
import resource
import statistics
import sys
import time

import torch
import torchvision
from torch.nn import functional as F
from torch_step import MEAN, STD, freeze

CLASSES = 10
WARM_UP_STEPS = 2
HEADS = {"alexnet": ("classifier.6.", "classifier."), "resnet152": ("fc.", "fc.")}


def build(name):
    model = torchvision.models.get_model(name, weights=None)
    model.head, model.paper = HEADS[name]
    holder, _, last = model.head.rstrip(".").rpartition(".")
    parent = model.get_submodule(holder) if holder else model
    setattr(parent, last, torch.nn.Linear(getattr(parent, last).in_features, CLASSES))
    return model


def measure(args, channels_last):
    """Seconds of each measured step."""
    torch.manual_seed(0)
    memory_format = torch.channels_last if channels_last else torch.contiguous_format
    model = build(args.model)
    freeze(model, args.freeze)
    model = model.to(memory_format=memory_format)
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=1e-3)
    images = torch.randint(0, 256, (args.batch, args.size, args.size, 3), dtype=torch.uint8)
    labels = torch.arange(args.batch) % CLASSES
    mean = torch.tensor(MEAN).reshape(1, 3, 1, 1)
    std = torch.tensor(STD).reshape(1, 3, 1, 1)
    times = []
    for step in range(WARM_UP_STEPS + args.steps):
        started = time.perf_counter()
        pixels = images.permute(0, 3, 1, 2).to(torch.float32, memory_format=memory_format) / 255
        loss = F.cross_entropy(model((pixels - mean) / std), labels)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        loss.item()
        if step >= WARM_UP_STEPS:
            times.append(time.perf_counter() - started)
    return times


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", choices=sorted(HEADS), required=True)
    parser.add_argument("--freeze", choices=("paper", "head"), required=True)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--images", type=int, required=True, help="images in an epoch")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--steps", type=int, default=4, help="steps timed for each memory format")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    results = []
    for name in ("contiguous", "channels-last"):
        median = statistics.median(measure(args, name == "channels-last"))
        results.append({"memoryFormat": name, "stepSeconds": median, "epochSeconds": median * args.images / args.batch})
    best = min(results, key=lambda result: result["epochSeconds"])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    document = {"schemaVersion": 1, **vars(args), **best, "formats": results, "peakMemoryBytes": peak}
    json.dump({**document, "engine": f"PyTorch {torch.__version__}"}, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
