"""Packages installed in the eyes of our registries, for the duration of a test.

Neighbours: ``venvs.py`` installs packages by pip.
"""

from __future__ import annotations

from airflow_triggers.manager.installed import REGISTRIES


def install(monkeypatch, folder, name, *, modules=None, **entry_points):
    """Put a package with these modules and entry points on the path, and make every registry look again.

    :param modules: module name → source.
    :param entry_points: kind (``managers``, ``storages``, ``runners``) → name → value.
    """
    info = folder / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    lines = []
    for kind, entries in entry_points.items():
        lines += [f"[triggers.{kind}]", *(f"{entry} = {value}" for entry, value in entries.items())]
    (info / "entry_points.txt").write_text("\n".join(lines))
    for module, source in (modules or {}).items():
        (folder / f"{module}.py").write_text(source)
    monkeypatch.syspath_prepend(folder)
    for registry in REGISTRIES:
        monkeypatch.setattr(registry, "_declarations_by_name", None)
        monkeypatch.setattr(registry, "_loaded", {})
