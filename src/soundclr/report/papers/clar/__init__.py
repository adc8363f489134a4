"""CLAR (Al-Tahan and Mohsenzadeh 2021): what its claims are checked by; its published numbers are not at hand."""
