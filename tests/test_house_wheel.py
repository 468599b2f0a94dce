"""The wheel: all of our packages and all of their data are in it, and it works far from this repository."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import tomllib

ROOT = Path(__file__).resolve().parent.parent
SETUPTOOLS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]
FOLDERS: dict[str, str] = SETUPTOOLS["package-dir"]
DATA = {".yaml", ".json", ".safetensors", ".md", ".png", ".typed"}


def installed_name(path: Path) -> str:
    """Where a file of the repository lies once installed, e.g. model/dit.py -> simworld/model/dit.py."""
    top, *rest = path.relative_to(ROOT).parts
    package = next(name for name, folder in FOLDERS.items() if folder == top)
    return "/".join([*package.split("."), *rest])


def repository_files() -> set[str]:
    """Installed names of all modules and data files in the package folders."""
    return {
        installed_name(path)
        for folder in FOLDERS.values()
        for path in (ROOT / folder).rglob("*")
        if path.suffix in {".py", *DATA} and "__pycache__" not in path.parts
    }


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which a fresh wheel has been unpacked, built without network from a copy of the sources."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        (folder / "source").mkdir(exist_ok=True)
        shutil.copy(ROOT / name, folder / "source" / name)
    for name in FOLDERS.values():
        shutil.copytree(ROOT / name, folder / "source" / name, ignore=shutil.ignore_patterns("__pycache__"))
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input"]
    build = [*pip, "wheel", "--no-index", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, folder / "source"]
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = folder.glob("simworld-*-py3-none-any.whl")
    unpack = [*pip, "install", "--no-index", "--no-deps", "--target", folder / "site", wheel]
    subprocess.run(unpack, check=True, capture_output=True)
    return folder / "site"


def test_every_folder_with_code_is_a_listed_package() -> None:
    packages = {name.replace(".", "/") for name in SETUPTOOLS["packages"]}
    assert {str(Path(name).parent) for name in repository_files() if name.endswith(".py")} == packages


def test_every_module_and_data_file_is_in_the_wheel(installed: Path) -> None:
    found = {str(path.relative_to(installed)) for path in (installed / "simworld").rglob("*") if path.is_file()}
    assert repository_files() - found == set()


def test_every_module_imports_from_the_wheel_elsewhere(installed: Path, tmp_path: Path) -> None:
    modules = sorted(
        ".".join(Path(name).with_suffix("").parts).removesuffix(".__init__")
        for name in repository_files()
        if name.endswith(".py")
    )
    # The editable install of the same environment must not lend what the wheel lacks.
    code = (
        "import importlib, json, sys\n"
        "sys.meta_path = [finder for finder in sys.meta_path if 'Editable' not in getattr(finder, '__name__', '')]\n"
        f"modules = json.loads({json.dumps(modules)!r})\n"
        "print(json.dumps([importlib.import_module(name).__file__ for name in modules]))"
    )
    environment = {**os.environ, "PYTHONPATH": str(installed)}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert all(Path(path).is_relative_to(installed) for path in json.loads(done.stdout))
