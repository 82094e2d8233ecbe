"""Counting: what happened, as rows tell it → exact numbers by KPI and category. Nothing in here may be published."""
