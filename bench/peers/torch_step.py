"""The training step of `triggerlab bench step` in PyTorch: same networks, freeze policies, batch and images, timed the same way.

Prints one JSON document. Needs torch only.
"""

import argparse
import json
import resource
import statistics
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F

CLASSES = 10
POOL = 8
WARM_UP_STEPS = 5
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class BasicBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x):
        y = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return self.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNetMini(nn.Module):
    """ResNet of one basic block per stage, 16 to 128 channels, stem 3x3 of stride 2 without pool."""

    head = "fc."
    paper = "fc."

    def __init__(self, size):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 2, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.relu = nn.ReLU(inplace=True)
        widths = (16, 32, 64, 128)
        for i, width in enumerate(widths):
            inputs = widths[max(i - 1, 0)]
            self.add_module(f"layer{i + 1}", nn.Sequential(BasicBlock(inputs, width, 2 if i else 1)))
        self.fc = nn.Linear(128, CLASSES)

    def forward(self, x):
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(F.adaptive_avg_pool2d(x, 1).flatten(1))


class AlexNetMini(nn.Module):
    """AlexNet of 24 to 48 channels and dense layers of 256."""

    head = "classifier.6."
    paper = "classifier."

    def __init__(self, size):
        super().__init__()
        conv, relu = nn.Conv2d, lambda: nn.ReLU(inplace=True)
        pool = lambda: nn.MaxPool2d(3, 2, 1)
        self.features = nn.Sequential(
            conv(3, 24, 3, 1, 1), relu(), pool(),
            conv(24, 32, 3, 1, 1), relu(), pool(),
            conv(32, 48, 3, 1, 1), relu(),
            conv(48, 32, 3, 1, 1), relu(),
            conv(32, 32, 3, 1, 1), relu(), pool(),
        )  # fmt: skip
        with torch.no_grad():
            width = self.features(torch.zeros(1, 3, size, size)).numel()
        self.classifier = nn.Sequential(
            nn.Dropout(0.5), nn.Linear(width, 256), relu(),
            nn.Dropout(0.5), nn.Linear(256, 256), relu(),
            nn.Linear(256, CLASSES),
        )  # fmt: skip

    def forward(self, x):
        return self.classifier(self.features(x).flatten(1))


MODELS = {"resnet-mini": ResNetMini, "alexnet-mini": AlexNetMini}


def freeze(model, policy):
    """Leaves `requires_grad` on what the policy trains, so that autograd skips the weight gradients of the rest."""
    norms = {f"{name}." for name, module in model.named_modules() if isinstance(module, nn.BatchNorm2d)}
    first = int(policy[5:]) if policy.startswith("from:") else 0
    for i, (name, parameter) in enumerate(model.named_parameters()):
        if policy == "paper":
            parameter.requires_grad = name.startswith(model.paper) or any(name.startswith(norm) for norm in norms)
        elif policy == "head":
            parameter.requires_grad = name.startswith(model.head)
        else:
            parameter.requires_grad = i >= first
    model.train()
    if policy == "head":
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()


def measure(args, channels_last):
    """Seconds of each step after the warm-up, and the numbers of parameters and of trained parameters."""
    torch.manual_seed(0)
    memory_format = torch.channels_last if channels_last else torch.contiguous_format
    model = MODELS[args.model](args.size)
    freeze(model, args.freeze)
    model = model.to(memory_format=memory_format)
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=1e-3)
    count = args.batch * POOL
    images = torch.randint(0, 256, (count, args.size, args.size, 3), dtype=torch.uint8)
    labels = torch.arange(count) % CLASSES
    mean = torch.tensor(MEAN).reshape(1, 3, 1, 1)
    std = torch.tensor(STD).reshape(1, 3, 1, 1)

    def step(rows):
        pixels = images[rows].permute(0, 3, 1, 2).to(torch.float32, memory_format=memory_format) / 255
        loss = F.cross_entropy(model((pixels - mean) / std), labels[rows])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        return loss.item()

    times = []
    deadline = None
    done = 0
    while deadline is None or time.perf_counter() < deadline or len(times) < 3:
        for rows in torch.randperm(count).split(args.batch):
            started = time.perf_counter()
            step(rows)
            done += 1
            if deadline is not None:
                times.append(time.perf_counter() - started)
            elif done == WARM_UP_STEPS:
                deadline = time.perf_counter() + args.seconds
    counts = [(p.numel(), p.requires_grad) for p in model.parameters()]
    return times, sum(n for n, _ in counts), sum(n for n, trained in counts if trained)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", choices=sorted(MODELS), required=True)
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--size", type=int, default=32)
    parser.add_argument("--freeze", default="paper", help="paper, head, none or from:<n>")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=5, help="for each memory format measured")
    parser.add_argument("--memory-format", choices=("contiguous", "channels-last", "best"), default="best")
    args = parser.parse_args()
    known = args.freeze in ("paper", "head", "none") or (args.freeze[:5] == "from:" and args.freeze[5:].isdigit())
    if not known:
        parser.error(f"unknown freeze policy {args.freeze!r}: paper, head, none or from:<n>")
    torch.set_num_threads(args.threads)
    formats = ("contiguous", "channels-last") if args.memory_format == "best" else (args.memory_format,)
    results = []
    for name in formats:
        times, parameters, trained = measure(args, name == "channels-last")
        median = statistics.median(times)
        results.append({
            "memoryFormat": name,
            "steps": len(times),
            "imagesPerSecond": args.batch / median,
            "slowest": args.batch / max(times),
            "fastest": args.batch / min(times),
            "medianStepSeconds": median,
        })  # fmt: skip
    best = max(results, key=lambda result: result["imagesPerSecond"])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    document = {
        "schemaVersion": 1,
        "model": args.model,
        "freeze": args.freeze,
        "batch": args.batch,
        "size": args.size,
        "threads": args.threads,
        "parameters": parameters,
        "trainedParameters": trained,
        **best,
        "formats": results,
        "peakMemoryBytes": peak,
        "engine": f"PyTorch {torch.__version__}",
    }
    json.dump(document, sys.stdout, indent=2)
    print()


if __name__ == "__main__":
    main()
