"""Tests on real files: the folder that PEDCORPUS_REAL_DATA names; skipped without it."""
