"""Tests of how the console is put together, read from its files: sizes, imports, screens and texts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

CONSOLE = Path(__file__).parents[2] / "console"
MODULE_LINES = 300
MODULES = sorted(path for path in CONSOLE.rglob("*.js") if "vendor" not in path.parts)
SCREENS = CONSOLE / "screens"
ONLY = {"preact": "ui/html.js", "htm": "ui/html.js", "signals": "ui/html.js", "hls": "ui/hls.js"}
"""Library -> the module that may import it."""

COMMENT = re.compile(r"/\*.*?\*/|(?<![:\"'`\\])//[^\n]*", re.DOTALL)
IMPORT = re.compile(r"""(?:^|\n)\s*(?:import|export)\s+(?:([^"';]+?)\s+from\s+)?["'](\.[^"']+)["']|import\(\s*["'](\.[^"']+)["']\s*\)""")
EXPORT = re.compile(r"export\s+(?:default\s+)?(?:async\s+)?(?:function\*?|const|let|class)\s+(\w+)")
LISTED = re.compile(r"export\s*\{([^}]*)\}")
ACCENTED = re.compile(r"[^\n]*[À-ÖØ-öø-ÿ][^\n]*")


def code(path: Path) -> str:
    """Returns a module without its comments."""
    return COMMENT.sub("", path.read_text())


def name_of(path: Path) -> str:
    return str(path.relative_to(CONSOLE))


def imports(path: Path) -> list[tuple[str, Path]]:
    """Returns what is between `import` and `from`, and the file, for each import of one of our files."""
    return [(names or "", (path.parent / (static or dynamic)).resolve()) for names, static, dynamic in IMPORT.findall(code(path))]


def exported(path: Path) -> set[str]:
    text = code(path)
    listed = [part.split(" as ")[-1].strip() for names in LISTED.findall(text) for part in names.split(",")]
    return {*EXPORT.findall(text), *filter(None, listed), *(["default"] if "export default" in text else [])}


def table() -> set[str]:
    """The folders that the table of the screens names."""
    return set(re.findall(r'folder: "([a-z]+)"', (CONSOLE / "shell/screens.js").read_text()))


def test_no_module_is_longer_than_it_may_be() -> None:
    found = {name_of(path): len(path.read_text().splitlines()) for path in MODULES}
    assert {name: lines for name, lines in found.items() if lines > MODULE_LINES} == {}


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_what_a_module_imports_exists(path: Path) -> None:
    for names, file in imports(path):
        assert file.is_file(), file
        assert file.is_relative_to(CONSOLE)
        if "vendor" in file.parts:
            continue
        braces = re.search(r"\{(.*)\}", names, re.DOTALL)
        wanted = {part.split(" as ")[0].strip() for part in (braces[1] if braces else "").split(",")} - {""}
        if names and not names.startswith(("{", "*")):
            wanted.add("default")
        assert wanted <= exported(file), f"{name_of(file)} lacks {wanted - exported(file)}"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_library_is_known_to_one_place(path: Path) -> None:
    taken = {file.name.split("-")[0] for _, file in imports(path) if "vendor" in file.parts}
    assert {library for library in taken if name_of(path) != ONLY[library]} == set()


def test_every_screen_is_in_the_table() -> None:
    assert {folder.name for folder in SCREENS.iterdir()} == table()


@pytest.mark.parametrize("path", [path for path in MODULES if SCREENS in path.parents], ids=name_of)
def test_a_screen_knows_no_other_screen(path: Path) -> None:
    mine = SCREENS / path.relative_to(SCREENS).parts[0]
    others = [name_of(file) for _, file in imports(path) if SCREENS in file.parents and mine not in file.parents]
    assert others == []


@pytest.mark.parametrize("path", [path for path in MODULES if "texts" not in path.parts], ids=name_of)
def test_words_of_the_screen_are_in_the_texts(path: Path) -> None:
    assert ACCENTED.findall(code(path)) == []


@pytest.mark.parametrize("path", [path for path in MODULES if "texts" not in path.parts], ids=name_of)
def test_every_text_that_is_shown_exists(path: Path) -> None:
    for names, file in imports(path):
        if "texts" not in file.parts:
            continue
        written = code(file)
        for name in set(re.findall(r"\b[A-Z][A-Z_]+\b", names)) & set(re.findall(r"export const (\w+) = \{", written)):
            for key in re.findall(rf"\b{name}\.(\w+)", code(path)):
                assert re.search(rf"\b{key}\b\s*[:(]", written), f"{name}.{key}"


def test_the_page_preloads_what_exists() -> None:
    named = re.findall(r'(?:href|src)="/app/@VERSION@/([^"]+)"', (CONSOLE / "index.html").read_text())
    assert len(named) > 5
    assert [name for name in named if not (CONSOLE / name).is_file()] == []


def test_no_two_stylesheets_speak_of_the_same_class() -> None:
    """The stylesheet of a screen stays when another screen is opened: each rule begins with a class that is its own."""
    owners: dict[str, set[str]] = {}
    for sheet in (*CONSOLE.glob("styles/*.css"), *SCREENS.rglob("*.css")):
        text = re.sub(r"/\*.*?\*/|@(?:media|supports|container)[^{]*\{", "", sheet.read_text(), flags=re.DOTALL)
        owner = "styles" if sheet.parent.name == "styles" else name_of(sheet.parent)
        for rule in re.findall(r"([^{}]+)\{", text):
            for part in re.split(r",(?![^(]*\))", rule):
                if first := re.match(r"\s*(?:\.screen)?\.([\w-]+)", part):
                    owners.setdefault(first[1], set()).add(owner)
    assert {name: each for name, each in owners.items() if len(each) > 1} == {}
