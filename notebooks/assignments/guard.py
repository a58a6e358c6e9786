"""Runs in the kernel beside a submission: puts back what graded cells rely on, and tells of it.

`running.py` loads it into every kernel and asks it before each cell. It stops a line of tampering,
and not a determined attacker: both live in the same process.
"""

import builtins
import sys
import types

from IPython import get_ipython

WATCHED = (
    "vaegan_helpers.checks",
    "vaegan_helpers.inputs",
    "vaegan_helpers.losses",
    "vaegan_helpers.metrics",
    "vaegan_helpers.mixtures",
    "vaegan_helpers.models",
    "vaegan_helpers.training",
    "numpy",
    "numpy.linalg",
    "numpy.random",
    "numpy.testing",
    "jax",
    "jax.lax",
    "jax.nn",
    "jax.numpy",
    "jax.random",
    "jax.tree",
    "math",
    "builtins",
)
MISSING = object()
SESSION = "_session_of_the_grader"
TRANSFORMS = ("cleanup_transforms", "line_transforms", "token_transforms", "token_transformers")


def modules():
    """{name: module} of everything that is watched, with the parts of our own packages."""
    ours = tuple(f"{name}." for name in WATCHED if name.startswith("vaegan_helpers"))
    return {
        name: module
        for name, module in list(sys.modules.items())
        if isinstance(module, types.ModuleType) and (name in WATCHED or name.startswith(ours))
    }


def parts(name, module):
    """{(owner, attribute): value} of a module and of the classes that are written in it."""
    kept, of_checks = {}, name.startswith("vaegan_helpers.checks")
    for attribute, value in list(vars(module).items()):
        if attribute.startswith("__") and module is not builtins:
            continue
        if module is builtins and attribute in (
            "input",
            "get_ipython",
        ):  # the kernel's, anew at every request
            continue
        if (
            callable(value)
            or isinstance(value, types.ModuleType)
            or (of_checks and attribute.isupper())
        ):
            kept[module, attribute] = value
        if name.startswith("vaegan_helpers") and getattr(value, "__module__", "") == name:
            if isinstance(value, type):
                kept |= {
                    (value, inner): part
                    for inner, part in vars(value).items()
                    if isinstance(part, types.FunctionType)
                }
    return kept


def lists_of_the_shell():
    """The lists through which IPython rewrites a cell before it runs."""
    shell = get_ipython()
    of_input = [getattr(shell.input_transformer_manager, name, None) for name in TRANSFORMS]
    lists = [*of_input, shell.input_transformers_post, shell.ast_transformers]
    return [each for each in lists if isinstance(each, list)]


class Guard:
    """What stood where when the kernel started."""

    def __init__(self):
        self.modules = modules()
        self.kept = {}
        for name, module in self.modules.items():
            self.kept |= parts(name, module)
        self.code = {
            value: value.__code__
            for value in self.kept.values()
            if isinstance(value, types.FunctionType)
            and value.__module__.startswith("vaegan_helpers")
        }
        self.lists = [(each, list(each)) for each in lists_of_the_shell()]
        self.of_shell = dict(vars(get_ipython()))
        self.exceptions = get_ipython().custom_exceptions
        self.session, self.names = object(), {}
        get_ipython().user_ns[SESSION] = self.session

    def before_cell(self):
        """After `%reset` the names come back that were there; gives what there is to tell."""
        namespace, found = get_ipython().user_ns, []
        if namespace.get(SESSION) is not self.session:
            found.append("all names had been deleted")
            for name, value in self.names.items():
                namespace.setdefault(name, value)
            namespace[SESSION] = self.session
        self.names = dict(namespace)
        return found

    def before_graded_cell(self, imports, used):
        """Puts everything back that a graded cell relies on; gives what had been changed.

        Args:
          imports: the import statements of the notebook as it was handed out.
          used: names that stand in the graded cell.
        """
        found, namespace, fresh = self.before_cell(), get_ipython().user_ns, {}
        found += self.put_back()
        exec(imports, fresh)
        for name in used:
            if name in fresh:
                if namespace.get(name, fresh[name]) is not fresh[name]:
                    found.append(f"`{name}` was something else")
                namespace[name] = fresh[name]
        return found

    def put_back(self):
        """Undoes every change of the modules and of the shell; gives their names."""
        found, shell = [], get_ipython()
        for name, module in self.modules.items():
            if sys.modules.get(name) is not module:
                sys.modules[name] = module
                found.append(f"`{name}`")
        for (owner, attribute), value in self.kept.items():
            if vars(owner).get(attribute, MISSING) is not value:
                setattr(owner, attribute, value)
                found.append(f"`{owner.__name__}.{attribute}`")
        for function, code in self.code.items():
            if function.__code__ is not code:
                function.__code__ = code
                found.append(f"`{function.__module__}.{function.__name__}`")
        for each, was in self.lists:
            if each != was:
                each[:] = was
                found.append("how cells are read")
        for name in ("run_cell", "run_cell_async", "run_code", "run_ast_nodes", "showtraceback"):
            if vars(shell).get(name, MISSING) is not self.of_shell.get(name, MISSING):
                delattr(shell, name)
                found.append("how cells are run")
        if shell.custom_exceptions != self.exceptions:
            shell.set_custom_exc(self.exceptions, None)
            found.append("how errors are shown")
        return found


guard = Guard()
