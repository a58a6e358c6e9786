"""What the scripts of notebooks 7 and 8 share: their models, and what is measured of them."""
