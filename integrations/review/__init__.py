"""
The reviewer's pages: from each clause that binds us to its enforcement, and back.

This package cannot open sealed values, and no page shows a person or content.
"""
