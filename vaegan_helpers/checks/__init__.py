"""What a learner's answer is held against: each check takes a function of theirs, and names the likely slip.

`checks.kl(my_kl)` prints "the KL: right", or raises a `NotYet` that says what to look at. `answers` is the frame,
`vae` and `gan` are the checks themselves.
"""

from vaegan_helpers.checks.answers import NotYet, hint  # noqa: F401
from vaegan_helpers.checks.vae import kl  # noqa: F401
