"""What nbgrader needs to know of this course, and what makes of a bad submission a marked one."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))  # so that nbgrader finds the module below

import bad_submissions  # noqa: E402

c = get_config()  # noqa: F821

c.CourseDirectory.course_id = "vae_and_gan"
c.CourseDirectory.root = str(Path(__file__).resolve().parent)

# How files that arrive by e-mail are named: ada__1_the_vae.ipynb
c.FileNameCollectorPlugin.named_regexp = r".*?(?P<student_id>[\w.-]+?)__(?P<file_id>[^/]+)"

# What stands in the student edition in the place of a solution.
c.ClearSolutions.code_stub = {"python": "# your code here\nraise NotImplementedError"}
c.ClearSolutions.text_stub = "*Your answer here.*"

# A cell is cut off after a minute, and after a second once all together have taken ten minutes.
clock = bad_submissions.Clock(cell_seconds=60, notebook_seconds=600)
c.Execute.on_notebook_start = clock.start
c.Execute.timeout_func = clock.seconds_left
# Patience with a slow machine: until a kernel is there, and until it says what came of a cell.
c.Execute.startup_timeout = 180
c.Execute.iopub_timeout = 30

# Whatever a submission has lost or bent is put back beforehand, so that every graded cell is run.
c.Autograde.exporter_class = bad_submissions.ReadAnything
c.Autograde.sanitize_preprocessors = [
    "nbgrader.preprocessors.ClearOutput",
    "nbgrader.preprocessors.OverwriteKernelspec",
    bad_submissions.RestoreCells,
    "nbgrader.preprocessors.OverwriteCells",
    "nbgrader.preprocessors.CheckCellMetadata",
]
c.Autograde.autograde_preprocessors = [
    bad_submissions.ExecuteToTheEnd,
    "nbconvert.preprocessors.ClearMetadataPreprocessor",
    "nbgrader.preprocessors.LimitOutput",
    "nbgrader.preprocessors.SaveAutoGrades",
    "nbgrader.preprocessors.AssignLatePenalties",
    "nbgrader.preprocessors.CheckCellMetadata",
]
