"""The audit trail made so that a change of it is found: rows are sealed in a chain, and its head is sent elsewhere.

`chain` what a seal holds · `sealing` the writer · `heads` the signed head · `verifying` the walk over all of it ·
`commands` for operators. docs/decisions/0026-a-chain-over-the-audit-trail.md says why it is made so.
"""
