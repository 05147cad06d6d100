"""
The reviewer's pages: from each sentence that binds us to what enforces it, and back.

They show clauses, rules, tests, counts and pseudonymous entries of the ledger. Nothing
here can open anything, and no person and no content is on any page.
"""
