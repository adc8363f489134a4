"""What tests of params.yaml share."""

import pytest

import soundclr.params.including
from soundclr.method import load_checked


@pytest.fixture
def loaded(monkeypatch, tmp_path):
    """Load content without the detour through YAML text, which takes most of the time."""

    def load_content(content):
        monkeypatch.setattr(soundclr.params.including, "read_yaml", lambda _: content)
        return load_checked(tmp_path / "params.yaml")

    return load_content
