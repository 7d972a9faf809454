"""What the readme shows runs as it stands."""

import re
from dataclasses import fields
from pathlib import Path

from flowexec.learning import DQNConfig, PPOConfig

TEXT = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf8")


def test_the_examples_of_the_readme_run_in_order(tmp_path, monkeypatch, capsys):
    """On fewer paths, on a simulated book, and with learners that stop after two iterations."""
    for config in (PPOConfig, DQNConfig):
        short = [2 if f.name == "iterations" else f.default for f in fields(config)]
        monkeypatch.setattr(config.__init__, "__defaults__", tuple(short))
    monkeypatch.delenv("FLOWEXEC_LOBSTER", raising=False)
    monkeypatch.chdir(tmp_path)
    names = {}
    examples = re.findall(r"^```python\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    for example, title in zip(examples, ("spread", "Almgren–Chriss", "PPO", "DQN"), strict=True):
        exec(re.sub(r"\b\d+0_000\b", "256", example), names)
        assert title in capsys.readouterr().out
    assert names["learned"].history["std"].size == names["agent"].history["loss"].size == 2
    assert (tmp_path / "runs" / "buy" / "checkpoint.json").exists()
