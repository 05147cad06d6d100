"""
The page "Who may use my data, and who did".

`standing` is who may: the feature registry and the policy, beside what this
person agreed to. `record` is who did: the person's own entries of the ledger.
`views` switch, withdraw and show; `downloads` hand out.
"""
