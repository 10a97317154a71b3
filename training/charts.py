"""Two charts as SVG, written by hand: the training curve and the reliability diagram. Readable on white and on black."""
from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Callable

STYLE = """<style>
text { font: 12px system-ui, sans-serif; fill: #57606a }
.title { font-weight: 600 } .grid { stroke: #8c959f; stroke-opacity: .3 } .end { text-anchor: end } .mid { text-anchor: middle }
.a { stroke: #0969da; fill: none; stroke-width: 2 } .a-dot { fill: #0969da } .b { stroke: #bc4c00; fill: none }
.even { stroke: #8c959f; stroke-dasharray: 4 3; fill: none } .leg { stroke: #8c959f; stroke-dasharray: 2 3 }
@media (prefers-color-scheme: dark) {
  text { fill: #b1bac4 } .a { stroke: #58a6ff } .a-dot { fill: #58a6ff } .b { stroke: #f0883e }
}
</style>
"""


@dataclass(frozen=True)
class Panel:
    """A rectangle with two axes; x and y map data to pixels."""
    left: float
    top: float
    width: float
    height: float
    x_range: tuple[float, float]
    y_range: tuple[float, float]
    log: bool = False

    def _share(self, value: float, ends: tuple[float, float]) -> float:
        f: Callable[[float], float] = math.log10 if self.log else float
        return (f(value) - f(ends[0])) / (f(ends[1]) - f(ends[0]))

    def x(self, value: float) -> float:
        return round(self.left + self.width * self._share(value, self.x_range), 1)

    def y(self, value: float) -> float:
        return round(self.top + self.height * (1 - self._share(value, self.y_range)), 1)

    def axes(self, title: str, x_ticks: dict[float, str], y_ticks: dict[float, str]) -> list[str]:
        out = [f'<text class="title" x="{self.left}" y="{self.top - 10}">{title}</text>']
        for value, label in x_ticks.items():
            out += [f'<path class="grid" d="M{self.x(value)} {self.top}v{self.height}"/>',
                    f'<text class="mid" x="{self.x(value)}" y="{self.top + self.height + 16}">{label}</text>']
        for value, label in y_ticks.items():
            out += [f'<path class="grid" d="M{self.left} {self.y(value)}h{self.width}"/>',
                    f'<text class="end" x="{self.left - 6}" y="{self.y(value) + 4}">{label}</text>']
        return out

    def line(self, css: str, points: list[tuple[float, float]]) -> str:
        return f'<path class="{css}" d="M{"L".join(f"{self.x(x)} {self.y(y)}" for x, y in points)}"/>'

    def dots(self, css: str, points: list[tuple[float, float]]) -> list[str]:
        return [f'<circle class="{css}" cx="{self.x(x)}" cy="{self.y(y)}" r="3"/>' for x, y in points]


def svg(width: int, height: int, title: str, parts: list[str]) -> str:
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
                      f'height="{height}" role="img" aria-label="{title}">', STYLE.strip(), *parts, "</svg>"]) + "\n"


def steps_between(low: float, high: float, step: float) -> list[float]:
    return [round(i * step, 6) for i in range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)]


def training_curve(legs: list[list[dict[str, float]]]) -> str:
    """legs: rows of the training logs, each leg a list. Left: validation; right: training loss and learning rate."""
    rows = [row for leg in legs for row in leg]
    most = max(row["tokens"] for row in rows)
    step = next(s for s in (2e6, 5e6, 1e7, 2e7, 5e7, 1e8) if most / s <= 7)
    x_ticks = {v: f"{v / 1e6:.0f} M" for v in steps_between(0, most, step)}
    measured = [[(row["tokens"], row["val_bpb"]) for row in leg if "val_bpb" in row] for leg in legs]
    values = [y for leg in measured for _, y in leg]
    low, high = math.floor(min(values) * 10) / 10, min(math.ceil(max(values) * 10) / 10, 2.0)
    left = Panel(44, 34, 270, 190, (0, most), (low, high))
    parts = left.axes("validation, bits per byte", x_ticks, {v: f"{v:.1f}" for v in steps_between(low, high, 0.1)})
    losses = [row["loss"] for row in rows]
    low, high = math.floor(min(losses) * 2) / 2, min(math.ceil(max(losses) * 2) / 2, 5.0)
    right = Panel(380, 34, 270, 190, (0, most), (low, high))
    parts += right.axes("training loss, nats per token", x_ticks, {v: f"{v:.1f}" for v in steps_between(low, high, 0.5)})
    for leg, points in zip(legs, measured):
        inside = [(x, y) for x, y in points if y <= left.y_range[1]]
        parts += [left.line("a", inside), *left.dots("a-dot", inside)] if inside else []
        parts.append(right.line("a", [(r["tokens"], min(r["loss"], high)) for r in thinned(leg)]))
        rate = Panel(380, 184, 270, 40, (0, most), (0, 1))
        parts.append(rate.line("b", [(r["tokens"], r["lr"]) for r in thinned(leg)]))
    for leg in legs[1:]:
        for panel in (left, right):
            parts.append(f'<path class="leg" d="M{panel.x(leg[0]["tokens"])} {panel.top}v{panel.height}"/>')
    parts.append('<text class="mid" x="347" y="262">training tokens; lower right: learning rate, share of its peak'
                 + ("; dotted: a leg begins" if len(legs) > 1 else "") + "</text>")
    return svg(670, 272, "Training curve", parts)


def thinned(leg: list[dict[str, float]], at_most: int = 120) -> list[dict[str, float]]:
    """Means of equal stretches, so that the noise of single batches does not hide the curve."""
    size = max(1, math.ceil(len(leg) / at_most))
    groups = [leg[i:i + size] for i in range(0, len(leg), size)]
    return [{key: sum(row[key] for row in g) / len(g) for key in ("tokens", "loss", "lr")} for g in groups]


def reliability(top1: dict, every: dict) -> str:
    """The results of calibration.py: the likeliest token on linear axes, all probabilities on logarithmic ones."""
    tenths = {v: f"{v:.0%}" for v in (0, 0.2, 0.4, 0.6, 0.8, 1)}
    left = Panel(52, 34, 240, 240, (0, 1), (0, 1))
    parts = left.axes("the likeliest token", tenths, tenths)
    parts += curve(left, top1, 0, 1)
    least = min(min(b["mean_probability"], b["frequency"]) for b in every["bins"])
    low = 10.0 ** math.floor(math.log10(max(least, 1e-12)))
    right = Panel(382, 34, 240, 240, (low, 1), (low, 1), log=True)
    powers = {10.0**e: f"{10.0**e:.6g}" for e in range(round(math.log10(low)), 1)}
    parts += right.axes("every token, by equal mass", powers, powers)
    parts += curve(right, every, low, 1)
    parts.append('<text class="mid" x="330" y="312">across: mean probability of the bin; up: how often that token came</text>')
    return svg(660, 322, "Reliability diagram", parts)


def curve(panel: Panel, table: dict, low: float, high: float) -> list[str]:
    points = [(b["mean_probability"], max(b["frequency"], low)) for b in table["bins"]]
    return [panel.line("even", [(low, low), (high, high)]), panel.line("a", points), *panel.dots("a-dot", points)]
