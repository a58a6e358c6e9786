"""The stage in the page: `widget` is what a notebook shows, and answers what the page asks.

`tables` lists layers, planes, charts and controls. The script (`stage.js` and its parts, which `script`
joins) and the picture that a notebook stores (`still`) both follow it. `recording` packs a run for pages
without a kernel.
"""
