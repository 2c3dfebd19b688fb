"""The networks of torch_step.py: torchvision's own classes at full size, and the -mini ones written out."""

import torch
from torch import nn
from torch.nn import functional as F

CLASSES = 10


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


class VggMini(nn.Module):
    """VGG with batch norm, six convolutions of 12 to 96 channels and dense layers of 128."""

    head = "classifier.6."
    paper = "classifier.6."

    def __init__(self, size):
        super().__init__()
        layers, inputs = [], 3
        for stage in ((12,), (24,), (48, 48), (96, 96)):
            for width in stage:
                layers += [nn.Conv2d(inputs, width, 3, 1, 1), nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
                inputs = width
            layers.append(nn.MaxPool2d(2, 2))
        self.features = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(2)
        self.classifier = nn.Sequential(
            nn.Linear(inputs * 4, 128), nn.ReLU(inplace=True), nn.Dropout(0.2),
            nn.Linear(128, 128), nn.ReLU(inplace=True), nn.Dropout(0.2),
            nn.Linear(128, CLASSES),
        )  # fmt: skip

    def forward(self, x):
        return self.classifier(self.avgpool(self.features(x)).flatten(1))


class BasicConv(nn.Module):
    def __init__(self, inputs, outputs, **options):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, bias=False, **options)
        self.bn = nn.BatchNorm2d(outputs, eps=0.001)

    def forward(self, x):
        return F.relu(self.bn(self.conv(x)), inplace=True)


class Inception(nn.Module):
    def __init__(self, inputs, one, three_reduced, three, third_reduced, third, pooled):
        super().__init__()
        wide = {"kernel_size": 3, "padding": 1}
        self.branch1 = BasicConv(inputs, one, kernel_size=1)
        self.branch2 = nn.Sequential(
            BasicConv(inputs, three_reduced, kernel_size=1), BasicConv(three_reduced, three, **wide)
        )
        self.branch3 = nn.Sequential(
            BasicConv(inputs, third_reduced, kernel_size=1), BasicConv(third_reduced, third, **wide)
        )
        self.branch4 = nn.Sequential(
            nn.MaxPool2d(3, 1, 1, ceil_mode=True), BasicConv(inputs, pooled, kernel_size=1)
        )

    def forward(self, x):
        return torch.cat([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], 1)


class GoogLeNetMini(nn.Module):
    """GoogLeNet with five Inception blocks, 48 to 200 channels, without auxiliary classifiers."""

    head = "fc."
    paper = "fc."

    def __init__(self, size):
        super().__init__()
        layers = [
            BasicConv(3, 16, kernel_size=3, stride=2, padding=1),
            BasicConv(16, 16, kernel_size=1),
            BasicConv(16, 24, kernel_size=3, padding=1),
        ]
        stages = (
            ((12, 12, 20, 4, 8, 8),),
            ((24, 20, 40, 8, 16, 16), (32, 24, 48, 8, 24, 16)),
            ((48, 32, 64, 12, 24, 24), (64, 32, 80, 12, 32, 24)),
        )
        inputs = 24
        for at, stage in enumerate(stages):
            if at > 0:
                layers.append(nn.MaxPool2d((3, 2)[at - 1], 2, ceil_mode=True))
            for channels in stage:
                layers.append(Inception(inputs, *channels))
                inputs = channels[0] + channels[2] + channels[4] + channels[5]
        self.features = nn.Sequential(*layers)
        self.dropout = nn.Dropout(0.2)
        self.fc = nn.Linear(inputs, CLASSES)

    def forward(self, x):
        return self.fc(self.dropout(F.adaptive_avg_pool2d(self.features(x), 1).flatten(1)))


def published(name, head, paper, **options):
    """Maker of one of torchvision's own networks; the prefixes say which parameters the policies train."""

    def make(size):
        import torchvision

        model = getattr(torchvision.models, name)(weights=None, num_classes=CLASSES, **options)
        model.head, model.paper = head, paper
        return model

    return make


MODELS = {
    "resnet-mini": ResNetMini,
    "alexnet-mini": AlexNetMini,
    "vgg-mini": VggMini,
    "googlenet-mini": GoogLeNetMini,
    "alexnet": published("alexnet", "classifier.6.", "classifier."),
    # As the published weights are used: their own input scale, and no auxiliary classifiers.
    "googlenet": published(
        "googlenet", "fc.", "fc.", aux_logits=False, transform_input=True, init_weights=False
    ),
    **{
        f"vgg{depth}{norm}": published(f"vgg{depth}{norm}", "classifier.6.", "classifier.6.")
        for depth in (11, 13, 16, 19)
        for norm in ("", "_bn")
    },
    **{f"resnet{depth}": published(f"resnet{depth}", "fc.", "fc.") for depth in (18, 34, 50, 101, 152)},
}
