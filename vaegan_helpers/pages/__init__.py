"""The reading edition: the notebooks as pages of one site that needs no kernel, no network, no installation.

`python -m vaegan_helpers pages FOLDER` builds it. What a page says comes from the stored notebook;
`execution` runs the notebooks that hold explorers, since what makes those move is in no stored output;
`render` and `polish` make HTML of it; `builder` writes the whole site, or leaves the one that is there.

The pages come from nbconvert's exporter with a template of our own. Jupyter Book and its engine mystmd were
weighed: they fetch themes from the network, draw pages by a script that has to be served, and do not show
anywidgets, while the course wants plain files that open from a stick.
"""

from vaegan_helpers.pages.builder import build, main
