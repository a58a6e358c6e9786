"""Checks of what a learner writes about the GAN."""
