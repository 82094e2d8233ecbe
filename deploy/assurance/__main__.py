"""Write the pages that are made from the hazard log and the DPIA's input: python -m deploy.assurance."""

from __future__ import annotations

from deploy.assurance import dpia, safety_case

for made in (safety_case, dpia):
    made.PAGE.write_text(made.page(), encoding="utf-8")
    print(made.PAGE.name)
