#!/usr/bin/env python3
"""Alerts and dashboard name metrics and labels that Weir registers; what sets WEIR__ settings names ones that exist."""

import json
import pathlib
import re
import sys
import tomllib

import promql_parser
import yaml

HERE = pathlib.Path(__file__).resolve().parent
CRATES = HERE.parent / "crates"
# What Prometheus adds itself.
ADDED = {"le", "instance", "job"}


def registered():
    """Every metric with its labels: a name in quotes, and the next `&[…]` before the next name."""
    metrics = {}
    for source in CRATES.glob("*/src/**/*.rs"):
        text = source.read_text()
        if "prometheus::" not in text or source.name == "tests.rs":
            continue
        parts = re.split(r'"(weir_[a-z_]+)"', text)
        for name, rest in zip(parts[1::2], parts[2::2], strict=True):
            labels = re.search(r'&\[((?:"[a-z_]+",?\s*)+)\]', rest)
            metrics[name] = set(re.findall(r'"([a-z_]+)"', labels[1])) if labels else set()
    return metrics


def expressions():
    for rules in (HERE / "prometheus").glob("*.yml"):
        for group in yaml.safe_load(rules.read_text())["groups"]:
            for rule in group["rules"]:
                assert rule["annotations"]["summary"], rule
                yield f"{rules.name}, {rule['alert']}", rule["expr"]
    for dashboard in (HERE / "grafana").glob("*.json"):
        for panel in json.loads(dashboard.read_text())["panels"]:
            for target in panel["targets"]:
                yield f"{dashboard.name}, {panel['title']}", target["expr"]


def wrong_metrics(metrics):
    named = set()
    for where, expression in expressions():
        try:
            promql_parser.parse(expression)
        except ValueError as error:
            yield f"{where}: {error}"
        used = {re.sub(r"_(bucket|sum|count)$", "", name) for name in re.findall(r"\bweir_[a-z_]+", expression)}
        named |= used
        yield from (f"{where}: no crate registers {name}" for name in sorted(used - metrics.keys()))
        known = ADDED.union(*(metrics.get(name, set()) for name in used))
        labels = re.findall(r"([a-z_]+)\s*(?:=~|!~|!=|=)\s*\"", expression)
        for grouping in re.findall(r"\b(?:by|without|on)\s*\(([^)]*)\)", expression):
            labels += re.findall(r"[a-z_]+", grouping)
        yield from (f"{where}: no such label: {label}" for label in labels if label not in known)
    print(f"{len(named)} of {len(metrics)} metrics are named")


def settings(table, path="WEIR"):
    for key, value in table.items():
        if isinstance(value, dict):
            yield from settings(value, f"{path}__{key.upper()}")
        else:
            yield f"{path}__{key.upper()}"


def wrong_settings():
    known = set(settings(tomllib.loads((CRATES / "server/src/config.default.toml").read_text())))
    for file in sorted(HERE.rglob("*")):
        if file.is_file() and file.suffix not in (".py", ".pyc"):
            for name in sorted(set(re.findall(r"WEIR__[A-Z][A-Z_]*", file.read_text())) - known - {"WEIR__SECTION__KEY"}):
                yield f"{file.relative_to(HERE)}: there is no setting {name}"


def main():
    wrong = [*wrong_metrics(registered()), *wrong_settings()]
    if wrong:
        sys.exit("\n".join(wrong))


if __name__ == "__main__":
    main()
