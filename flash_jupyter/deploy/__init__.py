"""Bundles in production: what is wanted is compared with what the platform has, and made so; and they are called."""
