"""The ways to the outside that several parts share: a call over HTTP, and a database.

An address goes in; a response or an engine comes out, or an error in the words of whoever asked,
without secrets. The ledger, requests to sellers and platforms import this folder. Nothing is ever
tried again here.
"""
