"""One Alert, when it may be sent again, and where it is sent: log, file, webhook, Apprise.

What is wrong goes in; alerts delivered to sinks come out. Policy, pacing and the command line
import it; it knows the ledger, in which it keeps books of what was taken, and errors.
"""
