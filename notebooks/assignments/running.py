"""How a submission is run: within its time and space, to the end, with an eye on tampering."""

import ast
import asyncio
import copy
import re
from pathlib import Path

import nbformat
import sandbox
from bad_submissions import Clock
from nbclient.client import NotebookClient
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from nbgrader.api import Gradebook
from nbgrader.preprocessors import Execute, SaveAutoGrades
from nbgrader.utils import is_grade, is_locked
from traitlets import Integer

GUARD = (Path(__file__).parent / "guard.py").read_text(encoding="utf-8")
LOAD_GUARD = (
    "import sys, types\n"
    "import jax.numpy, numpy.testing, vaegan_helpers.checks\n"
    "sys.modules['_guard'] = types.ModuleType('_guard')\n"
    f"exec(compile({GUARD!r}, 'guard.py', 'exec'), vars(sys.modules['_guard']))\n"
    "del sys, types, jax, numpy, vaegan_helpers\n"
)
ASK_GUARD = "__import__('sys').modules['_guard'].guard"
# Ways to look behind the checks. A human reads the cell; it costs no marks.
SUSPECT = re.compile(
    r"_getframe|\bf_(?:back|locals|globals)\b|\binspect\b|\bgc\.|__code__|__closure__|ctypes|sys\.modules"
    r"|\b_guard\b|\bbuiltins\b|__builtins__|setattr\(|monkeypatch|get_ipython|\bchecks(?:\.\w+)+\s*=[^=]"
    r"|\bopen\(|read_text|read_bytes|subprocess|\bos\.(?:system|popen|walk|listdir|environ)"
)
DIED = (
    "The kernel died or answered no more in this cell (out of memory, `exit`, a loop that cannot "
    "be interrupted?). The cells below ran in a new kernel, after the cells above had run again."
)


