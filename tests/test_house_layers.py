"""Who may import whom (design.md, section 2), read off the source of every file, and that light imports stay light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest
import tomllib

ROOT = Path(__file__).resolve().parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
FOLDERS = {"simworld.model": "model", "simworld.env": "env", "simworld.training": "training", "simworld": "simworld"}
FACE = ("simworld.cli", "simworld.commands", "simworld.client")
RECORDS = ("simworld", "simworld.actions", "simworld.choices", "simworld.frames", "simworld.episode", "simworld.tasks")
DRIVERS = ("simworld.training.recorder", "simworld.training.stream")
"""The two of training that drive an environment."""

# Room: (which of our own modules it may import, which third-party ones). The first room that fits a module counts.
ROOMS: dict[tuple[str, ...], tuple[tuple[str, ...], set[str]]] = {
    FACE: ((*FACE, "simworld.training", "simworld.env", "simworld.model", *RECORDS), {"*"}),
    ("simworld.model",): (("simworld.model", *RECORDS), {"torch", "einops", "jaxtyping", "safetensors", "numpy", "numba"}),
    ("simworld.env.voxel",): (("simworld.env", *RECORDS), {"numpy", "numba", "gymnasium"}),
    ("simworld.env",): (
        ("simworld.env", "simworld.model", *RECORDS),
        {"numpy", "gymnasium", "torch", "einops", "jaxtyping", "PIL", "minerl", "gym", "vizdoom", "stable_baselines3"},
    ),
    DRIVERS: (
        ("simworld.env", "simworld.training", "simworld.model", *RECORDS),
        {"numpy", "gymnasium", "tqdm"},
    ),
    ("simworld.training",): (
        ("simworld.training", "simworld.model", *RECORDS),
        {"numpy", "torch", "einops", "jaxtyping", "safetensors", "av", "gymnasium", "tqdm", "PIL", "matplotlib", "minari"},
    ),
    ("simworld.conf",): ((), set()),
    ("simworld.actions", "simworld.choices", "simworld.frames", "simworld.episode", "simworld.tasks"): (RECORDS, {"numpy"}),
    ("simworld",): (("simworld.env", *RECORDS), set()),  # so that gymnasium.make("simworld:…") finds its ids
}
OPTIONAL = {"minerl", "ray", "transformers", "minari", "stable_baselines3", "vizdoom", "wandb"}
DISTRIBUTION = {
    "PIL": "pillow",
    "hydra": "hydra-core",
    "omegaconf": "hydra-core",
    "pygame": "pygame-ce",
    "stable_baselines3": "stable-baselines3",
}


def sources() -> dict[str, Path]:
    """Every file of the installed packages, by the module name that it is installed under."""
    modules = {}
    for package, folder in FOLDERS.items():
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = [package, *path.relative_to(ROOT / folder).with_suffix("").parts]
            modules[".".join(part for part in parts if part != "__init__")] = path
    return modules


def imports(name: str, path: Path, modules: dict[str, Path]) -> set[str]:
    """Full names of all that the file imports, inside functions too; of ours, down to the module."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                anchor = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*anchor, *filter(None, [node.module])])
            names = {f"{base}.{alias.name}" for alias in node.names}
            found |= {full if full in modules else base for full in names}
    return found


def inside(name: str, packages: tuple[str, ...]) -> bool:
    """Is `name` one of the packages or in one of them? `simworld` itself stands for its own file only."""
    return any(name == package or (package != "simworld" and name.startswith(f"{package}.")) for package in packages)


MODULES = sources()
IMPORTS = {name: imports(name, path, MODULES) for name, path in MODULES.items()}


@pytest.mark.parametrize("name", sorted(MODULES))
def test_a_file_imports_only_what_its_room_may(name: str) -> None:
    rooms = [rules for packages, rules in ROOMS.items() if inside(name, packages)]
    assert rooms, f"{name} lies in no room: give it one in {Path(__file__).name}, or another place"
    own, third_party = rooms[0]
    for target in sorted(IMPORTS[name]):
        top = target.partition(".")[0]
        if top == "simworld":
            assert inside(target, own), f"{name} imports {target}; it may import only {own}"
        elif top not in sys.stdlib_module_names and "*" not in third_party:
            assert top in third_party, f"{name} imports {top}; its room may import only {sorted(third_party)}"


def test_every_third_party_import_is_declared() -> None:
    extras = PYPROJECT["project"]["optional-dependencies"]
    lines = [line for name in extras if name != "dev" for line in extras[name]]
    requirements = [*PYPROJECT["project"]["dependencies"], *lines]
    declared = {line.partition(">")[0].strip().lower() for line in requirements}
    for name, targets in IMPORTS.items():
        for target in targets:
            top = target.partition(".")[0]
            if top != "simworld" and top not in sys.stdlib_module_names:
                distribution = DISTRIBUTION.get(top, top)
                assert distribution in declared, f"{name} imports {top}: {distribution} is missing in pyproject.toml"


@pytest.mark.parametrize("optional", sorted(OPTIONAL))
def test_an_optional_dependency_is_imported_in_one_file_at_most(optional: str) -> None:
    users = [name for name, targets in IMPORTS.items() if optional in {target.partition(".")[0] for target in targets}]
    assert len(users) <= 1, f"{optional} is imported in {users}"


def test_every_file_says_what_it_is() -> None:
    for name, path in MODULES.items():
        assert ast.get_docstring(ast.parse(path.read_text())), f"{name}: no docstring at its head"
        assert path.stem not in ("utils", "util", "helpers", "common"), f"{name}: a helper lives beside its user"


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("simworld", {"torch", "numba", "pygame", "hydra", "av"}),
        ("simworld.actions, simworld.frames, simworld.episode", {"torch", "numba", "pygame", "hydra", "av"}),
        ("simworld.env", {"torch", "numba", "pygame", "hydra"}),
        ("simworld.env.voxel.voxel_env", {"torch", "pygame", "hydra"}),
        ("simworld.model", {"numba", "pygame", "hydra", "av"}),
        ("simworld.cli", {"torch", "numba", "pygame", "hydra", "av"}),
    ],
)
def test_a_light_import_loads_nothing_heavy(module: str, heavy: set[str]) -> None:
    code = f"import {module}, sys; print(sorted({heavy!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]", f"import {module} loads {done.stdout.strip()}"


@pytest.mark.parametrize("imported", ["simworld", "simworld.env", "simworld.actions"])
def test_gymnasium_knows_the_worlds_after_an_import(imported: str) -> None:
    # gymnasium.make("simworld:simworld/Voxel-v0") imports `simworld` and then looks the id up, whatever came before.
    code = f"import {imported}, gymnasium; print([name for name in gymnasium.registry if name.startswith('simworld/')])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert "'simworld/Voxel-v0'" in done.stdout, f"import {imported} registers no worlds {done.stderr}"
    assert "'simworld/World-v0'" in done.stdout
