"""CLAR (Al-Tahan and Mohsenzadeh 2021): its claims, tables and figures; we do not have its published numbers."""
