"""What nbgrader needs to know of this course, and what makes a bad submission a marked one."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))  # so that nbgrader finds the modules below

import bad_submissions  # noqa: E402
import class_list  # noqa: E402
import running  # noqa: E402

c = get_config()  # noqa: F821

c.CourseDirectory.course_id = "vae_and_gan"
c.CourseDirectory.root = str(Path(__file__).resolve().parent)
if set(c.CourseDirectory.root) & set("[]*?"):
    raise SystemExit(
        f"nbgrader finds nothing below {c.CourseDirectory.root}: it reads brackets and "
        "stars in a path as patterns. Move the course to a folder without them."
    )

# How files that arrive by e-mail are named: ada__1_the_vae.ipynb
c.ZipCollectApp.collector_plugin = class_list.CollectByName
c.ExportApp.plugin_class = class_list.ExportMarks

# What stands in the student edition in the place of a solution.
c.ClearSolutions.code_stub = {"python": "# your code here\nraise NotImplementedError"}
c.ClearSolutions.text_stub = "*Your answer here.*"

# A cell is cut off after a minute; after ten together, each that is left has a second.
c.ExecuteToTheEnd.cell_seconds = 60
c.ExecuteToTheEnd.notebook_seconds = 600
# Patience with a slow machine: until a kernel is there, and until it says what came of a cell.
c.Execute.startup_timeout = 180
c.Execute.iopub_timeout = 30

# Whatever a submission has lost or bent is put back beforehand, so that every graded cell is run.
c.Autograde.exporter_class = bad_submissions.ReadAnything
c.Autograde.sanitize_preprocessors = [
    "nbgrader.preprocessors.ClearOutput",
    "nbgrader.preprocessors.OverwriteKernelspec",
    bad_submissions.RestoreCells,
    bad_submissions.PutTestsBack,
    "nbgrader.preprocessors.CheckCellMetadata",
]
c.Autograde.autograde_preprocessors = [
    running.ExecuteToTheEnd,
    "nbconvert.preprocessors.ClearMetadataPreprocessor",
    "nbgrader.preprocessors.LimitOutput",
    running.SaveMarks,
    "nbgrader.preprocessors.AssignLatePenalties",
    "nbgrader.preprocessors.CheckCellMetadata",
]

# What learners get back shows no hidden tests.
c.GenerateFeedback.preprocessors = [
    "nbgrader.preprocessors.GetGrades",
    bad_submissions.HideTests,
    "nbconvert.preprocessors.CSSHTMLHeaderPreprocessor",
]
