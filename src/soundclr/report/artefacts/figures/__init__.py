"""Figures that any study may have."""
