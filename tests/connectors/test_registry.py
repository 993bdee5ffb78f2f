"""Laws of finding connectors."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from connectors.adapter import Adapter
from connectors.registry import adapter, adapters, adapters_in

ADAPTER = """
from connectors.adapter import Adapter, ParsedFile

def parse(raw, connection):
    raise NotImplementedError

ADAPTER = Adapter(slug={slug!r}, market="custodian", kinds=(), parse=parse, parser_version="1", title="", confidence="")
"""


def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, connectors: dict[str, str | None]) -> str:
    """A package of connectors: folder name to the text of its adapter module, None for a folder without one."""
    for slug, text in {"": None, **connectors}.items():
        folder = tmp_path / name / slug
        folder.mkdir()
        (folder / "__init__.py").write_text("")
        if text is not None:
            (folder / "adapter.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))
    for module in [module for module in sys.modules if module.split(".")[0] == name]:
        monkeypatch.delitem(sys.modules, module)
    return name


def test_every_connector_is_found_under_its_slug() -> None:
    for slug, connector in adapters().items():
        assert isinstance(connector, Adapter)
        assert connector.slug == slug
        assert adapter(slug) is connector
    assert list(adapters()) == sorted(adapters())


def test_an_unknown_connector_is_answered_with_those_that_exist() -> None:
    with pytest.raises(KeyError, match="no connector 'nobody'; there are:") as caught:
        adapter("nobody")
    assert all(slug in str(caught.value) for slug in adapters())


def test_a_folder_with_an_adapter_is_a_connector_and_one_without_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = room(tmp_path, monkeypatch, "room_found", {"one": ADAPTER.format(slug="one"), "layouts": None})
    assert list(adapters_in(name)) == ["one"]


def test_an_adapter_module_without_adapter_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = room(tmp_path, monkeypatch, "room_empty", {"one": "ADAPTER = 1"})
    with pytest.raises(TypeError, match=r"room_empty\.one\.adapter offers no ADAPTER"):
        adapters_in(name)


def test_a_slug_that_is_not_its_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    name = room(tmp_path, monkeypatch, "room_misnamed", {"one": ADAPTER.format(slug="two")})
    with pytest.raises(ValueError, match="'two' differs from the name of its package"):
        adapters_in(name)


def test_a_module_that_a_connector_lacks_is_not_passed_over_in_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = room(tmp_path, monkeypatch, "room_broken", {"one": "import no_such_module"})
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        adapters_in(name)