class ExecuteToTheEnd(Execute):
    """Runs a notebook; where its kernel ends, a new one takes over below.

    A warning on stderr stays to be read and costs nothing: nbgrader would take it for an error.
    """

    cell_seconds = Integer(60, help="A cell is cut off after so many seconds.").tag(config=True)
    notebook_seconds = Integer(
        600, help="The cells of one notebook together; then each has one second left."
    ).tag(config=True)
    kept_characters = Integer(
        200_000, help="What a cell puts out beyond is left out; a message counts as 200 at least."
    ).tag(config=True)
    most_characters = Integer(
        20_000_000, help="A cell that puts out more than this is interrupted."
    ).tag(config=True)

    def __init__(self, *arguments, **named):
        super().__init__(*arguments, kernel_manager_class=sandbox.SandboxedKernel, **named)

    def preprocess(self, nb, resources=None, km=None):
        """Runs every cell; `resources["nbgrader"]["look_at"]` says what a human should look at."""
        self.clock = Clock(self.cell_seconds, self.notebook_seconds)
        NotebookClient.__init__(self, nb, km)
        self.reset_execution_trackers()
        self._check_assign_resources(resources)
        self.resources.setdefault("nbgrader", {})["look_at"] = look_at = {}
        self.imports, self.told, fatal, place = self._imports(), [], set(), 0
        wanted = sandbox.SandboxedKernel(config=self.config).sandbox
        self.log.info(sandbox.in_words(sandbox.best_way(wanted)))
        while place < len(nb.cells):
            self.again = False
            try:
                with self.setup_kernel():
                    info = self.wait_for_reply(self.kc.kernel_info())
                    nb.metadata["language_info"] = info["content"]["language_info"]
                    self._ask("[]", LOAD_GUARD)
                    for earlier in range(place):
                        if earlier not in fatal and not is_grade(nb.cells[earlier]):
                            self._run_again(earlier, fatal)
                    while place < len(nb.cells):
                        self._run(place, look_at)
                        if self.ended:
                            raise DeadKernelError("exit")
                        place += 1
            except (DeadKernelError, CellTimeoutError):
                if not self.again:
                    fatal.add(place)
                    cell = nb.cells[place]
                    if cell.cell_type == "code":
                        cell.outputs = [
                            *cell.get("outputs", []),
                            nbformat.v4.new_output(
                                "error", ename="KernelDied", evalue=DIED, traceback=[DIED]
                            ),
                        ]
                    place += 1
        for cell in nb.cells:
            for output in cell.get("outputs", []):
                if output.output_type == "stream":
                    output.name = "stdout"
        for grade_id, found in look_at.items():
            self.log.warning("A human should look at %s: %s", grade_id, "; ".join(found))
        return nb, self.resources

    def _run_again(self, place, fatal):
        """A cell that ran before, in a new kernel; its output is known already."""
        cell, self.again = self.nb.cells[place], True
        try:
            self.execute_cell(copy.deepcopy(cell), place)
        except (DeadKernelError, CellTimeoutError):
            fatal.add(place)
            raise
        finally:
            self.nb.cells[place] = cell
        self.again = False

    def _run(self, place, look_at):
        cell, self.again, self.ended = self.nb.cells[place], False, False
        if cell.cell_type != "code":
            return
        if not is_grade(cell):
            self._ask(f"{ASK_GUARD}.before_cell()")
            if not is_locked(cell) and (tricks := SUSPECT.findall(cell.source)):
                self.told.append(f"{', '.join(sorted(set(tricks)))} in the cell above")
            self.execute_cell(cell, place, store_history=True)
            return
        used = sorted(set(re.findall(r"[A-Za-z_]\w*", cell.source)))
        found = self._ask(f"{ASK_GUARD}.before_graded_cell({self.imports!r}, {used})")
        found = self.told + [f"{each} before it" for each in found]
        self.told = []
        self.execute_cell(cell, place, store_history=True)
        if not self.ended:
            found += [f"{each} while it ran" for each in self._ask(f"{ASK_GUARD}.put_back()")]
        if found:
            look_at[cell.metadata.nbgrader.grade_id] = found
            said = f"For whoever marks: {'; '.join(found)}. What was changed has been put back.\n"
            cell.outputs.append(nbformat.v4.new_output("stream", name="stdout", text=said))

    def _ask(self, question, code=""):
        """What the guard in the kernel answers: a list of findings."""
        asked = self.kc.execute(code, silent=True, user_expressions={"found": question})
        try:
            reply = self.wait_for_reply(asked)["content"]
            return ast.literal_eval(reply["user_expressions"]["found"]["data"]["text/plain"])
        except (KeyError, TypeError, ValueError, SyntaxError):
            return ["the guard gave no answer"]

    def _imports(self):
        """The import statements of the notebook that was handed out."""
        of_course = self.resources["nbgrader"]
        try:
            course = self.parent.parent.coursedir
            folder = course.format_path(course.source_directory, ".", of_course["assignment"])
            source = nbformat.read(Path(folder) / f"{of_course['notebook']}.ipynb", as_version=4)
        except (AttributeError, KeyError, OSError):
            return ""
        statements = []
        for cell in source.cells:
            if cell.cell_type == "code":
                try:
                    body = ast.parse(cell.source).body
                except SyntaxError:  # a magic command
                    continue
                statements += [
                    part for part in body if isinstance(part, ast.Import | ast.ImportFrom)
                ]
        return "\n".join(ast.unparse(statement) for statement in statements)

    def _get_timeout(self, cell):
        if cell is None:
            return 60
        own = self.timeout_func(cell) if self.timeout_func else None
        left = self.clock.seconds_left(cell)
        return min(own, left) if own else left

    def on_cell_executed(self, **named):
        """Also notices `exit`, which ends the kernel a moment later."""
        super().on_cell_executed(**named)
        payload = named["execute_reply"]["content"].get("payload", [])
        self.ended = any(part.get("source") == "ask_exit" for part in payload)

    def process_message(self, msg, cell, cell_index):
        """Leaves out what exceeds the limits, while the cell runs."""
        if msg["msg_type"] == "status" and msg["content"]["execution_state"] == "busy":
            self.characters = 0
        size = _size(msg["content"]) if msg["msg_type"] in OUTPUTS else 0
        if size:
            before, self.characters = self.characters, self.characters + max(200, size)
            if before <= self.most_characters < self.characters:
                asyncio.ensure_future(self.km.interrupt_kernel())
            if before > self.kept_characters:
                return None
            if self.characters > self.kept_characters:
                msg = copy.copy(msg) | {
                    "content": _shortened(msg["content"], self.kept_characters - before)
                }
        return super().process_message(msg, cell, cell_index)


OUTPUTS = ("stream", "display_data", "execute_result", "update_display_data", "error")


def _size(content):
    """Characters of an output message."""
    texts = [content.get("text", ""), content.get("evalue", ""), *content.get("traceback", [])]
    return sum(map(len, texts)) + sum(len(str(part)) for part in content.get("data", {}).values())


def _shortened(content, room):
    """An output message with about `room` characters left of it."""
    said = "\n... the output was too long: the rest is left out ...\n"
    content = copy.copy(content)
    if "text" in content:
        content["text"] = content["text"][: max(0, room)] + said
    if "data" in content:
        content["data"] = {"text/plain": said.strip()}
    if "traceback" in content:
        content["evalue"] = content["evalue"][:2_000]
        content["traceback"] = [line[:2_000] for line in content["traceback"][-20:]] + [
            said.strip()
        ]
    return content


class SaveMarks(SaveAutoGrades):
    """Saves the marks; a cell that a human should look at waits for one in the formgrader."""

    def preprocess(self, nb, resources):
        nb, resources = super().preprocess(nb, resources)
        of_course = resources["nbgrader"]
        with Gradebook(of_course["db_url"]) as gradebook:
            for grade_id in of_course.get("look_at", {}):
                gradebook.find_grade(
                    grade_id, of_course["notebook"], of_course["assignment"], of_course["student"]
                ).needs_manual_grade = True
            gradebook.db.commit()
        return nb, resources
