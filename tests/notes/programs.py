"""The notes' programs, taken out of the Markdown file as they stand; and what is put around them to run them for a test.

`wrapper(name)` is a program in PyTorch's names. It runs the notes' text with its own main(), on less data and fewer epochs, and prints what it found as
one line of JSON. `python -m suiren run wrapper.py` runs it on suiren, python itself on PyTorch.
"""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

NOTES = Path(__file__).with_name("pytorch-notes.md")


def blocks() -> list[str]:
    """The Python programs of the notes, in order: the classifier, regression by hand, with autograd, ResNet34."""
    found = re.findall(r"^ *```python\n(.*?)^ *```", NOTES.read_text(encoding="utf-8"), re.M | re.S)
    return ["".join(line.removeprefix("  ") for line in code.splitlines(keepends=True)) for code in found]  # they stand in a list


def program(name: str) -> str:
    classifier, by_hand, with_autograd, resnet = blocks()
    if name == "with_autograd":
        # The notes write …… for what is as in the program before it.
        before, _, rest = by_hand.partition("def main():")
        filled = with_autograd.replace("…… \ndef main():\n", before[before.index("device =") :] + "def main():\n")
        body = rest[rest.index("    t.manual_seed(1000)") : rest.index("    w = t.rand")]
        filled = filled.replace("    ……\n    # 随机初始化参数", body + "    # 随机初始化参数", 1)
        forward = rest[rest.index("        x, y = get_fake_data(batch_size=4)") : rest.index("        # backward")]
        filled = filled.replace("        ……\n        losses", forward + "        losses", 1)
        filled = filled.replace("        ……\n", "")  # the picture every ten steps
        assert "…" not in filled
        return filled
    return {"classifier": classifier, "by_hand": by_hand, "resnet34": resnet}[name]


AROUND = {
    "classifier": """
        import torch, torchvision
        losses = []
        forward = torch.nn.CrossEntropyLoss.forward
        def kept(self, *args):
            loss = forward(self, *args)
            losses.append(loss.detach())
            return loss
        torch.nn.CrossEntropyLoss.forward = kept
        # CIFAR-10 from outside: 404 and 40 pictures of the same kind, two epochs as the notes have them
        torchvision.datasets.CIFAR10 = lambda root, train, download, transform: torchvision.datasets.FakeData(
            404 if train else 40, (3, 32, 32), 10, transform, random_offset=0 if train else 1000)
        names = dict(__name__="notes")
        exec(compile(open(PROGRAM, encoding="utf-8").read(), PROGRAM, "exec"), names)
        torch.manual_seed(0)
        names["main"]()
        found = {"losses": [x.item() for x in losses]}
    """,
    "by_hand": """
        import matplotlib
        matplotlib.use("agg")
        from matplotlib import pyplot as plt
        plt.pause = lambda seconds: None
        names = dict(__name__="notes")
        exec(compile(open(PROGRAM, encoding="utf-8").read(), PROGRAM, "exec"), names)
        names["main"]()
        found = {"points": len(plt.gca().collections[0].get_offsets()), "lines": [list(map(float, l.get_ydata())) for l in plt.gca().lines]}
    """,
    "with_autograd": """
        import matplotlib
        matplotlib.use("agg")
        from matplotlib import pyplot as plt
        plt.pause = lambda seconds: None
        names = dict(__name__="notes")
        exec(compile(open(PROGRAM, encoding="utf-8").read(), PROGRAM, "exec"), names)
        names["main"]()
        found = {"losses": list(map(float, plt.gca().lines[0].get_ydata()))}
    """,
    "resnet34": """
        import torch
        names = dict(__name__="notes")
        exec(compile(open(PROGRAM, encoding="utf-8").read(), PROGRAM, "exec"), names)
        torch.manual_seed(0)
        net = names["ResNet"](num_classes=10)
        x, y = torch.randn(2, 3, 224, 224), torch.tensor([3, 7])
        optimizer = torch.optim.SGD(net.parameters(), lr=0.001)
        losses = []
        for _ in range(2):
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(net(x), y)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        with torch.no_grad():
            scores = net.eval()(x).tolist()
        found = {"losses": losses, "parameters": sum(p.numel() for p in net.parameters()), "scores": scores}
    """,
}


def wrapper(name: str, path: str) -> str:
    """A program that runs the notes' program in the file `path`."""
    return f"PROGRAM = {path!r}\n{textwrap.dedent(AROUND[name])}\nimport json\nprint(json.dumps(found))\n"
