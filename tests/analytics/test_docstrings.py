"""The worked examples in the docstrings run, and the methodology page is of the version in use."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from pathlib import Path

import pytest

import analytics
from contracts.vocabularies import METHODOLOGY_VERSION

MODULES = [module.name for module in pkgutil.iter_modules(analytics.__path__, "analytics.")]


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_give_what_they_say(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_the_methodology_page_states_the_version_in_use() -> None:
    page = Path(__file__).parents[2] / "docs" / "methodology.md"
    assert f"METHODOLOGY_VERSION {METHODOLOGY_VERSION} " in page.read_text(encoding="utf-8")
