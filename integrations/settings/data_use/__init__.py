"""The page "Who may use my data, and who did"."""
