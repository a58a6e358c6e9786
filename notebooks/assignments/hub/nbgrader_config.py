"""nbgrader for everybody on the hub: where assignments are released and handed in."""

import os

c = get_config()  # noqa: F821

c.CourseDirectory.course_id = "vae_and_gan"
c.Exchange.root = os.path.join(os.environ.get("COURSE_SHARED", "/srv/vae-and-gan"), "exchange")
