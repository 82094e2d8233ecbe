"""Colleagues, their routes and absences."""
