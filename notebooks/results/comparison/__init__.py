"""What the scripts of notebook 7 share: its models, and what is measured of them."""
