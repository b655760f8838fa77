"""Which keys of the configs some code reads: paths such as `pretrain.intents`, followed through the code.

Every file that handles configs is parsed. From the entry points on, a config and its nodes are followed through
assignments, arguments, returned values and attributes of objects, as far as names tell: flow and branches are ignored.
"""

import ast
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

Paths = set[tuple[str, ...]]

PASSED_ON = {"deepcopy", "dict", "list", "cast", "known_by", "masked_copy", "merge", "create", "to_container", "select"}
"""Calls whose result holds what their arguments hold."""
DEEPEST = 5
"""Keys in a path at most: what is followed beyond is no config."""
VIEWS = {"items", "items_ex", "values", "copy"}
"""Methods of a node that give what it holds."""


class Reads(ast.NodeVisitor):
    """Paths that the code of `files` reads.

    Attributes:
        found: every path that is read, such as `("pretrain", "intents")`.
    """

    def __init__(self, files: Iterable[Path]):
        self.found: Paths = set()
        self.held: dict[tuple[object, str], Paths] = defaultdict(set)
        """What names hold: (function, name), (class, attribute) or (function, "return")."""
        self.functions: dict[str, list[tuple[Path, ast.FunctionDef, str]]] = defaultdict(list)
        self.words: dict[Path, set[str]] = {}
        for file in files:
            tree = ast.parse(file.read_text())
            texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
            self.words[file] = {text for text in texts if isinstance(text, str) and text.isidentifier()}
            self._collect(file, tree, "")
        before = -1
        while before != (before := self._size()):
            for known in list(self.functions.values()):
                for file, function, owner in known:
                    self.file, self.function, self.owner = file, function, owner
                    for statement in function.body:
                        self.visit(statement)

    def _size(self) -> int:
        return len(self.found) + sum(map(len, self.held.values()))

    def _collect(self, file: Path, node: ast.AST, owner: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.ClassDef):
                self._collect(file, child, child.name)
            elif isinstance(child, ast.FunctionDef):
                name = owner if child.name == "__init__" else child.name
                self.functions[name].append((file, child, owner))
                if any("hydra.main" in ast.unparse(one) for one in child.decorator_list):
                    self.held[child, child.args.args[0].arg].add(())

    # ---- what an expression holds

    def of(self, node: ast.AST | None) -> Paths:
        """The paths that an expression may stand for; what it reads on the way is noted."""
        if node is None or isinstance(node, ast.Constant):
            return set()
        if isinstance(node, ast.Name):
            return self.held[self.function, node.id]
        if isinstance(node, ast.Attribute):
            if isinstance(node.value, ast.Name) and node.value.id == "self":
                return self.held[self.owner, node.attr]
            return self._read(self.of(node.value), node.attr)
        if isinstance(node, ast.Subscript):
            held = self.of(node.value)
            if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
                return self._read(held, node.slice.value)
            if held and isinstance(node.slice, ast.Name):  # any word that this file has
                for word in self.words[self.file]:
                    self._read(held, word)
            return held
        if isinstance(node, ast.Call):
            return self._call(node)
        if isinstance(node, ast.Compare) and isinstance(node.left, ast.Constant) and isinstance(node.ops[0], ast.In):
            self._read(self.of(node.comparators[0]), str(node.left.value))
            return set()
        if isinstance(node, (ast.ListComp, ast.SetComp, ast.GeneratorExp, ast.DictComp)):
            for part in node.generators:
                self._bind(part.target, part.iter)
                for test in part.ifs:
                    self.of(test)
        return set().union(*(self.of(child) for child in ast.iter_child_nodes(node)))

    def _read(self, held: Paths, key: str) -> Paths:
        found = {(*path, key) for path in held if len(path) < DEEPEST}
        self.found |= found
        return found

    def _call(self, node: ast.Call) -> Paths:
        given = [self.of(one) for one in node.args]
        named = {one.arg: self.of(one.value) for one in node.keywords}
        if isinstance(node.func, ast.Attribute):
            name, held = node.func.attr, self.of(node.func.value) if node.func.attr in {"get", *VIEWS} else set()
            if name == "get" and held and node.args and isinstance(node.args[0], ast.Constant):
                return self._read(held, str(node.args[0].value))
            if name in VIEWS:
                return held
            if ast.unparse(node.func) == "OmegaConf.load":
                return {()}  # of a run: all of it
            if name not in PASSED_ON:
                self.of(node.func.value)
        else:
            name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name == "partial" and node.args and isinstance(node.args[0], ast.Name):
            name, given = node.args[0].id, given[1:]
        if name in PASSED_ON:
            return set().union(*given, *named.values())
        known = self.functions.get(name, [])
        here = [one for one in known if one[0] == self.file] or known
        for _, function, owner in here:
            names = [one.arg for one in (*function.args.posonlyargs, *function.args.args)]
            names = names[1:] if owner and names[:1] == ["self"] else names
            allowed = {*names, *(one.arg for one in function.args.kwonlyargs)}
            for parameter, paths in (*zip(names, given, strict=False), *named.items()):
                if parameter in allowed:
                    self.held[function, str(parameter)] |= paths
        return set().union(*(self.held[function, "return"] for _, function, _ in here))

    # ---- statements

    def _bind(self, target: ast.AST, value: ast.AST) -> None:
        if isinstance(target, (ast.Tuple, ast.List)) and isinstance(value, (ast.Tuple, ast.List)):
            for one, other in zip(target.elts, value.elts, strict=False):
                self._bind(one, other)
            return
        held = self.of(value)
        for one in target.elts if isinstance(target, (ast.Tuple, ast.List)) else [target]:
            if isinstance(one, ast.Name):
                self.held[self.function, one.id] |= held
            elif isinstance(one, ast.Attribute) and isinstance(one.value, ast.Name) and one.value.id == "self":
                self.held[self.owner, one.attr] |= held

    def visit_Assign(self, node: ast.Assign) -> None:
        for target in node.targets:
            self._bind(target, node.value)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self._bind(node.target, node.value)

    def visit_For(self, node: ast.For) -> None:
        self._bind(node.target, node.iter)
        for statement in (*node.body, *node.orelse):
            self.visit(statement)

    def visit_Return(self, node: ast.Return) -> None:
        self.held[self.function, "return"] |= self.of(node.value)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        for statement in node.body:  # a function inside another knows its names
            self.visit(statement)

    def generic_visit(self, node: ast.AST) -> None:
        if isinstance(node, ast.expr):
            self.of(node)
        else:
            super().generic_visit(node)
