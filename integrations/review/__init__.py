"""
The reviewer's pages: from each clause that binds us to its enforcement, and back.

They show clauses, rules, tests, counts and pseudonymous ledger entries. This package cannot open
sealed values, and no page shows a person or content.
"""
