"""Builds what others install: the artefact, judged by Galaxy's own importer, and what is published beside it."""
