"""
The page "Who may use my data, and who did".

`feature_status` shows the features and rules that may use data, and the person's agreements.
`activity` shows the person's own ledger entries. `views` show, switch and withdraw; `downloads`
export.
"""
