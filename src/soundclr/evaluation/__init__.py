"""Evaluates a trained run: accuracy under noise, distances and a map of its representations; classifies sound files."""
